ALTER TABLE operation_runs DROP COLUMN verify;
