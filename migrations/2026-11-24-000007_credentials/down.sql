-- What an earlier version cannot hold goes; its tenants have no credentials then.
DELETE FROM tenant_credentials WHERE kind <> 'client_secret';

ALTER TABLE tenant_credentials
    DROP CONSTRAINT tenant_credentials_proof,
    DROP COLUMN file,
    ALTER COLUMN ciphertext SET NOT NULL,
    ALTER COLUMN nonce SET NOT NULL,
    ALTER COLUMN key_id SET NOT NULL,
    DROP CONSTRAINT tenant_credentials_kind_check,
    ADD CONSTRAINT tenant_credentials_kind_check CHECK (kind IN ('client_secret'));
