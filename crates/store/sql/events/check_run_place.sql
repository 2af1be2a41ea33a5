-- events.check_run_place
--
-- Whether a run has this event at this position.
SELECT EXISTS (
    SELECT FROM operation_run_events e
    WHERE e.run_id = :run AND e.seq = :seq AND e.position = :position
) AS found
