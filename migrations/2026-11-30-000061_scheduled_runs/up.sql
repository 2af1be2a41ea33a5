-- Whether a schedule started the run; its initiator is then who set the schedule.
ALTER TABLE operation_runs ADD COLUMN scheduled boolean NOT NULL DEFAULT false;
