ALTER TABLE operation_runs
    DROP CONSTRAINT cancel_is_whole,
    ADD CONSTRAINT cancel_is_whole
        CHECK (num_nonnulls(cancel_requested_at, cancel_requested_by, cancel_deadline_at) IN (0, 3));
