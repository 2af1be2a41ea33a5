//! Schedules, fired by workers.

use atlas_domain::access::schedule::can_set_schedule;
use atlas_domain::access::{Membership, Role};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::RequestId;
use atlas_domain::run::Outcome;
use atlas_domain::schedule::ScheduleRequest;
use atlas_store::{Origin, ScheduleView};
use atlas_test_support::{Member, TestTenant, eventually};

use crate::installation::Installation;

/// A time of each day that catches up.
const DAILY: &str = r#"{"time": "02:30", "zone": "Europe/Berlin", "catch_up": "latest"}"#;

impl Installation {
    /// A manager who has set the tenant's schedule.
    async fn scheduled(&self, tenant: TestTenant, schedule: &str) -> Member {
        let manager = self.scenario.member(tenant.id, Role::Manager).await;
        let permit = can_set_schedule(&Membership {
            tenant_id: tenant.id,
            user_id: manager.id,
            role: Role::Manager,
        });
        let request: ScheduleRequest = serde_json::from_str(schedule).unwrap();
        let schedule = request.resolve().unwrap();
        let request = RequestId::mint(&SystemClock, &SystemEntropy);
        let set = self
            .store
            .set_schedule(permit.unwrap(), &schedule, request, Origin::default());
        set.await.unwrap();
        manager
    }

    /// The next time of every schedule has come.
    async fn time_comes(&self, ago: &str) {
        let come = format!(
            "UPDATE tenant_schedules SET next_due_at = clock_timestamp() - interval '{ago}' \
             WHERE stopped_at IS NULL"
        );
        let connection = self.database.connection().await;
        connection.batch_execute(&come).await.unwrap();
    }

    async fn schedule(&self, tenant: TestTenant) -> ScheduleView {
        self.store.schedule(tenant.id).await.unwrap().unwrap()
    }

    async fn scheduled_runs(&self) -> i64 {
        let sql = "SELECT count(*) FROM operation_runs WHERE scheduled";
        let connection = self.database.connection().await;
        connection.query_one(sql, &[]).await.unwrap().get(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_fire_each_due_time_of_each_tenant_once() {
    let installation = Installation::of_size(20).await;
    let mut tenants = Vec::new();
    for name in ["Contoso", "Fabrikam", "Northwind"] {
        let tenant = installation.scenario.tenant(name).await;
        let manager = installation.scheduled(tenant, DAILY).await;
        tenants.push((tenant, manager));
    }
    let workers: Vec<_> = (0..4)
        .map(|_| installation.worker_with(&["--sweep-interval=50ms"]))
        .collect();
    for round in 1..=3 {
        installation.time_comes("1 second").await;
        for (tenant, manager) in &tenants {
            let run = eventually("the schedule to fire", || async {
                if installation.scheduled_runs().await < 3 * round {
                    return None;
                }
                let fired = installation.schedule(*tenant).await.last_fired?;
                Some(installation.run(manager, fired.run?).await)
            })
            .await;
            assert!(run.scheduled);
            assert_eq!(run.initiator_id, manager.id);
            let (outcome, _) = installation.ended(manager, run.id).await;
            assert_ne!(outcome, Outcome::Failed);
        }
    }
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(installation.scheduled_runs().await, 9);
    let connection = installation.database.connection().await;
    let sql = "SELECT count(*) FROM audit_events WHERE action = 'operation_run.started'";
    let started: i64 = connection.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(started, 9);
    let sql = "SELECT count(*) FROM audit_events WHERE action = 'operation_run.joined'";
    let joined: i64 = connection.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(joined, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_times_fire_once_or_not_at_all_as_the_schedule_says() {
    let installation = Installation::of_size(20).await;
    let latest = installation.scenario.tenant("Contoso").await;
    installation.scheduled(latest, DAILY).await;
    let none = installation.scenario.tenant("Fabrikam").await;
    let skipping = DAILY.replace("latest", "none");
    installation.scheduled(none, &skipping).await;
    // Days without a worker. Of the last day's time it is not known how long ago it is.
    installation.time_comes("3 days").await;
    let moved = "UPDATE tenant_schedules SET time_of_day = to_char( \
        clock_timestamp() AT TIME ZONE 'Europe/Berlin' + interval '12 hours', 'HH24:MI')";
    let connection = installation.database.connection().await;
    connection.batch_execute(moved).await.unwrap();
    let worker = installation.worker();
    eventually("both to be seen to", || async {
        let fired = installation.schedule(latest).await.last_fired;
        let skipped = installation.schedule(none).await.skipped;
        (fired.is_some() && skipped.is_some()).then_some(())
    })
    .await;
    worker.stop().await;
    assert_eq!(installation.scheduled_runs().await, 1);
    assert!(installation.schedule(none).await.last_fired.is_none());
    assert_eq!(installation.schedule(none).await.next_due.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_whose_setter_left_stops_while_others_fire() {
    let installation = Installation::of_size(20).await;
    let left = installation.scenario.tenant("Contoso").await;
    let owner = installation.scenario.member(left.id, Role::Owner).await;
    let manager = installation.scheduled(left, DAILY).await;
    let other = installation.scenario.tenant("Fabrikam").await;
    installation.scheduled(other, DAILY).await;
    let removed = installation.store.remove_member(left.id, manager.id);
    removed.await.unwrap();
    installation.time_comes("1 second").await;
    let worker = installation.worker();
    eventually("both to be seen to", || async {
        let stopped = installation.schedule(left).await.stopped;
        let fired = installation.schedule(other).await.last_fired;
        (fired.is_some() && stopped.is_some()).then_some(())
    })
    .await;
    worker.stop().await;
    assert_eq!(installation.scheduled_runs().await, 1);
    let unread = installation.store.unread_count(owner.id, 10).await;
    assert_eq!(unread.unwrap(), 1);
}
