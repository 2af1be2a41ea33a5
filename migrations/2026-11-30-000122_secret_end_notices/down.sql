ALTER TABLE tenant_credentials DROP COLUMN end_noticed;
