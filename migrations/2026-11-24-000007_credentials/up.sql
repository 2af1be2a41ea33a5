-- Credentials that stay outside of the database: a certificate or a token of another issuer, in a
-- file that the workers read. Of those there is the file's name alone.

ALTER TABLE tenant_credentials
    DROP CONSTRAINT tenant_credentials_kind_check,
    ADD CONSTRAINT tenant_credentials_kind_check
        CHECK (kind IN ('client_secret', 'certificate', 'federated_token')),
    ALTER COLUMN key_id DROP NOT NULL,
    ALTER COLUMN nonce DROP NOT NULL,
    ALTER COLUMN ciphertext DROP NOT NULL,
    -- A name in the workers' directory, never a path.
    ADD COLUMN file text CHECK (file ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$'),
    -- Which columns belong to which kind: a secret has all three of its own and no file, the others
    -- have a file and nothing secret.
    ADD CONSTRAINT tenant_credentials_proof CHECK (
        num_nonnulls(key_id, nonce, ciphertext) = CASE kind WHEN 'client_secret' THEN 3 ELSE 0 END
        AND (file IS NULL) = (kind = 'client_secret')
    );
