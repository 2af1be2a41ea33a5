//! Recording what a sync is going to read: for one run, or for many that begin in the same moment.

use std::collections::HashSet;

use atlas_domain::ids::UserId;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use atlas_domain::selection::Selection;
use serde_json::Value;
use uuid::Uuid;

use super::WriteError;
use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{row, statement};

/// A sync that begins together with others.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// What the owner of the run holds.
    pub lease: Lease,
    /// Who started the run.
    pub initiator: UserId,
    /// What was asked for.
    pub selection: Selection,
    /// The types that will be read.
    pub keys: Vec<PolicyTypeKey>,
}

statement! {
    #[derive(Default)]
    struct Begin {
        runs: Vec<Uuid>,
        tenants: Vec<Uuid>,
        scopes: Vec<&'static str>,
        fences: Vec<i64>,
        tokens: Vec<Uuid>,
        initiators: Vec<Uuid>,
        selections: Vec<Value>,
        hashes: Vec<String>,
        /// The run of each of `policy_types`.
        runs_of_types: Vec<Uuid>,
        policy_types: Vec<&'static str>,
    }
    file: "inventory/begin",
    row: BegunRow,
    pieces: ["inventory/pieces/asked", "inventory/pieces/begun"],
}

statement! {
    struct BeginFree {
        runs: Vec<Uuid>,
        tenants: Vec<Uuid>,
        scopes: Vec<&'static str>,
        fences: Vec<i64>,
        tokens: Vec<Uuid>,
        initiators: Vec<Uuid>,
        selections: Vec<Value>,
        hashes: Vec<String>,
        runs_of_types: Vec<Uuid>,
        policy_types: Vec<&'static str>,
    }
    file: "inventory/begin_free",
    row: BegunRow,
    pieces: ["inventory/pieces/asked", "inventory/pieces/begun"],
}

row! {
    struct BegunRow {
        run: Uuid,
    }
}

impl From<Begin> for BeginFree {
    fn from(begin: Begin) -> Self {
        Self {
            runs: begin.runs,
            tenants: begin.tenants,
            scopes: begin.scopes,
            fences: begin.fences,
            tokens: begin.tokens,
            initiators: begin.initiators,
            selections: begin.selections,
            hashes: begin.hashes,
            runs_of_types: begin.runs_of_types,
            policy_types: begin.policy_types,
        }
    }
}

impl Begin {
    fn add(
        &mut self,
        lease: &Lease,
        initiator: UserId,
        selection: &Selection,
        keys: &[PolicyTypeKey],
    ) {
        let run = lease.run_id.into_uuid();
        self.runs.push(run);
        self.tenants.push(lease.tenant_id.into_uuid());
        self.scopes.push(lease.kind.lock_scope());
        self.fences.push(lease.fence);
        self.tokens.push(lease.token.into_uuid());
        self.initiators.push(initiator.into_uuid());
        self.selections.push(selection.to_stored());
        self.hashes.push(selection.hash());
        for key in keys {
            self.runs_of_types.push(run);
            self.policy_types.push(key.as_str());
        }
    }
}

impl Store {
    /// Records what the run reads, with every type pending. A later attempt of the same run starts
    /// from the beginning, but keeps the numbers of changes of earlier ones. Waits for locks on its
    /// rows.
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
        let mut begin = Begin::default();
        begin.add(lease, initiator, selection, keys);
        if self.fetch_all(&begin).await?.is_empty() {
            return Err(WriteError::Lost);
        }
        Ok(())
    }

    /// Records what the runs read, in one transaction, for those that are still their owners' and
    /// whose rows nobody locks. Returns of each run whether it was recorded; the others may be lost,
    /// or locked for a moment: [`Store::begin_sync`] finds out which.
    ///
    /// # Errors
    /// [`StoreError`]; whether the runs were recorded is not known then. Trying again is safe.
    pub async fn begin_syncs_free(
        &self,
        beginnings: &[Beginning],
    ) -> Result<Vec<bool>, StoreError> {
        let mut begin = Begin::default();
        for beginning in beginnings {
            let Beginning {
                lease,
                initiator,
                selection,
                keys,
            } = beginning;
            begin.add(lease, *initiator, selection, keys);
        }
        let begun = self.fetch_all(&BeginFree::from(begin)).await?;
        let begun: HashSet<Uuid> = begun.into_iter().map(|row| row.run).collect();
        Ok(beginnings
            .iter()
            .map(|beginning| begun.contains(&beginning.lease.run_id.into_uuid()))
            .collect())
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <Begin as crate::statement::Statement>::INFO,
    <BeginFree as crate::statement::Statement>::INFO,
];
