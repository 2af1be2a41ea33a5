-- Events of runs that have no position in the log yet, in about the order in which they get one.
CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_run_events_unnumbered
    ON operation_run_events (at) WHERE position IS NULL
