-- The end of the client secret that the tenant's owners were notified of, so that they are once.
ALTER TABLE tenant_credentials ADD COLUMN end_noticed date;
