-- operation_runs_by_initiator is in its place.
DROP INDEX CONCURRENTLY IF EXISTS operation_runs_initiator
