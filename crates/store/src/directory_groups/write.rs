//! What a sync of groups writes. Each call is one statement in a transaction of its own, and writes
//! only while the caller's fence is the tenant's.

use atlas_domain::causes::Causes;
use atlas_domain::directory::{GroupState, GroupUpdate};
use atlas_domain::ids::GroupId;
use atlas_domain::run::Lease;
use serde_json::Value;
use uuid::Uuid;

use crate::halving::Halving;
use crate::inventory::{HeldRow, WriteError};
use crate::pool::Store;
use crate::runs::to_json;
use crate::statement::{row, statement};

/// Groups that one statement marks as gone at most: keeps each transaction far below a second.
pub const MARKED_AT_ONCE: u32 = 2_000;
/// Groups that one statement stores at most.
const BATCH: usize = 1_000;

/// What storing a page did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupEffect {
    /// Groups that are there, and that no page reported to this attempt before.
    pub seen: u64,
    /// Groups of which only changes were reported, and which are not known: the reading has to begin
    /// anew. They were not stored.
    pub nameless: u64,
    /// With this page.
    pub so_far: GroupTally,
    /// Groups that the database refused: they stand as they stood before.
    pub refused: Vec<GroupId>,
}

/// What a run has changed so far, over all its attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupTally {
    /// Groups that were not known before.
    pub created: u64,
    /// Groups with other properties.
    pub changed: u64,
    /// Groups that had been gone.
    pub back: u64,
    /// Groups that were there and are gone.
    pub removed: u64,
}

/// What marking did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkedGone {
    /// Groups that were marked.
    pub marked: u64,
    pub so_far: GroupTally,
}

statement! {
    struct StoreGroups<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        ids: Vec<Uuid>,
        patches: Vec<Value>,
        gone: Vec<bool>,
    }
    file: "directory_groups/store",
    row: EffectRow,
    pieces: ["inventory/pieces/guard", "directory_groups/pieces/tallied"],
}

statement! {
    struct MarkAbsent<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        most: i64,
    }
    file: "directory_groups/mark_absent",
    row: EffectRow,
    pieces: ["inventory/pieces/guard", "directory_groups/pieces/tallied"],
}

row! {
    struct EffectRow {
        held: bool,
        seen: i64,
        nameless: i64,
        marked: i64,
        created: i64,
        changed: i64,
        back: i64,
        removed: i64,
    }
}

statement! {
    struct ReadToEnd<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        delta_link: &'a str,
        full: bool,
    }
    file: "directory_groups/read_to_end",
    row: HeldRow,
    pieces: ["inventory/pieces/guard"],
}

impl EffectRow {
    /// What the run has changed so far, unless it has another owner.
    fn tally(&self) -> Result<GroupTally, WriteError> {
        if !self.held {
            return Err(WriteError::Lost);
        }
        Ok(GroupTally {
            created: self.created.unsigned_abs(),
            changed: self.changed.unsigned_abs(),
            back: self.back.unsigned_abs(),
            removed: self.removed.unsigned_abs(),
        })
    }
}

impl Store {
    /// Stores what a page reports of groups; an id must occur once. Doing it twice changes nothing
    /// more. A group that the database refuses is left out, logged and returned.
    ///
    /// # Errors
    /// [`WriteError`]. Of several batches the earlier ones are stored then.
    pub async fn store_groups(
        &self,
        lease: &Lease,
        updates: &[GroupUpdate],
    ) -> Result<GroupEffect, WriteError> {
        let mut halving = Halving::new(updates, BATCH);
        let mut effect = GroupEffect::default();
        if updates.is_empty() {
            // The answer to an empty page counts what was done before, too.
            self.store_group_batch(lease, &[], &mut effect).await?;
        }
        while let Some(batch) = halving.batch() {
            match self.store_group_batch(lease, &batch, &mut effect).await {
                Ok(()) => {}
                Err(WriteError::Lost) => return Err(WriteError::Lost),
                Err(WriteError::Store(error)) => halving.refused(batch, error)?,
            }
        }
        for refused in halving.finish()? {
            let id = refused.row.id;
            tracing::error!(group = %id, cause = %Causes(&refused.error),
                "the database refused a group, which was left out");
            effect.refused.push(id);
        }
        Ok(effect)
    }

    async fn store_group_batch(
        &self,
        lease: &Lease,
        updates: &[&GroupUpdate],
        total: &mut GroupEffect,
    ) -> Result<(), WriteError> {
        let row = self
            .fetch_one(&StoreGroups {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                ids: updates.iter().map(|update| update.id.into_uuid()).collect(),
                patches: updates
                    .iter()
                    .map(|update| match &update.state {
                        GroupState::Present(patch) => to_json(patch),
                        GroupState::Gone => Value::Object(serde_json::Map::new()),
                    })
                    .collect(),
                gone: updates
                    .iter()
                    .map(|update| update.state == GroupState::Gone)
                    .collect(),
            })
            .await?;
        total.so_far = row.tally()?;
        total.seen += row.seen.unsigned_abs();
        total.nameless += row.nameless.unsigned_abs();
        Ok(())
    }

    /// After a reading that reported every group: marks up to [`MARKED_AT_ONCE`] groups as gone that
    /// it did not report. With fewer than that, they were the last of them.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn mark_groups_gone(&self, lease: &Lease) -> Result<MarkedGone, WriteError> {
        let row = self
            .fetch_one(&MarkAbsent {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                most: i64::from(MARKED_AT_ONCE),
            })
            .await?;
        Ok(MarkedGone {
            so_far: row.tally()?,
            marked: row.marked.unsigned_abs(),
        })
    }

    /// Records that everything before `delta_link` is stored, so that the next reading goes on
    /// there. `full`: the reading reported every group.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn groups_read_to_end(
        &self,
        lease: &Lease,
        delta_link: &str,
        full: bool,
    ) -> Result<(), WriteError> {
        let row = self
            .fetch_one(&ReadToEnd {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                delta_link,
                full,
            })
            .await?;
        row.check()
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <StoreGroups<'_> as crate::statement::Statement>::INFO,
    <MarkAbsent<'_> as crate::statement::Statement>::INFO,
    <ReadToEnd<'_> as crate::statement::Statement>::INFO,
];
