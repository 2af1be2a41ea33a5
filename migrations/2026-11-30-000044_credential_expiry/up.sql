-- The day on which a client secret ends, as whoever stored it said; nothing where nobody did. Programs
-- of the version before do not write it: the day stays when they replace the secret.
ALTER TABLE tenant_credentials ADD COLUMN expires_on date;
