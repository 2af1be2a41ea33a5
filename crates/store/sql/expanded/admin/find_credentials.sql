-- Written by `cargo xtask schema` from admin/find_credentials.sql.
-- $1 tenants: _uuid
-- returns tenant_id: uuid
-- returns cloud: text
-- returns directory_id: uuid
-- returns kind: text
-- returns client_id: text
-- returns key_id: text
-- returns nonce: bytea
-- returns ciphertext: bytea
-- returns file: text
-- admin.find_credentials
--
-- What workers need to sign in to those of the tenants that have credentials.
SELECT c.tenant_id, t.cloud, t.directory_id, c.kind, c.client_id, c.key_id, c.nonce, c.ciphertext,
    c.file
FROM tenant_credentials c
    JOIN tenants t ON t.id = c.tenant_id
WHERE c.tenant_id = ANY ($1)
