-- system.secret_ends
--
-- The days on which client secrets of enabled tenants end, and how many tenants' secrets end on each.
SELECT c.expires_on, count(*) AS tenants
FROM tenant_credentials c
    JOIN tenants t ON t.id = c.tenant_id
WHERE t.enabled AND c.kind = :'client_secret'
GROUP BY c.expires_on
ORDER BY c.expires_on
