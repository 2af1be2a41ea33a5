-- operation_runs_by_tenant is in its place.
DROP INDEX CONCURRENTLY IF EXISTS operation_runs_tenant
