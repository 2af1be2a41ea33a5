//! Lists of runs, over all tenants of a user.

use atlas_domain::ids::RunId;
use atlas_domain::run::{OperationKind, Outcome, Status};
use atlas_store::{PageRequest, Place, RunFilter, Store};
use chrono::{DateTime, Utc};

use super::super::pages::Hundredth;
use super::{Read, days_ago, list, member_of_all, page, tenant};

/// Runs that are counted at most.
const COUNTED: i64 = 10_000;
/// A page of an index holds some sixty keys of runs, and there are the leaves of several indexes.
const COUNTED_BUFFERS: i64 = 400;
/// Those of one outcome lie among runs of two others in the index, few on each of its pages.
const COUNTED_AMONG_OTHERS: i64 = 4_000;

pub(super) async fn all(store: &Store, hundredth: &Hundredth) -> Vec<Read> {
    let ids = newest(store).await;
    let none = RunFilter::default;
    let filters = [
        ("runs", none()),
        (
            "runs of a tenant",
            RunFilter {
                tenant: vec![tenant(1)],
                ..none()
            },
        ),
        (
            "runs of twenty tenants",
            RunFilter {
                tenant: (1..=20).map(tenant).collect(),
                ..none()
            },
        ),
        (
            "runs of a kind",
            RunFilter {
                kind: vec![OperationKind::DirectoryGroupsSync],
                ..none()
            },
        ),
        (
            "runs, queued",
            RunFilter {
                status: vec![Status::Queued],
                ..none()
            },
        ),
        (
            "runs, running",
            RunFilter {
                status: vec![Status::Running],
                ..none()
            },
        ),
        (
            "runs, completed",
            RunFilter {
                status: vec![Status::Completed],
                ..none()
            },
        ),
        (
            "runs, succeeded",
            RunFilter {
                outcome: vec![Outcome::Succeeded],
                ..none()
            },
        ),
        (
            "runs, failed",
            RunFilter {
                outcome: vec![Outcome::Failed],
                ..none()
            },
        ),
        (
            "runs, cancelled",
            RunFilter {
                outcome: vec![Outcome::Cancelled],
                ..none()
            },
        ),
        (
            "runs of an initiator",
            RunFilter {
                initiator: Some(member_of_all()),
                ..none()
            },
        ),
        (
            "runs of the last days",
            RunFilter {
                created_after: Some(days_ago(3)),
                ..none()
            },
        ),
        (
            "runs of long ago",
            RunFilter {
                created_before: Some(days_ago(85)),
                ..none()
            },
        ),
        (
            "runs, oldest first",
            RunFilter {
                ascending: true,
                ..none()
            },
        ),
        (
            "runs of twenty tenants, oldest first",
            RunFilter {
                tenant: (1..=20).map(tenant).collect(),
                ascending: true,
                ..none()
            },
        ),
        ("runs by id", RunFilter { ids, ..none() }),
    ];
    let one = |(name, filter): (&str, RunFilter), place: Place<(DateTime<Utc>, RunId)>| {
        list!(name, filter, place, |store, filter, page| store.runs(
            member_of_all(),
            &filter,
            page
        ))
    };
    let twenty = RunFilter {
        tenant: (1..=20).map(tenant).collect(),
        ..none()
    };
    let (after, before) = (Place::After(hundredth.runs), Place::Before(hundredth.runs));
    let far = [
        one(("runs, hundredth page", none()), after),
        one(("runs, before the hundredth page", none()), before),
        one(("runs of twenty tenants, backwards", twenty), before),
    ];
    let mut all: Vec<_> = filters
        .into_iter()
        .map(|filter| one(filter, Place::First))
        .collect();
    all.extend(far);
    all.push(Read::new("active runs", |store| async move {
        let every = RunFilter::default();
        let active = store.active_runs(member_of_all(), &every, 20).await?;
        Ok(active.runs)
    }));
    all.extend(counts());
    all
}

/// Counts touch as many pages of an index as hold the runs that are counted.
fn counts() -> impl Iterator<Item = Read> {
    const FAILED: &str = "counts of runs, failed";
    let none = RunFilter::default;
    let filters = [
        ("counts of runs", none()),
        (
            "counts of runs of a tenant",
            RunFilter {
                tenant: vec![tenant(1)],
                ..none()
            },
        ),
        (
            "counts of runs of twenty tenants",
            RunFilter {
                tenant: (1..=20).map(tenant).collect(),
                ..none()
            },
        ),
        (
            FAILED,
            RunFilter {
                outcome: vec![Outcome::Failed],
                ..none()
            },
        ),
        (
            "counts of runs of an initiator",
            RunFilter {
                initiator: Some(member_of_all()),
                ..none()
            },
        ),
    ];
    filters.into_iter().map(|(name, filter)| {
        let read = Read::new(name, move |store: Store| {
            let filter = filter.clone();
            async move {
                let counted = store.count_runs(member_of_all(), &filter, COUNTED).await?;
                Ok((0..counted.total()).collect())
            }
        });
        read.with_most_buffers(if name == FAILED {
            COUNTED_AMONG_OTHERS
        } else {
            COUNTED_BUFFERS
        })
    })
}

async fn newest(store: &Store) -> Vec<RunId> {
    let newest = store
        .runs(
            member_of_all(),
            &RunFilter::default(),
            PageRequest::first(20),
        )
        .await;
    newest.unwrap().iter().map(|row| row.run.id).collect()
}
