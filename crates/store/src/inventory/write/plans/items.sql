-- Two thousand items of one policy type of one tenant, of which nothing gathers statistics.
ALTER TABLE inventory_items SET (autovacuum_enabled = off);
INSERT INTO tenants (id, name, directory_id)
VALUES (md5('tenant')::uuid, 'T', md5('directory')::uuid);
INSERT INTO inventory_items (id, tenant_id, policy_type, external_id, name, category, platform,
    foundation, scope_tags, metadata, content_hash, first_seen_at, last_seen_at, changed_at,
    fence, last_seen_run)
SELECT gen_random_uuid(), md5('tenant')::uuid, 'deviceConfiguration', n::text, 'N' || n,
    'Configuration', 'windows', false, '{}', '{}', sha256(int8send(n)), now(), now(), now(), 1,
    gen_random_uuid()
FROM generate_series(1, 2000) n;
