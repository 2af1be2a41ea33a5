//! Notifications of a user.

use atlas_domain::access::Role;
use atlas_domain::ids::NotificationId;
use atlas_domain::run::Completion;
use atlas_store::{NotificationFilter, PageRequest};

use crate::{Stage, terms};

#[tokio::test]
async fn reading_up_to_a_notification_leaves_later_and_foreign_ones_unread() {
    let stage = Stage::set().await;
    let user = stage.operator.id;
    for types in ["mobileApp", "policySet", "roleDefinition"] {
        let body = format!(r#"{{"policy_types":["{types}"]}}"#);
        stage
            .scenario
            .queued_run(stage.tenant.id, user, &body)
            .await;
    }
    let store = &stage.store;
    assert_eq!(store.unread_count(user, 100).await.unwrap(), 3);
    assert_eq!(store.unread_count(user, 2).await.unwrap(), 2, "capped");
    let list = store
        .notifications(
            user,
            &NotificationFilter::unread(true),
            PageRequest::first(10),
        )
        .await
        .unwrap();
    let middle: NotificationId = list[1].id;
    let stranger = stage.scenario.stranger().await;
    assert_eq!(
        store.mark_read_up_to(stranger.id, middle).await.unwrap(),
        None
    );
    assert!(!store.mark_read(stranger.id, middle).await.unwrap());
    assert_eq!(store.mark_read_up_to(user, middle).await.unwrap(), Some(2));
    let unread = store
        .notifications(
            user,
            &NotificationFilter::unread(true),
            PageRequest::first(10),
        )
        .await
        .unwrap();
    assert_eq!(
        unread.iter().map(|n| n.id).collect::<Vec<_>>(),
        [list[0].id]
    );
    assert!(
        store.mark_read(user, middle).await.unwrap(),
        "marking twice is no error"
    );
}

#[tokio::test]
async fn who_left_a_tenant_gets_no_new_notifications_and_does_not_see_the_old_ones() {
    let stage = Stage::set().await;
    let (store, user, tenant) = (&stage.store, stage.operator.id, stage.tenant.id);
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    let set = store.set_member(elsewhere.id, user, Role::Operator);
    set.await.unwrap();
    let running = r#"{"policy_types":["mobileApp"]}"#;
    stage.scenario.queued_run(tenant, user, running).await;
    let claim = store.claim_next(&terms("one")).await.unwrap().unwrap();
    stage.scenario.queued_run(elsewhere.id, user, running).await;
    let list = async || {
        let page = PageRequest::first(10);
        store
            .notifications(user, &NotificationFilter::unread(false), page)
            .await
            .unwrap()
    };
    let before = list().await;
    assert_eq!(before.len(), 2);
    let old = before[1].id;
    store.remove_member(tenant, user).await.unwrap();

    let completion = Completion::of_results(&[]);
    store.finish(claim, &completion, None).await.unwrap();
    let shown = list().await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].tenant_id, elsewhere.id);
    assert_eq!(store.unread_count(user, 100).await.unwrap(), 1);
    assert!(!store.mark_read(user, old).await.unwrap());
    assert_eq!(store.mark_read_up_to(user, old).await.unwrap(), None);
    let newest = shown[0].id;
    assert_eq!(store.mark_read_up_to(user, newest).await.unwrap(), Some(1));
    let terminal = "SELECT count(*) FROM notifications WHERE phase = 'terminal'";
    assert_eq!(stage.count(terminal).await, 0, "the run ended without");

    let back = store.set_member(tenant, user, Role::Readonly);
    back.await.unwrap();
    assert_eq!(list().await.len(), 2, "what was kept is shown again");
}
