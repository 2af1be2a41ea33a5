-- admin.find_credentials
--
-- What workers need to sign in to those of the tenants that have credentials.
SELECT c.tenant_id, t.cloud, t.directory_id, c.kind, c.client_id, c.key_id, c.nonce, c.ciphertext,
    c.file
FROM tenant_credentials c
    JOIN tenants t ON t.id = c.tenant_id
WHERE c.tenant_id = ANY (:tenants)
