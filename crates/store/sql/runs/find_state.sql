-- runs.find_state
--
-- Where a run is that was not what somebody took it for.
SELECT r.status, r.outcome, r.attempt FROM operation_runs r WHERE r.id = :run
