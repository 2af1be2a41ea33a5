//! Recording what a sync is going to read: for one run, or for many that begin in the same moment.

use std::collections::HashSet;

use atlas_domain::ids::UserId;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use atlas_domain::selection::Selection;
use const_format::concatcp;
use diesel::sql_types::{Array, BigInt, Jsonb, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::WriteError;
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;
use crate::runs::to_json;

/// A sync that begins, as the owner of its run asks.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// Whose run it is.
    pub lease: Lease,
    /// Who started the run.
    pub initiator: UserId,
    /// What was asked for.
    pub selection: Selection,
    /// The types that will be read.
    pub keys: Vec<PolicyTypeKey>,
}

/// Locks the rows of the runs, which what is recorded refers to, then those of their fences, in the
/// order in which everybody locks them; either waits for rows that somebody holds or leaves those
/// runs out. `FOR SHARE` of the fence makes the check and the write one, as for every write of a
/// sync. What earlier attempts of a run recorded stays counted: a later attempt finds it stored and
/// does not count it again. `= ANY` says what the joins say too: from it the planner knows that few
/// rows are asked for, and takes an index.
///
/// Arrays with a value for each run: $1 run, $2 tenant, $3 scope, $4 fence, $5 token, $6 initiator,
/// $7 selection, $8 its hash. Arrays with a value for each of their types: $9 run, $10 policy type.
macro_rules! begin {
    ($held:literal) => {
        concatcp!(
            "WITH asked AS ( \
                SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], \
                    $5::uuid[], $6::uuid[], $7::jsonb[], $8::text[]) \
                AS a(run, tenant, scope, fence, token, initiator, selection, hash)), \
            kept AS ( \
                SELECT r.id FROM operation_runs r WHERE r.id = ANY ($1) FOR KEY SHARE ",
            $held,
            "), \
            guard AS ( \
                SELECT a.* FROM tenant_fences f JOIN asked a ON f.tenant_id = a.tenant \
                    AND f.scope = a.scope AND f.fence = a.fence AND f.token = a.token \
                WHERE f.tenant_id = ANY ($2) AND a.run IN (SELECT id FROM kept) \
                FOR SHARE OF f ",
            $held,
            "), \
            recorded AS ( \
                INSERT INTO inventory_sync_runs \
                    (run_id, tenant_id, initiator_id, selection, selection_hash) \
                SELECT run, tenant, initiator, selection, hash FROM guard \
                ON CONFLICT (run_id) DO NOTHING), \
            results AS ( \
                INSERT INTO inventory_type_results AS x (run_id, policy_type, status) \
                SELECT k.run, k.policy_type, 'pending' \
                FROM unnest($9::uuid[], $10::text[]) AS k(run, policy_type) \
                    JOIN guard ON guard.run = k.run \
                ON CONFLICT (run_id, policy_type) DO UPDATE SET status = 'pending', pages = 0, \
                    seen = 0, error = NULL, started_at = NULL, completed_at = NULL) \
            SELECT run FROM guard"
        )
    };
}

const BEGIN: &str = begin!("");
const BEGIN_FREE: &str = begin!("SKIP LOCKED");

#[derive(QueryableByName)]
struct BegunRow {
    #[diesel(sql_type = SqlUuid)]
    run: Uuid,
}

/// The columns of what a statement is asked for.
#[derive(Default)]
struct Columns {
    run: Vec<Uuid>,
    tenant: Vec<Uuid>,
    scope: Vec<&'static str>,
    fence: Vec<i64>,
    token: Vec<Uuid>,
    initiator: Vec<Uuid>,
    selection: Vec<Value>,
    hash: Vec<String>,
    type_of: Vec<Uuid>,
    policy_type: Vec<&'static str>,
}

impl Columns {
    fn add(
        &mut self,
        lease: &Lease,
        initiator: UserId,
        selection: &Selection,
        keys: &[PolicyTypeKey],
    ) {
        let run = lease.run_id.into_uuid();
        self.run.push(run);
        self.tenant.push(lease.tenant_id.into_uuid());
        self.scope.push(lease.kind.lock_scope());
        self.fence.push(lease.fence);
        self.token.push(lease.token.into_uuid());
        self.initiator.push(initiator.into_uuid());
        self.selection.push(to_json(selection));
        self.hash.push(selection.hash());
        for key in keys {
            self.type_of.push(run);
            self.policy_type.push(key.as_str());
        }
    }
}

impl Store {
    /// Records what the run reads, with every type pending. A later attempt of the same run begins
    /// anew, but for the changes that earlier ones counted. Waits for whoever holds its rows.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn begin_sync(
        &self,
        lease: &Lease,
        initiator: UserId,
        selection: &Selection,
        keys: &[PolicyTypeKey],
    ) -> Result<(), WriteError> {
        let mut columns = Columns::default();
        columns.add(lease, initiator, selection, keys);
        if self.run_begin(BEGIN, columns).await?.is_empty() {
            return Err(WriteError::Lost);
        }
        Ok(())
    }

    /// Records what those of the runs read that are their owners' and whose rows nobody holds, all
    /// in one transaction, and says of each whether it was. One that was not may be lost, or held
    /// for a moment: [`Store::begin_sync`] tells.
    ///
    /// # Errors
    /// [`StoreError`]; whether the runs were recorded is not known then. Trying again is safe.
    pub async fn begin_syncs_free(
        &self,
        beginnings: &[Beginning],
    ) -> Result<Vec<bool>, StoreError> {
        let mut columns = Columns::default();
        for beginning in beginnings {
            let Beginning {
                lease,
                initiator,
                selection,
                keys,
            } = beginning;
            columns.add(lease, *initiator, selection, keys);
        }
        let begun = self.run_begin(BEGIN_FREE, columns).await?;
        Ok(beginnings
            .iter()
            .map(|beginning| begun.contains(&beginning.lease.run_id.into_uuid()))
            .collect())
    }

    async fn run_begin(
        &self,
        statement: &'static str,
        columns: Columns,
    ) -> Result<HashSet<Uuid>, StoreError> {
        let rows: Vec<BegunRow> = prepared(
            sql_query(statement)
                .bind::<Array<SqlUuid>, _>(columns.run)
                .bind::<Array<SqlUuid>, _>(columns.tenant)
                .bind::<Array<Text>, _>(columns.scope)
                .bind::<Array<BigInt>, _>(columns.fence)
                .bind::<Array<SqlUuid>, _>(columns.token)
                .bind::<Array<SqlUuid>, _>(columns.initiator)
                .bind::<Array<Jsonb>, _>(columns.selection)
                .bind::<Array<Text>, _>(columns.hash)
                .bind::<Array<SqlUuid>, _>(columns.type_of)
                .bind::<Array<Text>, _>(columns.policy_type),
        )
        .load(&mut self.connection().await?)
        .await?;
        Ok(rows.into_iter().map(|row| row.run).collect())
    }
}
