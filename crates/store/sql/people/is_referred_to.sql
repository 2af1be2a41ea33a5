-- people.is_referred_to
--
-- Whether a run or a schedule names the user.
SELECT EXISTS (SELECT 1 FROM operation_runs r WHERE r.initiator_id = :user)
    OR EXISTS (SELECT 1 FROM operation_runs r WHERE r.cancel_requested_by = :user)
    OR EXISTS (SELECT 1 FROM tenant_schedules s WHERE s.set_by = :user) AS referred_to
