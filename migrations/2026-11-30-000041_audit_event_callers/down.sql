CREATE OR REPLACE FUNCTION audit_events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are not changed';
END
$$;
ALTER TABLE audit_events
    DROP COLUMN address,
    DROP COLUMN user_agent;
