-- Written by `cargo xtask schema` from system/certificates.sql.
-- returns file: text
-- returns tenants: int8
-- system.certificates
--
-- The files that certificates of enabled tenants are in, and how many tenants name each.
SELECT c.file, count(*) AS tenants
FROM tenant_credentials c
    JOIN tenants t ON t.id = c.tenant_id
WHERE t.enabled AND c.kind = 'certificate'
GROUP BY c.file
ORDER BY c.file
