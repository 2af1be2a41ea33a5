-- runs.find_state
--
-- The state of a run that a transition could not leave.
SELECT r.status, r.outcome, r.attempt FROM operation_runs r WHERE r.id = :run
