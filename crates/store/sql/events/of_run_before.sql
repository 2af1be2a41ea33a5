-- events.of_run_before
--
-- As of_run, newest first, before a place.
\ir events/pieces/of_run.sql
WHERE r.id = :run AND r.tenant_id = :tenant AND (e.position, e.seq) < (:position, :seq)
ORDER BY e.seq DESC
LIMIT :limit
