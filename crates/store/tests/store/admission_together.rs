//! Starts that arrive together: one transaction, and for each start what it gets alone.

use std::collections::BTreeSet;

use atlas_domain::access::Role;
use atlas_domain::ids::{TenantId, UserId};
use atlas_store::{Admission, AdmitError, StartRun, Store};
use atlas_test_support::{Scenario, eventually};
use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::{Stage, terms};

/// Transactions that wrote the entries of starts.
const TRANSACTIONS: &str = "SELECT count(DISTINCT xmin::text) FROM audit_events \
    WHERE action IN ('operation_run.started', 'operation_run.joined')";
const EMPTY: &str = "TRUNCATE operation_runs, notifications, audit_events, tenant_fences CASCADE";

/// Asks for all in the same moment. On a runtime with one thread they arrive together.
async fn together(store: &Store, starts: Vec<(TenantId, UserId, StartRun)>) -> Vec<String> {
    let admit = |(tenant, user, start)| async move {
        let permit = Scenario::permit(tenant, user);
        outcome(store.admit(permit, start).await)
    };
    join_all(starts.into_iter().map(admit)).await
}

/// What became of a start, in a word and the run's id.
fn outcome(admitted: Result<Admission, AdmitError>) -> String {
    match admitted {
        Ok(Admission::Created(run)) => format!("created {}", run.id),
        Ok(Admission::Joined(run)) => format!("joined {}", run.id),
        Ok(Admission::Repeated(_)) => "repeated".to_owned(),
        Err(AdmitError::NotMember) => "not a member".to_owned(),
        Err(AdmitError::NotPermitted) => "not permitted".to_owned(),
        Err(AdmitError::TenantDisabled) => "disabled".to_owned(),
        Err(AdmitError::NotConnected) => "not connected".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

fn word(outcome: &str) -> &str {
    outcome.split(' ').next().unwrap()
}

#[tokio::test]
async fn equal_starts_that_arrive_together_are_one_run_of_the_first_with_the_highest_priority() {
    let stage = Stage::set().await;
    let (tenant, user) = (stage.tenant.id, stage.operator.id);
    let other = stage.scenario.member(tenant, Role::Owner).await;
    let starts: Vec<_> = [(user, 0), (other.id, 50), (user, 10)]
        .map(|(user, priority)| {
            let start = StartRun {
                priority,
                ..Scenario::start("{}")
            };
            (tenant, user, start)
        })
        .into();
    let first = starts[0].2.run_id;
    let outcomes = together(&stage.store, starts).await;
    let expected = ["created", "joined", "joined"].map(|word| format!("{word} {first}"));
    assert_eq!(outcomes, expected);
    assert_eq!(stage.count(TRANSACTIONS).await, 1);
    let run = "SELECT count(*) FROM operation_runs WHERE priority = 50 AND status = 'queued'";
    assert_eq!(stage.count(run).await, 1);
    let notified = format!("SELECT count(*) FROM notifications WHERE user_id = '{user}'");
    assert_eq!(stage.count(&notified).await, 1);
    assert_eq!(stage.count("SELECT count(*) FROM notifications").await, 1);
}

#[tokio::test]
async fn joins_that_arrive_together_write_their_entries_and_leave_the_runs_row_alone() {
    let stage = Stage::set().await;
    let (tenant, user) = (stage.tenant.id, stage.operator.id);
    let run = stage.scenario.queued_run(tenant, user, "{}").await;
    let version = "SELECT (xmin::text || ctid::text) = (SELECT string_agg(label, '') FROM kept) \
        FROM operation_runs";
    stage
        .execute(
            "CREATE TABLE kept AS SELECT xmin::text || ctid::text AS label FROM operation_runs",
        )
        .await;
    let starts = (0..10).map(|_| (tenant, user, Scenario::start("{}")));
    let outcomes = together(&stage.store, starts.collect()).await;
    assert_eq!(outcomes, vec![format!("joined {run}"); 10]);
    let untouched = format!("SELECT count(*) FROM ({version}) v (same) WHERE same");
    assert_eq!(stage.count(&untouched).await, 1);
    let joined = "SELECT count(*) FROM audit_events WHERE action = 'operation_run.joined'";
    assert_eq!(stage.count(joined).await, 10);
    assert_eq!(stage.count(TRANSACTIONS).await, 2);
}

#[tokio::test]
async fn a_start_that_makes_the_statement_fail_fails_by_itself() {
    let stage = Stage::set().await;
    let user = stage.operator.id;
    let mut starts = Vec::new();
    for n in 0..4 {
        let tenant = stage.scenario.tenant(&format!("T{n}")).await.id;
        stage
            .store
            .set_member(tenant, user, Role::Operator)
            .await
            .unwrap();
        starts.push((tenant, user, Scenario::start("{}")));
    }
    // A text cannot hold this character.
    starts[2].2.origin.user_agent = Some("a\0b".to_owned());
    let outcomes = together(&stage.store, starts).await;
    for n in [0, 1, 3] {
        assert_eq!(word(&outcomes[n]), "created", "{outcomes:?}");
    }
    assert!(outcomes[2].contains("22021"), "{outcomes:?}");
    assert_eq!(stage.count("SELECT count(*) FROM operation_runs").await, 3);
    assert_eq!(stage.count(TRANSACTIONS).await, 3);
}

#[tokio::test]
async fn a_start_that_waits_for_its_tenants_removal_keeps_no_other_start_waiting() {
    let stage = Stage::set().await;
    let user = stage.operator.id;
    let removed = stage.scenario.tenant("Removed").await.id;
    stage
        .store
        .set_member(removed, user, Role::Operator)
        .await
        .unwrap();
    let mut connection = stage.database.connection().await;
    let removal = connection.transaction().await.unwrap();
    let hold = format!("SELECT 1 FROM tenants WHERE id = '{removed}' FOR UPDATE");
    removal.batch_execute(&hold).await.unwrap();
    let waits = {
        let store = stage.store.clone();
        let starts = vec![(removed, user, Scenario::start("{}"))];
        let other = (stage.tenant.id, user, Scenario::start("{}"));
        tokio::spawn(async move {
            let held = together(&store, starts);
            let free = together(&store, vec![other]);
            futures::future::join(held, free).await
        })
    };
    // The other one is there while this one waits.
    let runs = "SELECT count(*) FROM operation_runs";
    eventually("the other start", || async {
        (stage.count(runs).await == 1).then_some(())
    })
    .await;
    stage.somebody_waits().await;
    let remove = format!(
        "SET LOCAL atlas.retention = 'on'; DELETE FROM audit_events WHERE tenant_id = '{removed}'; \
         DELETE FROM tenants WHERE id = '{removed}'"
    );
    removal.batch_execute(&remove).await.unwrap();
    removal.commit().await.unwrap();
    let (held, free) = waits.await.unwrap();
    assert_eq!(held, ["not a member"]);
    assert_eq!(word(&free[0]), "created", "{free:?}");
    assert_eq!(stage.count(runs).await, 1);
}

/// Processes whose starts arrive in opposite orders, half of them for runs that wait with a lower
/// priority. One transaction for each process says that none gave way because of a lock.
#[tokio::test]
async fn starts_of_two_processes_in_opposite_orders_never_wait_for_each_other() {
    const ROUNDS: usize = 150;
    let stage = Stage::set().await;
    let user = stage.operator.id;
    let stores = [stage.database.store(), stage.database.store()];
    let mut tenants = Vec::new();
    for n in 0..12 {
        let tenant = stage.scenario.tenant(&format!("T{n}")).await.id;
        stage
            .store
            .set_member(tenant, user, Role::Owner)
            .await
            .unwrap();
        tenants.push(tenant);
    }
    for round in 0..ROUNDS {
        stage.execute(EMPTY).await;
        let queued = tenants.iter().skip(round % 2).step_by(2);
        for tenant in queued {
            stage.scenario.queued_run(*tenant, user, "{}").await;
        }
        let start = |tenant: &TenantId| {
            let start = StartRun {
                priority: 50,
                ..Scenario::start("{}")
            };
            (*tenant, user, start)
        };
        let there = tenants.iter().map(start).collect();
        let back = tenants.iter().rev().map(start).collect();
        let (there, back) = (together(&stores[0], there), together(&stores[1], back));
        let (there, mut back) = futures::future::join(there, back).await;
        back.reverse();
        for (there, back) in there.iter().zip(&back) {
            let words = BTreeSet::from([word(there), word(back)]);
            let expected = [["created", "joined"].into(), ["joined"].into()];
            assert!(expected.contains(&words), "{there}, {back}");
            let run = |outcome: &str| outcome.rsplit_once(' ').unwrap().1.to_owned();
            assert_eq!(run(there), run(back));
        }
        let raised = "SELECT count(*) FROM operation_runs WHERE priority = 50";
        assert_eq!(stage.count(raised).await, 12);
        // Those of the runs that were there, and one of each process.
        assert_eq!(stage.count(TRANSACTIONS).await, 6 + 2);
    }
}

#[tokio::test]
async fn memberships_that_are_looked_up_together_are_those_that_are_looked_up_alone() {
    let stage = Stage::set().await;
    let bare = stage.scenario.tenant_with("Bare", None).await.id;
    let owner = stage.scenario.member(bare, Role::Owner).await.id;
    let stranger = stage.scenario.stranger().await.id;
    let mut asked = Vec::new();
    for tenant in [stage.tenant.id, bare] {
        for user in [owner, stranger, stage.operator.id] {
            asked.push((tenant, user));
        }
    }
    let look_up = |(tenant, user)| stage.store.membership_with_others(tenant, user);
    let together = join_all(asked.iter().copied().map(look_up)).await;
    let mut roles = Vec::new();
    for ((tenant, user), together) in asked.into_iter().zip(together) {
        let alone = stage.store.membership(tenant, user).await.unwrap();
        assert_eq!(together.unwrap(), alone);
        assert_eq!(look_up((tenant, user)).await.unwrap(), alone);
        roles.extend(alone.map(|member| member.role));
    }
    assert_eq!(roles, [Role::Operator, Role::Owner]);
}

/// What starts leave, but for times and ids that the store mints.
const LEFT: &str = "SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '') FROM ( \
    SELECT format('run %s %s %s %s %s %s %s', id, tenant_id, identity, priority, initiator_id, status, \
        event_seq) FROM operation_runs \
    UNION ALL SELECT format('audit %s %s %s %s %s %s %s', request_id, action, tenant_id, actor_id, \
        target_id, user_agent, address) FROM audit_events WHERE request_id IS NOT NULL \
    UNION ALL SELECT format('notification %s %s %s %s %s', run_id, user_id, phase, title, body) \
        FROM notifications \
    UNION ALL SELECT format('event %s %s %s', run_id, seq, event) FROM operation_run_events \
    ) l (line)";

/// Tenants and users in every relation that a start can be refused for.
struct Cast {
    stage: Stage,
    tenants: Vec<TenantId>,
    users: Vec<UserId>,
}

/// A start that was there before, whether it runs already; and starts by user, tenant, selection and
/// priority.
type Before = (usize, usize, i16, bool);
type Asked = (usize, usize, usize, i16);

impl Cast {
    async fn set() -> Self {
        let stage = Stage::set().await;
        let mut tenants = vec![stage.tenant.id];
        tenants.push(stage.scenario.tenant("Fabrikam").await.id);
        tenants.push(stage.scenario.tenant("Disabled").await.id);
        tenants.push(stage.scenario.tenant_with("Bare", None).await.id);
        let mut users = Vec::new();
        for role in [Role::Owner, Role::Operator, Role::Readonly] {
            let user = stage.scenario.stranger().await.id;
            for tenant in &tenants {
                stage.store.set_member(*tenant, user, role).await.unwrap();
            }
            users.push(user);
        }
        users.push(stage.scenario.stranger().await.id);
        let disable = format!(
            "UPDATE tenants SET enabled = false WHERE id = '{}'",
            tenants[2]
        );
        stage.execute(&disable).await;
        Self {
            stage,
            tenants,
            users,
        }
    }

    async fn begin(&self, before: &[(Before, StartRun)]) {
        self.stage.execute(EMPTY).await;
        for ((tenant, _, _, runs), start) in before {
            let permit = Scenario::permit(self.tenants[*tenant], self.users[0]);
            let store = &self.stage.store;
            store.admit(permit, start.clone()).await.unwrap();
            if *runs {
                store.claim_next(&terms("w")).await.unwrap();
            }
        }
    }

    fn starts(&self, asked: &[(Asked, StartRun)]) -> Vec<(TenantId, UserId, StartRun)> {
        let start = |((user, tenant, ..), start): &(Asked, StartRun)| {
            (self.tenants[*tenant], self.users[*user], start.clone())
        };
        asked.iter().map(start).collect()
    }

    async fn left(&self) -> String {
        let connection = self.stage.database.connection().await;
        connection.query_one(LEFT, &[]).await.unwrap().get(0)
    }
}

fn start(selection: usize, priority: i16) -> StartRun {
    let mut start = Scenario::start(["{}", r#"{"policy_types":["mobileApp"]}"#][selection]);
    start.priority = priority;
    start.origin.user_agent = (priority > 0).then(|| format!("agent of {}", start.run_id));
    start
}

#[test]
fn starts_that_arrive_together_leave_what_they_leave_one_after_the_other() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cast = runtime.block_on(Cast::set());
    let priority = || prop_oneof![Just(-10_i16), Just(0), Just(50)];
    let before = prop::collection::vec((0..2_usize, 0..2_usize, priority(), any::<bool>()), 0..3);
    let asked = prop::collection::vec((0..4_usize, 0..4_usize, 0..2_usize, priority()), 2..16);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(64)
    });
    let result = runner.run(&(before, asked), |(before, asked)| {
        let before: Vec<_> = before
            .into_iter()
            .map(|drawn| (drawn, start(drawn.1, drawn.2)))
            .collect();
        let asked: Vec<_> = asked
            .into_iter()
            .map(|drawn| (drawn, start(drawn.2, drawn.3)))
            .collect();
        let (alone, left_alone, together, left_together) = runtime.block_on(async {
            let store = &cast.stage.store;
            cast.begin(&before).await;
            let mut alone = Vec::new();
            for one in cast.starts(&asked) {
                alone.extend(together(store, vec![one]).await);
            }
            let left_alone = cast.left().await;
            cast.begin(&before).await;
            let earlier = cast.stage.count(TRANSACTIONS).await;
            let together = together(store, cast.starts(&asked)).await;
            let transactions = cast.stage.count(TRANSACTIONS).await - earlier;
            assert!(transactions <= 1, "{transactions}");
            (alone, left_alone, together, cast.left().await)
        });
        prop_assert_eq!(alone, together);
        prop_assert_eq!(left_alone, left_together);
        Ok(())
    });
    // The database is dropped on a runtime that still lives.
    runtime.block_on(async { drop(cast) });
    result.unwrap();
}
