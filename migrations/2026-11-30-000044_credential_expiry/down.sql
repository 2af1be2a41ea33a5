ALTER TABLE tenant_credentials DROP COLUMN expires_on;
