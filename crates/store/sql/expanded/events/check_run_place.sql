-- Written by `cargo xtask schema` from events/check_run_place.sql.
-- $1 run: uuid
-- $2 seq: int4
-- $3 position: int8
-- returns found: bool
-- events.check_run_place
--
-- Whether a run has this event at this position.
SELECT EXISTS (
    SELECT FROM operation_run_events e
    WHERE e.run_id = $1 AND e.seq = $2 AND e.position = $3
) AS found
