-- audit.record
--
-- Writes one entry. Its time is the column's default.
INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
    outcome, request_id, detail, address, user_agent)
VALUES (:id, :tenant_id, :actor_kind, :actor_id, :action, :target_kind, :target_id, :outcome,
    :request_id, :detail, :address, :user_agent)
