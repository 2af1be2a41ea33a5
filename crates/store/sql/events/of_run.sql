-- events.of_run
--
-- A page of the events of a run, in their order, as the log has them; also those that the log has not any
-- more, or not yet had. A numbering that was pruned has no mark.
\ir events/pieces/of_run.sql
WHERE r.id = :run AND r.tenant_id = :tenant AND (e.position, e.seq) > (:position, :seq)
ORDER BY e.seq
LIMIT :limit
