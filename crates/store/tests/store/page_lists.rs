//! Lists that tables page through, forward and back, in pages of any size.

use atlas_domain::access::Role;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{GroupId, TenantId};
use atlas_store::{AuditFilter, GroupFilter, NewAuditEvent, NotificationFilter, Origin};
use uuid::Uuid;

use crate::Stage;
use crate::both_ways::both_ways;

impl Stage {
    /// Tenants, some with the same name, of the operator; returns their number.
    async fn tenants(&self) -> usize {
        for name in ["Adatum", "Fabrikam", "Fabrikam", "Wingtip", "adatum"] {
            let tenant = self.scenario.tenant(name).await.id;
            let set = self.store.set_member(tenant, self.operator.id, Role::Owner);
            set.await.unwrap();
        }
        6
    }
}

#[tokio::test]
async fn tenants_and_members_are_listed_both_ways() {
    let stage = Stage::set().await;
    let count = stage.tenants().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    for _ in 0..4 {
        stage.scenario.member(tenant, Role::Readonly).await;
    }
    for limit in 1..=4 {
        let mut names = Vec::new();
        for descending in [false, true] {
            let list = |page| store.tenants_of(stage.operator.id, descending, page);
            let tenants = both_ways(limit, list, |row| (row.name.clone(), row.id)).await;
            assert_eq!(tenants.len(), count);
            names.push(tenants.into_iter().map(|row| row.id).collect::<Vec<_>>());
        }
        names[1].reverse();
        assert_eq!(names[0], names[1]);
        let list = |page| store.member_page(tenant, page);
        let members = both_ways(limit, list, |row| (row.display_name.clone(), row.id)).await;
        assert_eq!(members.len(), 5);
    }
}

#[tokio::test]
async fn notifications_of_runs_and_of_tenants_are_listed_together_both_ways() {
    let stage = Stage::set().await;
    let (user, tenant) = (stage.operator.id, stage.tenant.id);
    // Some at the same moment, of either table.
    let run = stage.scenario.queued_run(tenant, user, "{}").await;
    stage
        .execute(&format!(
            "INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body, created_at)
            VALUES (md5('run')::uuid, '{user}', '{tenant}', '{run}', 'terminal', 'x', 'x',
                now() - interval '1 minute');
            INSERT INTO tenant_notices (id, user_id, tenant_id, kind, title, body, created_at)
            SELECT md5('notice ' || n)::uuid, '{user}', '{tenant}', 'schedule_stopped', 'x', 'x',
                now() - n / 2 * interval '1 minute'
            FROM generate_series(0, 6) n"
        ))
        .await;
    let every = NotificationFilter::default();
    for limit in 1..=4 {
        let list = |page| stage.store.notifications(user, &every, page);
        let rows = both_ways(limit, list, |row| (row.created_at, row.id)).await;
        assert_eq!(rows.len(), 9);
        assert!(
            rows.is_sorted_by_key(|row| std::cmp::Reverse((row.created_at, row.id.into_uuid())))
        );
    }
}

#[tokio::test]
async fn the_audit_log_is_listed_both_ways() {
    let stage = Stage::set().await;
    let record = async |tenant: TenantId, action| {
        let event = NewAuditEvent {
            tenant: Some(tenant),
            actor_kind: ActorKind::User,
            actor: Some(stage.operator.id.into_uuid()),
            action,
            target_kind: "tenant",
            target_id: tenant.to_string(),
            outcome: AuditOutcome::Allowed,
            request_id: None,
            origin: Origin::default(),
            detail: None,
        };
        stage.store.record_audit(event).await.unwrap();
    };
    for _ in 0..5 {
        record(stage.tenant.id, AuditAction::RunStarted).await;
        record(stage.tenant.id, AuditAction::RunCancelRequested).await;
    }
    let started = AuditFilter {
        action: vec![AuditAction::RunStarted],
        ..AuditFilter::default()
    };
    for limit in 1..=4 {
        let list = |page| stage.store.audit_events(stage.tenant.id, &started, page);
        let rows = both_ways(limit, list, |row| (row.occurred_at, row.id)).await;
        assert_eq!(rows.len(), 5);
    }
}

#[tokio::test]
async fn groups_are_listed_both_ways_over_all_ways_to_be_found() {
    let stage = Stage::set().await;
    let tenant = stage.tenant.id;
    let names = [
        "Sales Berlin",
        "Sales Oslo",
        "Sales",
        "Presales",
        "The Sales",
        "Wholesales",
        "Salse",
        "Sale",
        "Marketing",
    ];
    for (n, name) in names.into_iter().enumerate() {
        let id = GroupId::from_uuid(Uuid::from_u128(n as u128 + 1));
        stage
            .execute(&format!(
                "INSERT INTO directory_groups (tenant_id, id, detail, fence)
                VALUES ('{tenant}', '{id}', jsonb_build_object('name', '{name}', 'name_key',
                    lower('{name}')), 1)"
            ))
            .await;
    }
    let searched = |q: Option<&str>| GroupFilter {
        q: q.map(str::to_owned),
        ..GroupFilter::default()
    };
    for limit in 1..=4 {
        for (filter, least) in [(searched(None), 9), (searched(Some("sales")), 7)] {
            let list = |page| stage.store.groups(tenant, &filter, page);
            let groups = both_ways(limit, list, |group| (group.place.clone(), group.id)).await;
            assert!(groups.len() >= least, "{groups:?}");
        }
    }
}
