//! Schedules: set, fired once, skipped, stopped.

use std::time::Duration;

use atlas_domain::access::schedule::{SchedulePermit, can_set_schedule};
use atlas_domain::access::{Membership, Role};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{RequestId, RunId, TenantId, UserId};
use atlas_domain::schedule::{
    CatchUp, DueSchedule, Firing, Schedule, ScheduleRequest, SkipReason, StopReason,
};
use atlas_store::{
    AccessChangeError, Admission, Fired, NotificationFilter, Origin, PRUNE_BATCH, PageRequest,
    Retention, ScheduleChangeError, ScheduleView, SweepPlan,
};
use atlas_test_support::{Member, Scenario};
use chrono::TimeDelta;

use crate::{Stage, terms};

const DAY: Duration = Duration::from_secs(86_400);

/// The time of each day.
fn daily() -> Schedule {
    let request = ScheduleRequest {
        time: Some("02:30".to_owned()),
        zone: Some("Europe/Berlin".to_owned()),
        catch_up: Some(CatchUp::Latest),
        ..ScheduleRequest::default()
    };
    request.resolve().unwrap()
}

fn permit(tenant_id: TenantId, user_id: UserId) -> SchedulePermit {
    can_set_schedule(&Membership {
        tenant_id,
        user_id,
        role: Role::Manager,
    })
    .unwrap()
}

impl Stage {
    /// A manager who has set the schedule.
    async fn scheduled(&self) -> Member {
        let manager = self.scenario.member(self.tenant.id, Role::Manager).await;
        self.set_schedule(manager.id).await.unwrap();
        manager
    }

    async fn set_schedule(&self, user: UserId) -> Result<(), ScheduleChangeError> {
        let request = RequestId::mint(&SystemClock, &SystemEntropy);
        let permit = permit(self.tenant.id, user);
        let store = &self.store;
        store
            .set_schedule(permit, &daily(), request, Origin::default())
            .await
    }

    async fn change(&self, sql: &str) {
        let connection = self.database.connection().await;
        connection.batch_execute(sql).await.unwrap();
    }

    /// Its time has come, so many minutes ago.
    async fn come(&self, minutes: u32) -> DueSchedule {
        self.change(&format!(
            "UPDATE tenant_schedules SET next_due_at = clock_timestamp() - interval '{minutes} minutes'"
        ))
        .await;
        let mut due = self.store.due_schedules(10).await.unwrap();
        assert_eq!(due.len(), 1);
        due.remove(0).unwrap()
    }

    async fn fire(&self, due: &DueSchedule) -> Option<Fired> {
        let Firing::Start(permit) = due.firing() else {
            panic!("{:?}", due.firing());
        };
        self.store.fire_schedule(permit, due).await.unwrap()
    }

    async fn shown(&self) -> ScheduleView {
        let schedule = self.store.schedule(self.tenant.id).await.unwrap();
        schedule.unwrap()
    }

    async fn priority(&self, run: RunId) -> i64 {
        let sql = format!("SELECT priority::bigint FROM operation_runs WHERE id = '{run}'");
        self.count(&sql).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_racing_workers_one_fires_a_due_time() {
    let stage = Stage::set().await;
    stage.scheduled().await;
    for round in 1..=3 {
        let due = stage.come(1).await;
        let racing = (0..32).map(|_| {
            let (store, due) = (stage.store.clone(), due.clone());
            tokio::spawn(async move {
                let Firing::Start(permit) = due.firing() else {
                    panic!("{due:?}");
                };
                store.fire_schedule(permit, &due).await.unwrap()
            })
        });
        let mut fired = Vec::new();
        for racing in racing.collect::<Vec<_>>() {
            fired.extend(racing.await.unwrap());
        }
        assert_eq!(fired.len(), 1, "{fired:?}");
        let runs = "SELECT count(*) FROM operation_runs WHERE scheduled";
        assert_eq!(stage.count(runs).await, round);
        stage
            .change(
                "UPDATE operation_runs SET status = 'completed', outcome = 'succeeded', \
                 completed_at = clock_timestamp()",
            )
            .await;
        assert!(stage.store.due_schedules(10).await.unwrap().is_empty());
    }
    let notified = "SELECT count(*) FROM notifications WHERE phase = 'queued'";
    assert_eq!(stage.count(notified).await, 3);
}

#[tokio::test]
async fn the_plan_of_a_sweep_names_due_times_once_they_have_come() {
    let stage = Stage::set().await;
    stage.scheduled().await;
    let fires = async || match stage.store.plan_sweep().await.unwrap() {
        SweepPlan::Steps(steps) => steps.fire,
        other => panic!("{other:?}"),
    };
    assert!(!fires().await);
    let due = stage.come(1).await;
    assert!(fires().await);
    stage.fire(&due).await.unwrap();
    assert!(!fires().await);
}

#[tokio::test]
async fn a_due_time_records_a_run_of_who_set_the_schedule_and_the_next_time() {
    let stage = Stage::set().await;
    let manager = stage.scheduled().await;
    let due = stage.come(1).await;
    let Some(Fired::Created(run)) = stage.fire(&due).await else {
        panic!("nothing fired");
    };
    let view = stage
        .store
        .run_view(manager.id, run)
        .await
        .unwrap()
        .unwrap();
    assert!(view.run.scheduled);
    assert_eq!(view.run.initiator_id, manager.id);
    assert_eq!(stage.priority(run).await, -10);
    let shown = stage.shown().await;
    let last = shown.last_fired.unwrap();
    assert_eq!((last.due_at, last.run), (due.due_at, Some(run)));
    assert_eq!(shown.set_by, manager.id);
    assert_eq!(shown.next_due.len(), 3);
    assert_eq!(Some(shown.next_due[0]), due.next_due());
    let audited = "SELECT count(*) FROM audit_events WHERE action = 'operation_run.started' \
        AND actor_kind = 'worker' AND (detail->>'scheduled')::boolean";
    assert_eq!(stage.count(audited).await, 1);
    assert_eq!(stage.fire(&due).await, None, "it was seen to");
}

#[tokio::test]
async fn a_due_time_joins_the_active_run_and_leaves_its_priority() {
    let stage = Stage::set().await;
    stage.scheduled().await;
    let (tenant, user) = (stage.tenant.id, stage.operator.id);
    let run = stage.scenario.queued_run(tenant, user, "{}").await;
    let due = stage.come(1).await;
    assert_eq!(stage.fire(&due).await, Some(Fired::Joined(run)));
    assert_eq!(stage.priority(run).await, 0);
    assert_eq!(stage.shown().await.last_fired.unwrap().run, Some(run));
    let joined = "SELECT count(*) FROM audit_events WHERE action = 'operation_run.joined'";
    assert_eq!(stage.count(joined).await, 1);
}

#[tokio::test]
async fn what_people_start_goes_before_scheduled_runs_and_takes_one_along() {
    let stage = Stage::set().await;
    stage.scheduled().await;
    let due = stage.come(1).await;
    let Some(Fired::Created(scheduled)) = stage.fire(&due).await else {
        panic!("nothing fired");
    };
    let other = stage.scenario.tenant("Fabrikam").await;
    let member = stage.scenario.member(other.id, Role::Operator).await;
    let pressed = stage.scenario.queued_run(other.id, member.id, "{}").await;
    let first = stage.store.claim_next(&terms("one")).await.unwrap();
    assert_eq!(first.unwrap().lease.run_id, pressed);

    let joining = Scenario::permit(stage.tenant.id, stage.operator.id);
    let joined = stage.store.admit(joining, Scenario::start("{}")).await;
    assert!(matches!(joined, Ok(Admission::Joined(run)) if run.id == scheduled));
    assert_eq!(stage.priority(scheduled).await, 0);
}

#[tokio::test]
async fn a_paused_queue_misses_no_time() {
    let stage = Stage::set().await;
    let manager = stage.scheduled().await;
    stage
        .change(
            "INSERT INTO queue_controls (kind, paused_by) VALUES ('inventory_sync', 'somebody')",
        )
        .await;
    let due = stage.come(1).await;
    let Some(Fired::Created(run)) = stage.fire(&due).await else {
        panic!("nothing fired");
    };
    assert!(
        stage
            .store
            .claim_next(&terms("one"))
            .await
            .unwrap()
            .is_none()
    );
    stage.change("DELETE FROM queue_controls").await;
    let claim = stage
        .store
        .claim_next(&terms("one"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((claim.lease.run_id, claim.initiator_id), (run, manager.id));
}

#[tokio::test]
async fn a_schedule_that_was_set_anew_does_not_fire_for_the_time_before() {
    let stage = Stage::set().await;
    let manager = stage.scheduled().await;
    let due = stage.come(1).await;
    stage.set_schedule(manager.id).await.unwrap();
    assert_eq!(stage.fire(&due).await, None);
    assert!(
        !stage
            .store
            .skip_schedule(&due, SkipReason::Missed)
            .await
            .unwrap()
    );
    let runs = "SELECT count(*) FROM operation_runs";
    assert_eq!(stage.count(runs).await, 0);
    let next = stage.shown().await.next_due[0];
    assert!(next > due.now && next < due.now + TimeDelta::hours(26));
}

#[tokio::test]
async fn a_disabled_tenant_is_skipped_and_goes_on_once_it_is_enabled() {
    let stage = Stage::set().await;
    stage.scheduled().await;
    stage.store.disable_tenant(stage.tenant.id).await.unwrap();
    let due = stage.come(1).await;
    let Firing::Skip(reason) = due.firing() else {
        panic!("{:?}", due.firing());
    };
    assert!(stage.store.skip_schedule(&due, reason).await.unwrap());
    assert!(!stage.store.skip_schedule(&due, reason).await.unwrap());
    let shown = stage.shown().await;
    assert_eq!(
        shown.skipped,
        Some((due.due_at, SkipReason::TenantDisabled))
    );
    assert_eq!(shown.last_fired, None);
    stage.store.enable_tenant(stage.tenant.id).await.unwrap();
    let due = stage.come(1).await;
    assert!(matches!(stage.fire(&due).await, Some(Fired::Created(_))));
    assert_eq!(stage.shown().await.skipped, None);
}

#[tokio::test]
async fn a_schedule_stops_when_its_setter_may_not_sync_and_owners_are_notified_once() {
    for expected in StopReason::ALL {
        let stage = Stage::set().await;
        let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
        let manager = stage.scheduled().await;
        let (store, tenant) = (&stage.store, stage.tenant.id);
        let before = stage.come(1).await;
        match expected {
            StopReason::SetterLeft => store.remove_member(tenant, manager.id).await.unwrap(),
            StopReason::SetterDisabled => store.disable_user(manager.id).await.unwrap(),
            StopReason::SetterNotPermitted => {
                let set = store.set_member(tenant, manager.id, Role::Readonly);
                set.await.unwrap();
            }
        }
        assert_eq!(
            stage.fire(&before).await,
            None,
            "{expected}: it is checked again"
        );
        let due = stage.come(1).await;
        let Firing::Stop(reason) = due.firing() else {
            panic!("{:?}", due.firing());
        };
        assert_eq!(reason, expected);
        assert!(store.stop_schedule(&due, reason).await.unwrap());
        assert!(!store.stop_schedule(&due, reason).await.unwrap());
        let shown = stage.shown().await;
        assert_eq!(shown.stopped.map(|(_, reason)| reason), Some(expected));
        assert!(shown.next_due.is_empty());

        let first = || PageRequest::first(10);
        let notices = store
            .notifications(owner.id, &NotificationFilter::unread(true), first())
            .await
            .unwrap();
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert_eq!(notices[0].phase, "schedule_stopped");
        assert_eq!(notices[0].title, "The schedule of Contoso stopped");
        assert!(notices[0].body.starts_with("Test User, who set it,"));
        assert_eq!(notices[0].run_id, None);
        assert_eq!(store.unread_count(owner.id, 100).await.unwrap(), 1);
        let others = store
            .notifications(
                stage.operator.id,
                &NotificationFilter::unread(false),
                first(),
            )
            .await;
        assert!(others.unwrap().is_empty());
        assert!(
            !store
                .mark_read(stage.operator.id, notices[0].id)
                .await
                .unwrap()
        );
        assert!(store.mark_read(owner.id, notices[0].id).await.unwrap());
        assert_eq!(store.unread_count(owner.id, 100).await.unwrap(), 0);

        stage.set_schedule(owner.id).await.unwrap();
        let again = stage.shown().await;
        assert_eq!((again.stopped, again.next_due.len()), (None, 3));
    }
}

#[tokio::test]
async fn a_setter_who_may_sync_again_stops_nothing() {
    let stage = Stage::set().await;
    let manager = stage.scheduled().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let set = store.set_member(tenant, manager.id, Role::Readonly);
    set.await.unwrap();
    let due = stage.come(1).await;
    let set = store.set_member(tenant, manager.id, Role::Operator);
    set.await.unwrap();
    let stopped = store
        .stop_schedule(&due, StopReason::SetterNotPermitted)
        .await;
    assert!(!stopped.unwrap());
    assert_eq!(stage.shown().await.stopped, None);
}

#[tokio::test]
async fn a_permit_whose_membership_changed_sets_and_removes_nothing() {
    let stage = Stage::set().await;
    let manager = stage.scheduled().await;
    let store = &stage.store;
    let set = store.set_member(stage.tenant.id, manager.id, Role::Operator);
    set.await.unwrap();
    let refused = stage.set_schedule(manager.id).await;
    assert!(matches!(refused, Err(ScheduleChangeError::NotPermitted)));
    let request = RequestId::mint(&SystemClock, &SystemEntropy);
    let permit = permit(stage.tenant.id, manager.id);
    let refused = store.remove_schedule(permit, request, Origin::default());
    assert!(matches!(
        refused.await,
        Err(ScheduleChangeError::NotPermitted)
    ));
    assert!(store.schedule(stage.tenant.id).await.unwrap().is_some());
}

#[tokio::test]
async fn who_set_a_schedule_is_erased_and_not_removed_and_a_tenant_goes_with_its_schedule() {
    let stage = Stage::set().await;
    let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let manager = stage.scheduled().await;
    let store = &stage.store;
    let refused = store.remove_user(manager.id).await;
    assert!(matches!(refused, Err(AccessChangeError::Referred)));
    store.erase_user(manager.id).await.unwrap();
    assert!(stage.shown().await.set_by_name.starts_with("erased-user-"));
    let due = stage.come(1).await;
    assert!(matches!(due.firing(), Firing::Stop(StopReason::SetterLeft)));
    assert!(
        store
            .stop_schedule(&due, StopReason::SetterLeft)
            .await
            .unwrap()
    );
    assert_eq!(stage.count("SELECT count(*) FROM tenant_notices").await, 1);
    stage.set_schedule(owner.id).await.unwrap();
    assert!(store.remove_tenant(stage.tenant.id).await.unwrap());
    for table in ["tenant_schedules", "tenant_notices"] {
        assert_eq!(
            stage.count(&format!("SELECT count(*) FROM {table}")).await,
            0
        );
    }
}

#[tokio::test]
async fn old_notices_go_with_old_notifications() {
    let stage = Stage::set().await;
    stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let manager = stage.scheduled().await;
    let removed = stage.store.remove_member(stage.tenant.id, manager.id);
    removed.await.unwrap();
    let retention = Retention {
        runs: DAY.saturating_mul(90),
        notifications: DAY.saturating_mul(90),
        audit: DAY.saturating_mul(90),
        changes: DAY.saturating_mul(90),
        versions: DAY.saturating_mul(90),
        deliveries: DAY.saturating_mul(90),
        events: DAY.saturating_mul(90),
    };
    for (age, left) in [(89, 1), (91, 0)] {
        let due = stage.come(1).await;
        let stopped = stage.store.stop_schedule(&due, StopReason::SetterLeft);
        assert!(stopped.await.unwrap());
        stage
            .change(&format!(
                "UPDATE tenant_schedules SET stopped_at = NULL, stop_reason = NULL; \
                 UPDATE tenant_notices SET created_at = clock_timestamp() - interval '{age} days'"
            ))
            .await;
        stage.store.prune(&retention, PRUNE_BATCH).await.unwrap();
        let notices = stage.count("SELECT count(*) FROM tenant_notices").await;
        assert_eq!(notices, left, "{age} days");
    }
}
