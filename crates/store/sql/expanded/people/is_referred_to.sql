-- Written by `cargo xtask schema` from people/is_referred_to.sql.
-- $1 user: uuid
-- returns referred_to: bool
-- people.is_referred_to
--
-- Whether a run or a schedule names the user.
SELECT EXISTS (SELECT 1 FROM operation_runs r WHERE r.initiator_id = $1)
    OR EXISTS (SELECT 1 FROM operation_runs r WHERE r.cancel_requested_by = $1)
    OR EXISTS (SELECT 1 FROM tenant_schedules s WHERE s.set_by = $1) AS referred_to
