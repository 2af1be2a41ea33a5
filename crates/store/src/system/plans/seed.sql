-- An installation as it is after some weeks: 20,000 runs, notifications, audit entries and changes of
-- fifty tenants, none of them too old. A hundred runs ended within the last hour, a hundred are
-- queued, and ten are running.
INSERT INTO users (id, email, display_name)
SELECT md5('u' || n)::uuid, 'u' || n || '@example.com', 'U' || n FROM generate_series(1, 50) n;

INSERT INTO tenants (id, name, directory_id)
SELECT md5('t' || n)::uuid, 'T' || n, md5('d' || n)::uuid FROM generate_series(1, 50) n;

INSERT INTO memberships (user_id, tenant_id, role)
SELECT md5('u1')::uuid, t.id, 'operator' FROM tenants t;

INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, initiator_id, status,
    outcome, created_at, completed_at)
SELECT md5('r' || n)::uuid, md5('t' || (n % 50 + 1))::uuid,
    CASE WHEN n % 5 = 0 THEN 'directory_groups_sync' ELSE 'inventory_sync' END,
    n::text, 'inventory', '{}', md5('u' || (n % 50 + 1))::uuid, 'completed',
    CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'succeeded' END,
    ended.at - interval '1 minute', ended.at
FROM generate_series(1, 19890) n,
    LATERAL (SELECT now() - CASE
        WHEN n <= 100 THEN interval '10 minutes'
        ELSE interval '2 hours' + n * interval '2 minutes'
    END AS at) ended;

INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, initiator_id)
SELECT md5('q' || n)::uuid, md5('t' || (n % 50 + 1))::uuid, 'inventory_sync', 'q' || n, 'inventory',
    '{}', md5('u1')::uuid
FROM generate_series(1, 100) n;

INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, initiator_id, status,
    worker_id, lease_token, lease_expires_at, heartbeat_at)
SELECT md5('w' || n)::uuid, md5('t' || n)::uuid, 'inventory_sync', 'w' || n, 'inventory', '{}',
    md5('u1')::uuid, 'running', 'worker', gen_random_uuid(), now() + interval '45 seconds', now()
FROM generate_series(1, 10) n;

INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body, created_at)
SELECT gen_random_uuid(), r.initiator_id, r.tenant_id, r.id, 'terminal', 'Ended', 'It ended.',
    coalesce(r.completed_at, now())
FROM operation_runs r;

INSERT INTO audit_events (id, tenant_id, actor_kind, action, target_kind, target_id, outcome,
    occurred_at)
SELECT gen_random_uuid(), CASE WHEN n % 100 = 0 THEN NULL ELSE r.tenant_id END, 'installation',
    'operation_run.completed', 'operation_run', r.id::text, 'allowed', coalesce(r.completed_at, now())
FROM (SELECT *, row_number() OVER () AS n FROM operation_runs) r;

INSERT INTO inventory_changes (tenant_id, occurred_at, id, item_id, policy_type, kind, run_id)
SELECT r.tenant_id, coalesce(r.completed_at, now()), gen_random_uuid(), gen_random_uuid(),
    'device_configuration', 'changed', r.id
FROM operation_runs r;

ANALYZE;
