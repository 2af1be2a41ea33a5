//! Lists of runs against a filter in memory, for readers of few and of many tenants.

use atlas_domain::access::Role;
use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::run::{OperationKind, Outcome, Status};
use atlas_store::{PageRequest, RunFilter, RunView};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::Stage;
use crate::both_ways::both_ways;

/// A run as the filter in memory knows it.
#[derive(Debug, Clone)]
struct Known {
    id: RunId,
    tenant: TenantId,
    kind: OperationKind,
    status: Status,
    outcome: Option<Outcome>,
    initiator: UserId,
    created_at: DateTime<Utc>,
}

/// Runs in twelve tenants, some at the same moment. The first reader belongs to three of these
/// tenants, which are few, and the second to eleven, which are not.
struct Lists {
    stage: Stage,
    runs: Vec<Known>,
    tenants: Vec<TenantId>,
    readers: [(UserId, Vec<TenantId>); 2],
}

impl Lists {
    async fn set() -> Self {
        let stage = Stage::set().await;
        let mut tenants = vec![stage.tenant.id];
        for n in 1..12 {
            tenants.push(stage.scenario.tenant(&format!("Tenant {n}")).await.id);
        }
        let few = stage.scenario.member(tenants[0], Role::Readonly).await.id;
        let many = stage.scenario.member(tenants[0], Role::Operator).await.id;
        let (of_few, of_many) = (tenants[..3].to_vec(), tenants[..11].to_vec());
        for (user, tenants) in [(few, &of_few), (many, &of_many)] {
            for tenant in &tenants[1..] {
                stage
                    .execute(&format!(
                        "INSERT INTO memberships (user_id, tenant_id, role)
                            VALUES ('{user}', '{tenant}', 'readonly')"
                    ))
                    .await;
            }
        }
        let initiators = [stage.operator.id, few, many];
        let mut runs = Vec::new();
        for n in 0..240_usize {
            let run = Known {
                id: format!("00000000-0000-7000-8000-{n:012}").parse().unwrap(),
                tenant: tenants[(n * n + n / 7) % 12],
                kind: OperationKind::ALL[usize::from(n % 4 == 0)],
                status: if n % 9 == 0 {
                    Status::Queued
                } else {
                    Status::Completed
                },
                outcome: (n % 9 != 0).then(|| Outcome::ALL[(n % 7).min(3)]),
                initiator: initiators[n % 3],
                created_at: moment(n / 5),
            };
            stage.execute(&insert(&run)).await;
            runs.push(run);
        }
        runs.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id.into_uuid())));
        let readers = [(few, of_few), (many, of_many)];
        Self {
            stage,
            runs,
            tenants,
            readers,
        }
    }

    fn expected(&self, visible: &[TenantId], filter: &RunFilter) -> Vec<RunId> {
        let kept = self.runs.iter().filter(|run| {
            visible.contains(&run.tenant)
                && (filter.tenant.is_empty() || filter.tenant.contains(&run.tenant))
                && (filter.kind.is_empty() || filter.kind.contains(&run.kind))
                && (filter.status.is_empty() || filter.status.contains(&run.status))
                && (filter.outcome.is_empty()
                    || run
                        .outcome
                        .is_some_and(|outcome| filter.outcome.contains(&outcome)))
                && filter.initiator.is_none_or(|user| user == run.initiator)
                && filter
                    .created_after
                    .is_none_or(|time| run.created_at > time)
                && filter
                    .created_before
                    .is_none_or(|time| run.created_at < time)
                && (filter.ids.is_empty() || filter.ids.contains(&run.id))
        });
        kept.map(|run| run.id).collect()
    }

    async fn listed(&self, user: UserId, filter: &RunFilter, limit: i64) -> Vec<RunId> {
        let store = &self.stage.store;
        let key = |view: &RunView<OperationKind>| (view.run.created_at, view.run.id);
        let found = both_ways(limit, |page| store.runs(user, filter, page), key).await;
        found.iter().map(|view| view.run.id).collect()
    }
}

fn moment(n: usize) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    start + TimeDelta::minutes(i64::try_from(n).unwrap())
}

fn insert(run: &Known) -> String {
    let outcome = run
        .outcome
        .map_or("NULL".to_owned(), |word| format!("'{}'", word.as_str()));
    let completed_at = run.outcome.map_or("NULL", |_| "clock_timestamp()");
    format!(
        "INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, status, outcome,
            inputs, initiator_id, completed_at, created_at)
        VALUES ('{}', '{}', '{}', '{}', '{}', '{}', {outcome}, '{{}}', '{}', {completed_at}, '{}')",
        run.id,
        run.tenant,
        run.kind,
        run.id,
        run.kind.lock_scope(),
        run.status.as_str(),
        run.initiator,
        run.created_at.to_rfc3339(),
    )
}

/// What a filter is made of: places in the lists of what there is.
type Drawn = (
    Vec<usize>,
    Vec<usize>,
    Vec<usize>,
    Vec<usize>,
    Option<usize>,
    (Option<usize>, Option<usize>),
    Vec<usize>,
);

fn filters() -> impl Strategy<Value = Drawn> {
    let some = |end: usize, most: usize| prop::collection::vec(0..end, 0..=most);
    let maybe = |end: usize| prop::option::weighted(0.3, 0..end);
    (
        some(12, 4),
        some(2, 1),
        some(3, 2),
        some(4, 2),
        maybe(3),
        (maybe(48), maybe(48)),
        prop_oneof![3 => Just(Vec::new()), 1 => some(240, 60)],
    )
}

#[test]
fn pages_and_counts_of_runs_are_those_of_a_filter_in_memory() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lists = runtime.block_on(Lists::set());
    let initiators = [
        lists.stage.operator.id,
        lists.readers[0].0,
        lists.readers[1].0,
    ];
    let strategy = (filters(), 0..2_usize, 1..40_i64, any::<bool>());
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(96)
    });
    let outcome = runner.run(&strategy, |(drawn, reader, limit, ascending)| {
        let (tenant, kind, status, outcome, initiator, (after, before), ids) = drawn;
        let filter = RunFilter {
            tenant: tenant.into_iter().map(|n| lists.tenants[n]).collect(),
            kind: kind.into_iter().map(|n| OperationKind::ALL[n]).collect(),
            status: status.into_iter().map(|n| Status::ALL[n]).collect(),
            outcome: outcome.into_iter().map(|n| Outcome::ALL[n]).collect(),
            initiator: initiator.map(|n| initiators[n]),
            created_after: after.map(moment),
            created_before: before.map(moment),
            ids: ids.into_iter().map(|n| lists.runs[n].id).collect(),
            ascending,
        };
        let (user, visible) = &lists.readers[reader];
        let mut listed = runtime.block_on(lists.listed(*user, &filter, limit));
        if ascending {
            listed.reverse();
        }
        let expected = lists.expected(visible, &filter);
        prop_assert_eq!(&listed, &expected);
        // The limit is that of the counts, too.
        let store = &lists.stage.store;
        let counted = runtime
            .block_on(store.count_runs(*user, &filter, limit))
            .unwrap();
        let newest = &expected[..expected.len().min(usize::try_from(limit).unwrap())];
        let count = |is: &dyn Fn(&Known) -> bool| {
            let known = lists
                .runs
                .iter()
                .filter(|run| newest.contains(&run.id) && is(run));
            i64::try_from(known.count()).unwrap()
        };
        prop_assert_eq!(counted.total(), count(&|_| true));
        for status in Status::ALL {
            prop_assert_eq!(
                counted.with_status(status),
                count(&|run| run.status == status)
            );
        }
        for outcome in Outcome::ALL {
            let with = count(&|run| run.outcome == Some(outcome));
            prop_assert_eq!(counted.with_outcome(outcome), with);
        }
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn runs_of_kinds_of_a_later_version_are_left_out_and_pages_go_on() {
    let stage = Stage::set().await;
    let run = |n: usize| Known {
        id: format!("00000000-0000-7000-8000-{n:012}").parse().unwrap(),
        tenant: stage.tenant.id,
        kind: OperationKind::InventorySync,
        status: Status::Completed,
        outcome: Some(Outcome::Succeeded),
        initiator: stage.operator.id,
        created_at: moment(n),
    };
    for n in 0..4 {
        stage.execute(&insert(&run(n))).await;
    }
    let later = [run(1).id, run(2).id].map(|id| format!("'{id}'"));
    let sql = format!(
        "UPDATE operation_runs SET kind = 'later' WHERE id IN ({})",
        later.join(",")
    );
    stage.execute(&sql).await;
    let known = [run(3).id, run(0).id];
    let user = stage.operator.id;
    let mut page = PageRequest::first(1);
    for expected in known {
        let runs = stage.store.runs(user, &RunFilter::default(), page).await;
        let run = runs.unwrap().remove(0).run;
        assert_eq!(run.id, expected);
        page = PageRequest::after(1, Some((run.created_at, run.id)));
    }
    let every = RunFilter::default();
    let active = stage.store.active_runs(user, &every, 20).await.unwrap();
    assert!(active.runs.iter().all(|view| known.contains(&view.run.id)));
}
