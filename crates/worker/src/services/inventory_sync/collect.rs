//! Reading lists and storing their pages, several lists at once.

use std::collections::BTreeMap;
use std::time::Instant;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode, RowDefect, RowProblem, RowProblems};
use atlas_domain::inventory::verification::Verify;
use atlas_domain::inventory::{Observation, TypeResult, TypeStatus};
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use atlas_graph::{
    GraphError, GraphErrorKind, Incomplete, ListPage, ListPlan, ListReader, TenantGraph, ValuesRead,
};
use atlas_store::TypeEffect;
use atlas_telemetry::crash_point;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};

use super::shortfall::Shortfall;
use super::{InventorySyncService, SyncTracker};
use crate::interrupt::{Interrupt, interrupt, with_retries};

/// Lists of one tenant that are read at once, besides those that Graph allows in single file only.
/// Graph throttles per application and tenant, so more would not be faster for long.
const LISTS_AT_ONCE: usize = 8;

/// What one list has shown so far.
struct Tally {
    started_at: DateTime<Utc>,
    pages: u32,
    unstable: bool,
    effects: BTreeMap<PolicyTypeKey, TypeEffect>,
    /// Rows that the database refused.
    not_stored: BTreeMap<PolicyTypeKey, RowProblems>,
    /// Assignments and links of read objects that could not be read.
    incomplete: BTreeMap<PolicyTypeKey, Incomplete>,
    /// Whether the list may have been cut: its last page was full.
    may_be_cut: bool,
    /// Rows that were altered or left out.
    unreadable: BTreeMap<PolicyTypeKey, RowProblems>,
    /// Objects whose values were read.
    values_read: BTreeMap<PolicyTypeKey, ValuesRead>,
}

impl Tally {
    /// The shortfalls of a type when the list was read to its end, in the order of reporting.
    fn shortfalls(&self, key: PolicyTypeKey) -> Vec<Shortfall> {
        let not_stored = self.not_stored.get(&key);
        let unreadable = self.unreadable.get(&key);
        let incomplete = self.incomplete.get(&key);
        [
            not_stored.map(|rows| Shortfall::RowsNotStored(rows.clone())),
            unreadable.map(|rows| Shortfall::RowsUnreadable(rows.clone())),
            self.may_be_cut.then_some(Shortfall::ListMayBeCut),
            self.unstable.then_some(Shortfall::ListChanged),
            incomplete
                .map(|incomplete| Shortfall::Dependencies(Box::new(incomplete.error.clone()))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn hides_objects(&self, key: PolicyTypeKey) -> bool {
        let shortfalls = self.shortfalls(key);
        shortfalls.iter().any(Shortfall::hides_objects)
    }
}

impl InventorySyncService {
    /// Reads these lists to their ends, as far as Graph lets us, and gives a result for every type
    /// that they feed.
    pub(super) async fn collect(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        lists: &[ListPlan],
        verify: Option<Verify>,
        tracker: &SyncTracker<'_>,
    ) -> Result<Vec<TypeResult>, Interrupt> {
        let (single_file, mut others): (Vec<_>, Vec<_>) =
            lists.iter().partition(|list| list.is_single_file());
        // Lists that take longest begin first.
        others.sort_by_key(|list| !list.reads_objects());
        let one_after_the_other = async {
            let mut results = Vec::new();
            for list in single_file {
                results.extend(self.one_list(lease, tenant, list, verify, tracker).await?);
            }
            Ok(results)
        };
        let reads: Vec<_> = others
            .into_iter()
            .map(|list| self.one_list(lease, tenant, list, verify, tracker))
            .collect();
        let at_once = stream::iter(reads)
            .buffer_unordered(LISTS_AT_ONCE)
            .try_concat();
        let (mut results, others) = tokio::try_join!(one_after_the_other, at_once)?;
        results.extend(others);
        match refused_everywhere(tenant, &results) {
            Some(failure) => Err(Interrupt::Failed(failure)),
            None => Ok(results),
        }
    }

    async fn one_list(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        list: &ListPlan,
        verify: Option<Verify>,
        tracker: &SyncTracker<'_>,
    ) -> Result<Vec<TypeResult>, Interrupt> {
        let mut tally = Tally {
            started_at: self.clock.now(),
            pages: 0,
            unstable: false,
            effects: BTreeMap::new(),
            not_stored: BTreeMap::new(),
            incomplete: BTreeMap::new(),
            may_be_cut: false,
            unreadable: BTreeMap::new(),
            values_read: BTreeMap::new(),
        };
        let known = self.known_values(lease, list, verify).await?;
        let mut reader = tenant.list_with(list, known);
        let read = self
            .read_to_end(lease, &mut reader, &mut tally, tracker)
            .await?;
        tally.incomplete.clone_from(reader.incomplete());
        tally.unreadable.clone_from(reader.row_problems());
        tally.values_read.clone_from(reader.values_read());
        tally.may_be_cut = reader.may_be_cut();
        for (key, count) in reader.unknown() {
            tracing::warn!(policy_type = %key, count, "objects are of a kind that is not known");
        }
        if list.leaves_out() {
            let (keys, left_out) = (list.keys(), reader.left_out());
            let whole = read.is_ok() && !keys.iter().any(|&key| tally.hides_objects(key));
            with_retries(|| self.store.note_left_out(lease, keys, left_out, whole)).await?;
        }
        match read {
            Ok(()) => self.complete(lease, list, &tally, tracker).await,
            Err(error) if error.is_fatal() => Err(interrupt(&error)),
            Err(error) => self.fail(lease, list, &tally, &error, tracker).await,
        }
    }

    /// Stores each page while the next one is on its way.
    async fn read_to_end(
        &self,
        lease: &Lease,
        reader: &mut ListReader,
        tally: &mut Tally,
        tracker: &SyncTracker<'_>,
    ) -> Result<Result<(), GraphError>, Interrupt> {
        // When the page was requested that is stored next, or whose parts are.
        let mut requested = Instant::now();
        let mut ahead = reader.next_page().await;
        loop {
            let page = match ahead {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            };
            tally.pages += u32::from(page.begins);
            tally.unstable |= page.unstable;
            let next_requested = Instant::now();
            let (stored, next) = tokio::join!(
                self.store_page(lease, page, requested, tally, tracker),
                reader.next_page()
            );
            stored?;
            if matches!(&next, Ok(Some(next)) if next.begins) {
                requested = next_requested;
            }
            ahead = next;
        }
    }

    /// Takes the page, so that its place is free as soon as it is stored.
    async fn store_page(
        &self,
        lease: &Lease,
        page: ListPage,
        requested: Instant,
        tally: &mut Tally,
        tracker: &SyncTracker<'_>,
    ) -> Result<(), Interrupt> {
        let observations: &[Observation] = &page.observations;
        crash_point!("page");
        let store = || {
            let reading = requested.elapsed();
            self.store.store_reading(lease, observations, reading)
        };
        let stored = with_retries(store).await?;
        for (key, effect) in stored.effect {
            tracker.update(|progress, _| progress.items_seen += effect.seen);
            *tally.effects.entry(key).or_default() += effect;
        }
        for row in stored.refused {
            let rows = tally.not_stored.entry(row.policy_type).or_default();
            rows.add(RowProblem {
                position: None,
                id: Some(row.external_id),
                defect: RowDefect::NotStored,
            });
        }
        Ok(())
    }

    /// The list was read to its end: what was not on it is missing, of every type of which no object
    /// can have been passed over.
    async fn complete(
        &self,
        lease: &Lease,
        list: &ListPlan,
        tally: &Tally,
        tracker: &SyncTracker<'_>,
    ) -> Result<Vec<TypeResult>, Interrupt> {
        let types: Vec<(PolicyTypeKey, Vec<Shortfall>)> = list
            .keys()
            .iter()
            .map(|&key| (key, tally.shortfalls(key)))
            .collect();
        let (whole, others): (Vec<_>, Vec<_>) = types
            .iter()
            .partition(|(_, shortfalls)| !shortfalls.iter().any(Shortfall::hides_objects));
        for (policy_type, shortfalls) in others {
            tracing::warn!(path = list.path(), %policy_type, ?shortfalls,
                "nothing is marked missing");
        }
        let whole: Vec<PolicyTypeKey> = whole.into_iter().map(|(key, _)| *key).collect();
        if !whole.is_empty() {
            with_retries(|| self.store.mark_missing(lease, &whole)).await?;
            with_retries(|| self.store.read_to_end(lease, &whole)).await?;
        }
        let mut results = Vec::with_capacity(types.len());
        for (key, shortfalls) in types {
            let error = Shortfall::failure(&shortfalls);
            let status = match error {
                None => TypeStatus::Succeeded,
                Some(_) => TypeStatus::Incomplete,
            };
            let mut result = self.result(key, status, tally);
            result.error = error;
            results.push(self.record(lease, &result, tracker).await?);
        }
        Ok(results)
    }

    /// The list was not read to its end: what was stored of it stays, and nothing is missing.
    async fn fail(
        &self,
        lease: &Lease,
        list: &ListPlan,
        tally: &Tally,
        error: &GraphError,
        tracker: &SyncTracker<'_>,
    ) -> Result<Vec<TypeResult>, Interrupt> {
        tracing::warn!(path = list.path(), pages = tally.pages, error = %Causes(&error), "a list could not be read");
        let mut results = Vec::with_capacity(list.keys().len());
        for &key in list.keys() {
            let mut result = self.result(key, TypeStatus::Failed, tally);
            let rows: Vec<Shortfall> = tally
                .shortfalls(key)
                .into_iter()
                .filter(Shortfall::is_about_rows)
                .collect();
            let failure = Shortfall::beside(error.failure(&[key]), &rows);
            result.error = Some(failure);
            results.push(self.record(lease, &result, tracker).await?);
        }
        Ok(results)
    }

    fn result(&self, key: PolicyTypeKey, status: TypeStatus, tally: &Tally) -> TypeResult {
        let effect = tally.effects.get(&key).copied().unwrap_or_default();
        let values = tally.values_read.get(&key).copied().unwrap_or_default();
        TypeResult {
            pages: tally.pages,
            seen: effect.seen,
            values_read: values.new,
            values_verified: values.verified,
            started_at: Some(tally.started_at),
            ..self.ended(key, status)
        }
    }
}

/// The failure of the whole run, when endpoints refused the token and none accepted it.
fn refused_everywhere(tenant: &TenantGraph, results: &[TypeResult]) -> Option<Failure> {
    if tenant.has_accepted_token() {
        return None;
    }
    let refused = results
        .iter()
        .filter_map(|result| result.error.as_ref())
        .find(|error| error.code == FailureCode::ENDPOINT_REFUSED)?;
    let failure = GraphError::from(GraphErrorKind::Unauthenticated).failure(&[]);
    Some(match &refused.upstream {
        Some(answer) => failure.with_upstream((**answer).clone()),
        None => failure,
    })
}
