//! Objects whose hashes an earlier version stored.

use super::*;

/// The app as `app` has it, whose hashes versions before would have stored like those of `former`.
fn reformed(app: Observation, former: &Observation) -> Observation {
    Observation {
        former_content_hash: Some(former.content_hash),
        former_assignments_hash: former.assignments_hash,
        ..app
    }
}

#[tokio::test]
async fn what_a_version_before_stored_of_the_same_object_is_kept_anew_and_is_no_change() {
    let stage = Stage::set().await;
    let former = app(1, &json!({"/id": "ABC", "/a": 1}), &["ABC"]);
    stage.sync(std::slice::from_ref(&former)).await;
    let changed_at = "SELECT extract(epoch FROM changed_at)::bigint FROM inventory_items";
    stage
        .execute("UPDATE inventory_items SET changed_at = 'epoch'")
        .await;
    let now = app(1, &json!({"/id": "abc", "/a": 1}), &["abc"]);
    let claim = stage.begin("{}").await;
    let page = [reformed(now, &former)];
    let effect = stage.store.store_page(&claim.lease, &page).await.unwrap();
    stage.end(claim).await;
    let seen = TypeEffect {
        seen: 1,
        ..TypeEffect::default()
    };
    assert_eq!(effect.effect[&key("mobileApp")], seen);
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Created]);
    assert_eq!(stage.count(changed_at).await, 0);
    let anew = "SELECT count(*) FROM inventory_contents \
        WHERE content->>'/id' = 'abc' AND assignments->0->>'group' = 'abc'";
    assert_eq!(stage.count(anew).await, 1);
    // From now on it stands in the form of today.
    let other = app(1, &json!({"/id": "abc", "/a": 2}), &["abc"]);
    stage.sync(&[reformed(other, &former)]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Changed, ChangeKind::Created]);
}

#[tokio::test]
async fn a_former_hash_hides_no_change() {
    let stage = Stage::set().await;
    stage.sync(&[app(1, &json!({"/a": 1}), &["one"])]).await;
    let former = app(1, &json!({"/a": 2, "/id": "ABC"}), &["TWO"]);
    let now = app(1, &json!({"/a": 2, "/id": "abc"}), &["two"]);
    stage.sync(&[reformed(now, &former)]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(
        kinds(&changes),
        [
            ChangeKind::Reassigned,
            ChangeKind::Changed,
            ChangeKind::Created
        ]
    );
}
