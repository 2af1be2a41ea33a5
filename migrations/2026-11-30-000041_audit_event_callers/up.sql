-- Where a request came from, as far as it was one.
ALTER TABLE audit_events
    ADD COLUMN address text,
    ADD COLUMN user_agent text;

-- The address and the program of a person can be erased: in a transaction that says
-- SET LOCAL atlas.erasure = 'on', these two columns may become empty, and nothing else may change.
CREATE OR REPLACE FUNCTION audit_events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('atlas.erasure', true) = 'on'
        AND NEW.address IS NULL AND NEW.user_agent IS NULL
        AND to_jsonb(NEW) - 'address' - 'user_agent' = to_jsonb(OLD) - 'address' - 'user_agent'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit events are not changed';
END
$$;
