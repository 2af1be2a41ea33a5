DROP TABLE operation_run_events;
DROP TABLE tenant_fences;
DROP TABLE operation_runs;
