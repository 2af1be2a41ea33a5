-- audit.record
--
-- Writes one entry. Its time is the column's default. Of a user who was disabled since the request
-- began it does not keep where that came from: the person may be being erased.
INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
    outcome, request_id, request_name, detail, address, user_agent)
VALUES (:id, :tenant_id, :actor_kind, :actor_id, :action, :target_kind, :target_id, :outcome,
    :request_id, :request_name, :detail,
    CASE WHEN EXISTS (SELECT 1 FROM users u WHERE u.id = :actor_id AND u.disabled_at IS NOT NULL)
        THEN NULL ELSE :address END,
    CASE WHEN EXISTS (SELECT 1 FROM users u WHERE u.id = :actor_id AND u.disabled_at IS NOT NULL)
        THEN NULL ELSE :user_agent END)
