-- Written by `cargo xtask schema` from runs/find_state.sql.
-- $1 run: uuid
-- returns status: text
-- returns outcome: text
-- returns attempt: int4
-- runs.find_state
--
-- The state of a run that a transition could not leave.
SELECT r.status, r.outcome, r.attempt FROM operation_runs r WHERE r.id = $1
