-- events.unnumbered
--
-- Whether anything waits for a position in the log. Both parts are empty most of the time. The order of
-- the first is that of the index of rows without a position: of a mere EXISTS the planner may believe
-- that reading the table soon finds one.
SELECT (SELECT true FROM operation_run_events e WHERE e.position IS NULL ORDER BY e.at LIMIT 1) IS TRUE
    OR EXISTS (SELECT FROM pending_events) AS found
