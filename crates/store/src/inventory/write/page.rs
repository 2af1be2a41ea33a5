//! Storing the observations of a page. Items that have not changed, which are nearly all at most
//! times, are only touched, by a statement that carries no content. A second statement stores the
//! others, at once where the batches before brought new items only.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use atlas_domain::causes::Causes;
use atlas_domain::inventory::Observation;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use futures::future::join_all;

use super::{BATCH, PageEffect, PageStored, RefusedRow, WriteError};
use crate::error::StoreError;
use crate::halving::Halving;
use crate::pool::Store;

/// Batches of a page that are stored at once at most: one is written out while the database stores another.
const AT_ONCE: usize = 2;
/// How often a batch is tried at most. The second try settles what an earlier try of the same call,
/// whose answer was lost, wrote in between; a deadlock with such a try may need further ones.
const ROUNDS: u32 = 8;

impl Store {
    /// Stores what was seen on one page, with its links and with what changed. Storing the same
    /// again changes no count but `seen`. When one object stands in the page twice, the later one
    /// counts. A row that the database refuses is left out, logged and returned.
    ///
    /// What an observation does not have keeps its stored value: absent assignments, and the links of
    /// every source that it has no set for.
    ///
    /// # Errors
    /// [`WriteError`]; batches of 200 before the failing one stay stored.
    pub async fn store_page(
        &self,
        lease: &Lease,
        observations: &[Observation],
    ) -> Result<PageStored, WriteError> {
        let read_now = Duration::ZERO;
        self.store_reading(lease, observations, read_now).await
    }

    /// As [`Self::store_page`], for a page whose request was sent `reading` ago: what happens to its
    /// objects after that may be what a later reading finds.
    ///
    /// # Errors
    /// As [`Self::store_page`].
    pub async fn store_reading(
        &self,
        lease: &Lease,
        observations: &[Observation],
        reading: Duration,
    ) -> Result<PageStored, WriteError> {
        let began = Instant::now();
        let mut latest: BTreeMap<(PolicyTypeKey, &str), &Observation> = BTreeMap::new();
        for observation in observations {
            latest.insert(
                (observation.policy_type, &observation.external_id),
                observation,
            );
        }
        // Sorted by key: two writers lock rows in the same order.
        let mut halving = Halving::new(latest.into_values(), BATCH);
        let mut effect = PageEffect::new();
        let mut new = false;
        loop {
            let batches = std::iter::from_fn(|| halving.batch()).take(self.batches_at_once());
            let mut batches: Vec<_> = batches.map(|batch| (batch, PageEffect::new())).collect();
            if batches.is_empty() {
                break;
            }
            let reading = reading + began.elapsed();
            let rows: usize = batches.iter().map(|(batch, _)| batch.len()).sum();
            let storing = batches
                .iter_mut()
                .map(|(batch, effect)| self.store_batch(lease, batch, reading, effect, new));
            let stored = join_all(storing).await;
            let mut created = 0;
            for ((batch, effects), stored) in batches.into_iter().zip(stored) {
                for (key, of_type) in effects {
                    created += of_type.created;
                    *effect.entry(key).or_default() += of_type;
                }
                match stored {
                    Ok(()) => {}
                    Err(WriteError::Lost) => return Err(WriteError::Lost),
                    Err(WriteError::Store(error)) => halving.refused(batch, error)?,
                }
            }
            new = usize::try_from(created) == Ok(rows);
        }
        let mut refused = Vec::new();
        for row in halving.finish()? {
            let (policy_type, external_id) = (row.row.policy_type, &row.row.external_id);
            tracing::error!(%policy_type, external_id, cause = %Causes(&row.error),
                "the database refused a row, which was left out");
            refused.push(RefusedRow {
                policy_type,
                external_id: external_id.clone(),
            });
        }
        Ok(PageStored { effect, refused })
    }

    /// Only who leaves connections for all others takes a second one.
    fn batches_at_once(&self) -> usize {
        let [pool, _] = self.pools();
        if 2 * (pool.used + pool.waiting) < pool.most {
            AT_ONCE
        } else {
            1
        }
    }

    /// Stores the rows of `batch`, which holds those that were not stored afterwards. Of those that
    /// are presumably `new` none is touched at first; one that is there is stored as it is seen.
    async fn store_batch(
        &self,
        lease: &Lease,
        batch: &mut Vec<&Observation>,
        reading: Duration,
        total: &mut PageEffect,
        new: bool,
    ) -> Result<(), WriteError> {
        for round in 0..ROUNDS {
            // Of two writers in a deadlock one is rolled back, and tries again.
            if round > 0 || !new {
                match self.touch(lease, batch.clone(), reading, total).await {
                    Err(WriteError::Store(StoreError::Deadlock(_))) => continue,
                    left => *batch = left?,
                }
                if batch.is_empty() {
                    return Ok(());
                }
            }
            let stored = self.store_differing(lease, batch.clone(), reading, total);
            match stored.await {
                Err(WriteError::Store(StoreError::Deadlock(_))) => continue,
                left => *batch = left?,
            }
            if batch.is_empty() {
                return Ok(());
            }
        }
        let reason = "rows were written by somebody else again and again";
        Err(StoreError::Unavailable(reason.into()).into())
    }
}

/// A place from 1 as an index.
pub(super) fn index(at: i64) -> Option<usize> {
    usize::try_from(at).ok()?.checked_sub(1)
}

pub(super) fn kept<'a>(batch: Vec<&'a Observation>, left: &[bool]) -> Vec<&'a Observation> {
    let rows = batch.into_iter().zip(left);
    rows.filter_map(|(row, left)| left.then_some(row)).collect()
}
