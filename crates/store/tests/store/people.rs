//! Users, tokens and members: who may be removed, and what stays of them.

use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::access::api_token::ApiToken;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::clock::SystemEntropy;
use atlas_domain::ids::{TenantId, UserId};
use atlas_store::{AccessChangeError, NewAuditEvent, Origin, StartRun, TokenLookup};
use atlas_test_support::{Member, Scenario, eventually};
use tokio_postgres::Transaction;

use crate::Stage;

impl Stage {
    async fn lookup(&self, member: &Member) -> TokenLookup {
        let hash = ApiToken::parse(&member.token).unwrap().hash();
        self.store.principal_by_token(&hash).await.unwrap()
    }

    /// How many entries of the audit log there are for an act on a user, by this person.
    async fn audited_by_sam(&self, action: &str, user: UserId) -> i64 {
        self.count(&format!(
            "SELECT count(*) FROM audit_events WHERE action = '{action}' \
             AND target_id = '{user}' AND detail ->> 'by' = 'sam'"
        ))
        .await
    }
}

fn already(result: &Result<(), AccessChangeError>) -> bool {
    matches!(result, Err(AccessChangeError::Already(_)))
}

#[tokio::test]
async fn a_disabled_user_cannot_sign_in_until_enabled_and_both_are_audited_once() {
    let stage = Stage::set().await;
    let store = stage.store.clone().administered_by("sam");
    let user = stage.operator.id;
    assert!(already(&store.enable_user(user).await));
    store.disable_user(user).await.unwrap();
    assert!(already(&store.disable_user(user).await));
    assert_eq!(stage.lookup(&stage.operator).await, TokenLookup::Revoked);
    assert_eq!(stage.audited_by_sam("user.disabled", user).await, 1);
    store.enable_user(user).await.unwrap();
    assert!(matches!(
        stage.lookup(&stage.operator).await,
        TokenLookup::Active(_)
    ));
    assert_eq!(stage.audited_by_sam("user.enabled", user).await, 1);
    let nobody = UserId::mint(&atlas_domain::clock::SystemClock, &SystemEntropy);
    let gone = store.disable_user(nobody).await;
    assert!(matches!(gone, Err(AccessChangeError::UserGone)));
}

#[tokio::test]
async fn operator_rights_are_given_and_withdrawn() {
    let stage = Stage::set().await;
    let store = stage.store.clone().administered_by("sam");
    let user = stage.operator.id;
    assert!(already(&store.set_operator(user, false).await));
    store.set_operator(user, true).await.unwrap();
    assert!(already(&store.set_operator(user, true).await));
    let active = stage.lookup(&stage.operator).await;
    assert!(matches!(active, TokenLookup::Active(who) if who.is_operator));
    store.set_operator(user, false).await.unwrap();
    let active = stage.lookup(&stage.operator).await;
    assert!(matches!(active, TokenLookup::Active(who) if !who.is_operator));
    assert_eq!(stage.audited_by_sam("user.operator_added", user).await, 1);
    assert_eq!(
        stage.audited_by_sam("user.operator_withdrawn", user).await,
        1
    );
}

#[tokio::test]
async fn the_last_owner_of_a_tenant_stays_and_a_disabled_one_does_not_count() {
    let stage = Stage::set().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let first = stage.scenario.member(tenant, Role::Owner).await;
    let last = |result: Result<(), AccessChangeError>| matches!(result, Err(AccessChangeError::LastOwner(names)) if names == ["Contoso"]);
    assert!(last(store.disable_user(first.id).await));
    assert!(last(store.remove_member(tenant, first.id).await));
    let lower = store.set_member(tenant, first.id, Role::Manager).await;
    assert!(last(lower));
    assert!(already(
        &store.set_member(tenant, first.id, Role::Owner).await
    ));
    assert!(last(store.remove_user(first.id).await));
    let erased = store.erase_user(first.id).await.map(|_| ());
    assert!(last(erased));
    let second = stage.scenario.member(tenant, Role::Owner).await;
    store.disable_user(second.id).await.unwrap();
    assert!(last(store.remove_member(tenant, first.id).await));
    store.enable_user(second.id).await.unwrap();
    store.remove_member(tenant, first.id).await.unwrap();
    assert!(last(store.remove_user(second.id).await));
    // A member without that role is no owner.
    store
        .remove_member(tenant, stage.operator.id)
        .await
        .unwrap();
    let gone = store.remove_member(tenant, stage.operator.id).await;
    assert!(matches!(gone, Err(AccessChangeError::NotMember)));
}

#[tokio::test]
async fn of_two_owners_who_are_removed_at_once_one_stays() {
    let stage = Stage::set().await;
    let tenant = stage.tenant.id;
    for round in 0..8 {
        let one = stage.scenario.member(tenant, Role::Owner).await;
        let other = stage.scenario.member(tenant, Role::Owner).await;
        let removing = stage.store.remove_member(tenant, other.id);
        let (left, right) = if round % 2 == 0 {
            tokio::join!(stage.store.remove_member(tenant, one.id), removing)
        } else {
            let lower = stage.store.set_member(tenant, one.id, Role::Readonly);
            tokio::join!(lower, removing)
        };
        assert!(left.is_ok() != right.is_ok(), "{left:?} {right:?}");
        stage
            .execute("DELETE FROM memberships WHERE role = 'owner'")
            .await;
    }
}

#[tokio::test]
async fn all_tokens_of_a_user_are_revoked_and_those_of_others_are_not() {
    let stage = Stage::set().await;
    let store = stage.store.clone().administered_by("sam");
    let other = stage.scenario.stranger().await;
    let further = ApiToken::mint(&SystemEntropy);
    let (hash, last_four) = (further.hash(), further.last_four());
    let id = stage.operator.id;
    let second = store.create_token(id, "second", &hash, &last_four, None);
    second.await.unwrap();
    assert_eq!(store.tokens(Some(id)).await.unwrap().len(), 2);
    assert_eq!(store.tokens(None).await.unwrap().len(), 3);
    assert_eq!(store.revoke_tokens(id).await.unwrap(), 2);
    assert_eq!(store.revoke_tokens(id).await.unwrap(), 0);
    assert_eq!(stage.lookup(&stage.operator).await, TokenLookup::Revoked);
    assert!(matches!(stage.lookup(&other).await, TokenLookup::Active(_)));
    let audited = "SELECT count(*) FROM audit_events WHERE action = 'token.revoked' \
        AND detail ->> 'by' = 'sam'";
    assert_eq!(stage.count(audited).await, 2);
}

#[tokio::test]
async fn a_user_whom_runs_refer_to_is_erased_and_not_removed() {
    let stage = Stage::set().await;
    let store = stage.store.clone().administered_by("sam");
    let user = stage.operator.id;
    let (tenant, body) = (stage.tenant.id, r#"{"policy_types":["mobileApp"]}"#);
    stage.scenario.queued_run(tenant, user, body).await;
    let refused = store.remove_user(user).await;
    assert!(matches!(refused, Err(AccessChangeError::Referred)));
    stage
        .execute(&format!(
            "UPDATE users SET display_name = 'Alex Doe' WHERE id = '{user}'; \
             INSERT INTO audit_events (id, actor_kind, actor_id, action, target_kind, target_id, \
                outcome, address, user_agent) \
             SELECT gen_random_uuid(), 'user', '{user}', 'operation_run.started', 'x', 'x', \
                'allowed', '192.0.2.7', 'curl' FROM generate_series(1, 2500)"
        ))
        .await;
    let kept = "SELECT count(*) FROM audit_events";
    let entries = stage.count(kept).await;
    let pseudonym = store.erase_user(user).await.unwrap().pseudonym;
    assert!(pseudonym.starts_with("erased-user-"), "{pseudonym}");
    assert_eq!(stage.count(kept).await, entries + 2, "nothing was deleted");
    assert_eq!(stage.audited_by_sam("user.erased", user).await, 1);
    for table in ["notifications", "api_tokens", "memberships"] {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{user}'");
        assert_eq!(stage.count(&left).await, 0, "{table}");
    }
    let named = "SELECT count(*) FROM audit_events WHERE num_nonnulls(address, user_agent) > 0";
    assert_eq!(stage.count(named).await, 0);
    let runs = format!(
        "SELECT count(*) FROM operation_runs r JOIN users u ON u.id = r.initiator_id \
         WHERE u.email = '{pseudonym}' AND u.display_name = '{pseudonym}'"
    );
    assert_eq!(stage.count(&runs).await, 1);
    let again = store.erase_user(user).await;
    assert!(matches!(again, Err(AccessChangeError::UserErased)));
    let enabled = store.enable_user(user).await;
    assert!(matches!(enabled, Err(AccessChangeError::UserErased)));
    let users = store.all_users().await.unwrap();
    let listed = users.iter().find(|listed| listed.id == user).unwrap();
    assert!(listed.erased_at.is_some() && listed.tenants == 0 && listed.tokens == 0);
}

#[tokio::test]
async fn a_user_without_runs_is_removed_with_everything() {
    let stage = Stage::set().await;
    let store = stage.store.clone().administered_by("sam");
    let user = stage.operator.id;
    store.remove_user(user).await.unwrap();
    assert_eq!(stage.lookup(&stage.operator).await, TokenLookup::Unknown);
    assert_eq!(stage.audited_by_sam("user.removed", user).await, 1);
    assert!(store.all_users().await.unwrap().is_empty());
    assert!(store.members(stage.tenant.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn erasing_changes_nothing_else_of_an_entry() {
    let stage = Stage::set().await;
    let connection = stage.database.connection().await;
    for change in ["action = 'x', address = NULL", "address = '192.0.2.1'"] {
        let sql = format!(
            "BEGIN; SET LOCAL atlas.erasure = 'on'; UPDATE audit_events SET {change}; COMMIT"
        );
        let refused = connection.batch_execute(&sql).await.unwrap_err();
        let text = refused.as_db_error().unwrap().message().to_owned();
        assert_eq!(text, "audit events are not changed");
        connection.batch_execute("ROLLBACK").await.unwrap();
    }
    let outside = "UPDATE audit_events SET address = NULL";
    assert!(connection.batch_execute(outside).await.is_err());
}

#[tokio::test]
async fn what_changes_nothing_is_refused_and_leaves_no_entry() {
    let stage = Stage::set().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let member = stage.scenario.member(tenant, Role::Manager).await;
    let entries = "SELECT count(*) FROM audit_events";
    let before = stage.count(entries).await;
    let same = store.set_member(tenant, member.id, Role::Manager).await;
    assert!(already(&same), "{same:?}");
    assert_eq!(stage.count(entries).await, before);

    store.disable_user(member.id).await.unwrap();
    let before = stage.count(entries).await;
    let token = ApiToken::mint(&SystemEntropy);
    let create = async || {
        store
            .create_token(
                member.id,
                "useless",
                &token.hash(),
                &token.last_four(),
                None,
            )
            .await
    };
    let refused = create().await;
    assert!(
        matches!(refused, Err(AccessChangeError::Disabled)),
        "{refused:?}"
    );
    store.remove_user(member.id).await.unwrap();
    let refused = create().await;
    assert!(
        matches!(refused, Err(AccessChangeError::UserGone)),
        "{refused:?}"
    );
    assert_eq!(stage.count(entries).await, before + 1, "the removal's");
}

/// Holds the tenant's row, for which a start waits after it has read everything else.
async fn held(connection: &mut tokio_postgres::Client, tenant: TenantId) -> Transaction<'_> {
    let holding = connection.transaction().await.unwrap();
    let hold = format!("SELECT 1 FROM tenants WHERE id = '{tenant}' FOR UPDATE");
    holding.batch_execute(&hold).await.unwrap();
    holding
}

fn start_from_somewhere() -> StartRun {
    let mut start = Scenario::start(r#"{"policy_types":["mobileApp"]}"#);
    start.origin = Origin {
        address: Some("192.0.2.7".to_owned()),
        user_agent: Some("curl".to_owned()),
        request_name: Some("my-button-1234".to_owned()),
    };
    start
}

#[tokio::test]
async fn a_start_that_is_under_way_leaves_nothing_of_the_person_who_is_erased() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let mut connection = stage.database.connection().await;
    let holding = held(&mut connection, tenant).await;
    let started = store.admit(Scenario::permit(tenant, user), start_from_somewhere());
    let erased = async {
        stage.somebody_waits().await;
        let mut erasing = std::pin::pin!(store.erase_user(user));
        let early = tokio::time::timeout(Duration::from_millis(500), &mut erasing).await;
        assert!(early.is_err(), "it waits for the start");
        holding.commit().await.unwrap();
        erasing.await
    };
    let (started, erased) = tokio::join!(started, erased);
    started.unwrap();
    erased.unwrap();
    let named = "SELECT count(*) FROM audit_events WHERE num_nonnulls(address, user_agent) > 0";
    assert_eq!(stage.count(named).await, 0);
    let started = "SELECT count(*) FROM audit_events WHERE action = 'operation_run.started'";
    assert_eq!(stage.count(started).await, 1);
    for table in ["notifications", "api_tokens", "memberships"] {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{user}'");
        assert_eq!(stage.count(&left).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_refusal_that_is_recorded_after_an_erasure_has_no_address() {
    let stage = Stage::set().await;
    let (store, user) = (&stage.store, stage.operator.id);
    store.erase_user(user).await.unwrap();
    let denied = NewAuditEvent {
        tenant: Some(stage.tenant.id),
        actor_kind: ActorKind::User,
        actor: Some(user.into_uuid()),
        action: AuditAction::RunStartDenied,
        target_kind: "tenant",
        target_id: stage.tenant.id.to_string(),
        outcome: AuditOutcome::Denied,
        request_id: None,
        origin: start_from_somewhere().origin,
        detail: None,
    };
    store.record_audit(denied).await.unwrap();
    let named = "SELECT count(*) FROM audit_events WHERE num_nonnulls(address, user_agent) > 0";
    assert_eq!(stage.count(named).await, 0);
}

#[tokio::test]
async fn an_owner_who_is_enabled_while_erased_leaves_no_tenant_without_an_owner() {
    let stage = Stage::set().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let one = stage.scenario.member(tenant, Role::Owner).await;
    let other = stage.scenario.member(tenant, Role::Owner).await;
    let mut connection = stage.database.connection().await;
    // The erasure waits for whoever writes to the log.
    let writing = connection.transaction().await.unwrap();
    let nothing = "DELETE FROM notifications WHERE id IS NULL";
    writing.batch_execute(nothing).await.unwrap();
    let disabled = format!(
        "SELECT count(*) FROM users WHERE id = '{}' AND disabled_at IS NOT NULL",
        one.id
    );
    let enabled = async {
        eventually("the first step", || async {
            (stage.count(&disabled).await > 0).then_some(())
        })
        .await;
        store.enable_user(one.id).await.unwrap();
        let refused = store.remove_member(tenant, other.id).await;
        writing.commit().await.unwrap();
        refused
    };
    let (erased, refused) = tokio::join!(store.erase_user(one.id), enabled);
    assert!(
        matches!(refused, Err(AccessChangeError::LastOwner(_))),
        "{refused:?}"
    );
    erased.unwrap();
    let owners = "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.role = 'owner' AND u.disabled_at IS NULL";
    assert_eq!(stage.count(owners).await, 1);
}
