-- What `seed.sql` leaves out, because the schema of its first migration has no tables for it: the log
-- of events, actors, past versions and settings. It follows `seed.sql` in the same session.

-- Events of runs are numbered. The log has an event of every run: its end, or that it was queued.
UPDATE operation_run_events SET position = 0;
INSERT INTO events (position, mark, id, event_type, occurred_at, tenant_id, run_id, user_id, personal,
    data)
SELECT row_number() OVER (ORDER BY r.n), 1, pg_temp.time_id(coalesce(r.ended_at, r.created_at), r.n),
    'operation_run.' || CASE r.status WHEN 'completed' THEN 'completed' ELSE 'queued' END,
    coalesce(r.ended_at, r.created_at), r.tenant_id, r.id, r.initiator_id, false,
    jsonb_strip_nulls(jsonb_build_object('kind', CASE WHEN r.shape < 0 THEN 'directory_groups_sync'
        ELSE 'inventory_sync' END, 'sequence', 3, 'attempt', 1, 'outcome', r.outcome))
FROM seed_runs r
ORDER BY r.n;
INSERT INTO event_numberings (last_position, mark)
SELECT e.position, 1 FROM events e WHERE e.position % 100 = 0
UNION
SELECT max(e.position), 1 FROM events e;

UPDATE inventory_type_summaries s SET stored_since = i.first_seen_at
FROM (SELECT tenant_id, policy_type, min(first_seen_at) AS first_seen_at
    FROM inventory_items GROUP BY tenant_id, policy_type) i
WHERE i.tenant_id = s.tenant_id AND i.policy_type = s.policy_type;

-- Every second change is listed under one of three actors.
INSERT INTO inventory_change_actors (tenant_id, occurred_at, change_id, actor, kind, policy_type, item_id)
SELECT c.tenant_id, c.occurred_at, c.id, a.name, c.kind, c.policy_type, c.item_id
FROM inventory_changes c
    JOIN (VALUES (0, 'anna@contoso.example'), (2, 'bob@contoso.example'), (4, 'pipeline'))
        AS a(place, name) ON a.place = get_byte(uuid_send(c.id), 15) % 6;

-- Past versions of what has contents, at least four of each, of a hundred bodies in each tenant.
INSERT INTO inventory_bodies (tenant_id, hash, body)
SELECT t.id, sha256(int8send(b)), CASE WHEN b < 50
    THEN jsonb_build_object('/displayName', 'Object ' || b, '/description',
        'What it is for, at some length.', '/settings/0/value', b, '/settings/1/value', false)
    ELSE jsonb_build_array(jsonb_build_object('target', jsonb_build_object('groupId',
        md5('group ' || b)))) END
FROM seed_tenants t CROSS JOIN generate_series(0, 99) b;
INSERT INTO inventory_versions (item_id, number, tenant_id, name, platform, scope_tags,
    assignment_count, metadata, valid_from, valid_to, content_hash, assignments_hash)
SELECT i.id, v, i.tenant_id, i.name, i.platform, i.scope_tags, i.assignment_count, i.metadata,
    i.first_seen_at + (i.changed_at - i.first_seen_at) * ((v - 1)::double precision / s.versions),
    i.first_seen_at + (i.changed_at - i.first_seen_at) * (v::double precision / s.versions),
    sha256(int8send((s.n + v) % 50)), sha256(int8send(50 + (s.n + v) % 50))
FROM (SELECT l.*, CASE WHEN l.k % 1000 = 1 THEN 300 ELSE 4 END AS versions FROM seed_linked l) s
    JOIN inventory_items i ON i.id = s.id
    CROSS JOIN LATERAL generate_series(1, s.versions) v;
UPDATE inventory_items i SET version = p.versions + 1, version_run = i.last_seen_run
FROM (SELECT item_id, max(number) AS versions FROM inventory_versions GROUP BY item_id) p
WHERE i.id = p.item_id;

-- What items of the largest tenant set, five settings each: with 200,000 items, a million. Sixteen settings
-- are set by 50,000 items each, and thousands by a few.
INSERT INTO setting_definitions (id, in_catalog, name, description, options, asked_at)
SELECT 'device_vendor_msft_seed_setting_' || d, true, 'Seed setting ' || d, 'What it does.',
    jsonb_build_object('device_vendor_msft_seed_setting_' || d || '_0', 'Disabled',
        'device_vendor_msft_seed_setting_' || d || '_1', 'Enabled'), z.at
FROM generate_series(0, 4999) d CROSS JOIN seed_sizes z;
INSERT INTO inventory_settings (item_id, place, tenant_id, policy_type, setting_id, field, value)
SELECT i.id,
    encode(substring(sha256(convert_to(v.value, 'UTF8')) FOR 8)
        || substring(sha256(convert_to(i.external_id || v.id, 'UTF8')) FOR 8), 'hex')::uuid,
    i.tenant_id, i.policy_type, v.id, '/settings/' || v.id, to_jsonb(v.value)
FROM seed_tenants t
    JOIN inventory_items i ON i.tenant_id = t.id AND t.number = 1
    CROSS JOIN generate_series(0, 4) k
    CROSS JOIN LATERAL (SELECT ('x' || substring(md5(i.id::text || k) FOR 6))::bit(24)::integer AS n) h
    CROSS JOIN LATERAL (SELECT 'device_vendor_msft_seed_setting_' || CASE WHEN k < 4
        THEN 4 * (h.n % 4) + k ELSE h.n % 5000 END AS id) s
    CROSS JOIN LATERAL (SELECT s.id, s.id || '_' || h.n / 7 % 2 AS value) v
ON CONFLICT DO NOTHING;

ANALYZE;
