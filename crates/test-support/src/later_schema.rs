//! Migrations of a later version, applied as its `atlas migrate` would, of which this version knows
//! nothing.

use crate::TestDatabase;

/// The version of the first such migration: a program that knows it is newer than this one.
const LATER: &str = "29990101000000";

impl TestDatabase {
    /// Adds columns and an index, as a migration may in every release.
    pub async fn expand_schema(&self) {
        let connection = self.connection().await;
        let adds = format!(
            "BEGIN;
             ALTER TABLE operation_runs ADD COLUMN later text;
             ALTER TABLE notifications ADD COLUMN later bigint NOT NULL DEFAULT 7;
             CREATE TABLE later (id uuid PRIMARY KEY, run_id uuid REFERENCES operation_runs);
             INSERT INTO __diesel_schema_migrations (version) VALUES ('{LATER}');
             COMMIT"
        );
        connection.batch_execute(&adds).await.unwrap();
        let builds = "CREATE INDEX CONCURRENTLY operation_runs_later ON operation_runs (later)";
        connection.batch_execute(builds).await.unwrap();
    }

    /// Says that this version does not work with the schema any more, as a migration does that takes
    /// something away.
    pub async fn contract_schema(&self) {
        self.require_program(LATER).await;
    }

    /// Says that this version works with the schema.
    pub async fn accept_this_version(&self) {
        self.require_program(atlas_store::schema_version()).await;
    }

    async fn require_program(&self, version: &str) {
        let update = "UPDATE schema_compatibility SET oldest_program = $1";
        let connection = self.connection().await;
        assert_eq!(connection.execute(update, &[&version]).await.unwrap(), 1);
    }
}
