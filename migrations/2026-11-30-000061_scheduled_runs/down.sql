ALTER TABLE operation_runs DROP COLUMN scheduled;
