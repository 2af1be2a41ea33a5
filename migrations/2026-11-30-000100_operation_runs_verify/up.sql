-- Which values the run reads although they are stored, where that was asked for. It is one of the run's
-- inputs, but stands beside them: programs of the version before refuse inputs with members that they do
-- not know.
ALTER TABLE operation_runs ADD COLUMN verify text;
