-- What each sync of groups has changed so far, over all its attempts.
CREATE TABLE directory_group_tallies (
    run_id  uuid PRIMARY KEY REFERENCES operation_runs (id) ON DELETE CASCADE,
    created bigint NOT NULL,                          -- groups that were not known
    changed bigint NOT NULL,                          -- groups with other properties
    back    bigint NOT NULL,                          -- groups that had been gone
    removed bigint NOT NULL                           -- groups that are gone
);
