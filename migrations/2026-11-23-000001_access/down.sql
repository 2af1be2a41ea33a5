DROP TABLE api_tokens;
DROP TABLE memberships;
DROP TABLE users;
DROP TABLE tenant_credentials;
DROP TABLE tenants;
