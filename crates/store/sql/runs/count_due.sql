-- runs.count_due
SELECT count(*) AS count
FROM operation_runs r
WHERE r.status = 'queued' AND r.not_before <= statement_timestamp()
