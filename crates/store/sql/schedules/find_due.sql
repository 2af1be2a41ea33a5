-- schedules.find_due
--
-- Schedules whose time has come, with what decides whether they fire. Nothing is locked: whoever acts on
-- a row checks it again, and of several workers one does.
SELECT s.tenant_id, s.time_of_day, s.cron, s.zone, s.jitter_minutes, s.catch_up, s.set_by, s.set_at,
    s.next_due_at AS due_at, statement_timestamp() AS now, m.role,
    (u.disabled_at IS NOT NULL) AS setter_disabled, t.enabled, (k.tenant_id IS NOT NULL) AS connected
FROM tenant_schedules s
    JOIN tenants t ON t.id = s.tenant_id
    JOIN users u ON u.id = s.set_by
    LEFT JOIN memberships m ON m.user_id = s.set_by AND m.tenant_id = s.tenant_id
    LEFT JOIN tenant_credentials k ON k.tenant_id = s.tenant_id
WHERE s.next_due_at <= statement_timestamp()
ORDER BY s.next_due_at, s.tenant_id
LIMIT :most
