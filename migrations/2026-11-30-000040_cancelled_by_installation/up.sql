-- A run may be asked to stop by the installation itself, when its tenant is disabled: nobody is named
-- then. Every row that fits the former condition fits this one, so that nothing is read.
ALTER TABLE operation_runs
    DROP CONSTRAINT cancel_is_whole,
    ADD CONSTRAINT cancel_is_whole
        CHECK (num_nonnulls(cancel_requested_at, cancel_deadline_at) IN (0, 2)
            AND (cancel_requested_by IS NULL OR cancel_requested_at IS NOT NULL)) NOT VALID;
