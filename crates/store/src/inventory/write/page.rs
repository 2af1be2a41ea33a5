//! Storing the observations of a page. Items that have not changed, which are nearly all at most
//! times, are only touched, all of a page by one statement that carries no content. Further
//! statements store the others, two at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use atlas_domain::causes::Causes;
use atlas_domain::inventory::Observation;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::{BATCH, PageEffect, PageStored, RefusedRow, WriteError};
use crate::error::StoreError;
use crate::halving::Halving;
use crate::pool::Store;

/// Rows that one statement touches at most: those of a page. A row takes some hundred bytes of it.
const TOUCHED: usize = 1_000;
/// Batches of a page that are stored at once at most: one is written out while the database stores
/// another. Two statements of one run wait for each other only in one order: both come to the rows
/// that they share by the same parts of the same plan, and of policy types, by whose keys a page is
/// cut into batches, they share at most one.
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
    /// [`WriteError`]; what was touched, and other batches of 200, stay stored.
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
        let mut touching = Halving::new(latest.into_values(), TOUCHED);
        let mut effect = PageEffect::new();
        let mut differing = Vec::new();
        while let Some(batch) = touching.batch() {
            let reading = reading + began.elapsed();
            match self.touch_batch(lease, &batch, reading, &mut effect).await {
                Ok(left) => differing.extend(left),
                Err(WriteError::Lost) => return Err(WriteError::Lost),
                Err(WriteError::Store(error)) => touching.refused(batch, error)?,
            }
        }
        let mut halving = touching.followed_by(differing, BATCH);
        let mut storing = FuturesUnordered::new();
        let mut failure = None;
        loop {
            while failure.is_none() && storing.len() < self.batches_at_once(storing.len()) {
                let Some(batch) = halving.batch() else { break };
                let reading = reading + began.elapsed();
                storing.push(self.store_batch(lease, batch, reading));
            }
            let Some((left, stored, of_batch)) = storing.next().await else {
                break;
            };
            for (key, of_type) in of_batch {
                *effect.entry(key).or_default() += of_type;
            }
            let refused = match stored {
                Err(WriteError::Store(error)) => halving.refused(left, error).err().map(Into::into),
                stored => stored.err(),
            };
            // What is on its way is awaited, so that a further try does not meet it.
            failure = failure.or(refused);
        }
        drop(storing);
        if let Some(failure) = failure {
            return Err(failure);
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
        // Two batches at once are halved in any order.
        refused.sort();
        Ok(PageStored { effect, refused })
    }

    /// How many batches may be stored at once, of which so many are `under_way`. Only who leaves half of
    /// the connections to others takes a second one.
    fn batches_at_once(&self, under_way: usize) -> usize {
        let [pool, _] = self.pools();
        let others = (pool.used + pool.waiting).saturating_sub(under_way);
        if 2 * (others + 1) < pool.most {
            AT_ONCE
        } else {
            1
        }
    }

    /// Touches what has not changed, and returns the other rows.
    async fn touch_batch<'a>(
        &self,
        lease: &Lease,
        batch: &[&'a Observation],
        reading: Duration,
        total: &mut PageEffect,
    ) -> Result<Vec<&'a Observation>, WriteError> {
        for _ in 0..ROUNDS {
            // Of two writers in a deadlock one is rolled back, and tries again.
            match self.touch(lease, batch.to_vec(), reading, total).await {
                Err(WriteError::Store(StoreError::Deadlock(_))) => {}
                touched => return touched,
            }
        }
        Err(contended())
    }

    /// Stores the rows of a batch, and returns those that were not stored, with the reason and with what
    /// storing the others did. Rows that somebody else wrote meanwhile are touched, or stored again.
    async fn store_batch<'a>(
        &self,
        lease: &Lease,
        mut batch: Vec<&'a Observation>,
        reading: Duration,
    ) -> (Vec<&'a Observation>, Result<(), WriteError>, PageEffect) {
        let mut effect = PageEffect::new();
        let stored = self.settle(lease, &mut batch, reading, &mut effect).await;
        (batch, stored, effect)
    }

    /// Stores the rows of `batch`, which holds those that were not stored afterwards.
    async fn settle(
        &self,
        lease: &Lease,
        batch: &mut Vec<&Observation>,
        reading: Duration,
        total: &mut PageEffect,
    ) -> Result<(), WriteError> {
        for _ in 0..ROUNDS {
            let stored = self.store_differing(lease, batch.clone(), reading, total);
            match stored.await {
                Err(WriteError::Store(StoreError::Deadlock(_))) => {}
                left => *batch = left?,
            }
            if batch.is_empty() {
                return Ok(());
            }
            *batch = self.touch_batch(lease, batch, reading, total).await?;
            if batch.is_empty() {
                return Ok(());
            }
        }
        Err(contended())
    }
}

fn contended() -> WriteError {
    let reason = "rows were written by somebody else again and again";
    StoreError::Unavailable(reason.into()).into()
}

/// A place from 1 as an index.
pub(super) fn index(at: i64) -> Option<usize> {
    usize::try_from(at).ok()?.checked_sub(1)
}

pub(super) fn kept<'a>(batch: Vec<&'a Observation>, left: &[bool]) -> Vec<&'a Observation> {
    let rows = batch.into_iter().zip(left);
    rows.filter_map(|(row, left)| left.then_some(row)).collect()
}
