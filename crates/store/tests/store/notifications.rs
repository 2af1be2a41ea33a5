//! Notifications of a user.

use atlas_domain::ids::NotificationId;
use atlas_store::PageRequest;

use crate::Stage;

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
        .notifications(user, true, PageRequest::first(10))
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
        .notifications(user, true, PageRequest::first(10))
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
