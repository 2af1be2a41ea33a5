-- Written by `cargo xtask schema` from audit/record.sql.
-- $1 id: uuid
-- $2 tenant_id: uuid
-- $3 actor_kind: text
-- $4 actor_id: uuid
-- $5 action: text
-- $6 target_kind: text
-- $7 target_id: text
-- $8 outcome: text
-- $9 request_id: uuid
-- $10 request_name: text
-- $11 detail: jsonb
-- $12 address: text
-- $13 user_agent: text
-- audit.record
--
-- Writes one entry. Its time is the column's default. Of a user who was disabled since the request
-- began it does not keep where that came from: the person may be being erased.
INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
    outcome, request_id, request_name, detail, address, user_agent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
    $9, $10, $11,
    CASE WHEN EXISTS (SELECT 1 FROM users u WHERE u.id = $4 AND u.disabled_at IS NOT NULL)
        THEN NULL ELSE $12 END,
    CASE WHEN EXISTS (SELECT 1 FROM users u WHERE u.id = $4 AND u.disabled_at IS NOT NULL)
        THEN NULL ELSE $13 END)
