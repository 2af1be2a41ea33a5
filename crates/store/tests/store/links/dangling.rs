//! Which links dangle.

use super::*;

#[tokio::test]
async fn a_target_dangles_when_all_its_types_were_read_and_it_is_not_there() {
    let stage = Stage::set().await;
    let sets = [(
        LinkSource::Object,
        &[
            scoped("id-7"),
            scoped("id-8"),
            assigned("nobody", "required"),
            link(LinkKind::Contains, TargetKind::CompliancePolicy, "lost"),
        ][..],
    )];
    let page = [app(1, &sets), observation("roleScopeTag", 7, 1)];
    let dangling = async |asked: bool| -> Vec<String> {
        let filter = LinkFilter {
            dangling: Some(asked),
            ..LinkFilter::default()
        };
        let links = stage.links(&filter).await;
        assert!(links.iter().all(|link| link.dangling == asked));
        links.into_iter().map(|link| link.target.id).collect()
    };
    stage.sync_links(&page, &["mobileApp"]).await;
    assert!(
        dangling(true).await.is_empty(),
        "tags were not read to their end"
    );
    stage
        .sync_links(&page, &["roleScopeTag", "deviceCompliancePolicy"])
        .await;
    assert_eq!(
        dangling(true).await,
        ["id-8"],
        "compliance policies have a second type"
    );
    assert_eq!(dangling(false).await, ["lost", "nobody", "id-7"]);
    stage.sync_links(&page, &["compliancePolicyV2"]).await;
    assert_eq!(dangling(true).await, ["lost", "id-8"]);

    // What has come is seen at once, what has gone at the end of the sync.
    let claim = stage.begin("{}").await;
    let tag = [observation("roleScopeTag", 8, 1)];
    stage.store.store_page(&claim.lease, &tag).await.unwrap();
    assert_eq!(dangling(true).await, ["lost"]);
    stage.end(claim).await;
    stage.sync_links(&page[..1], &["roleScopeTag"]).await;
    assert_eq!(dangling(true).await, ["lost", "id-7", "id-8"]);
    stage.sync_links(&page, &["roleScopeTag"]).await;
    assert_eq!(dangling(true).await, ["lost", "id-8"]);
    let stored = "SELECT count(*) FROM inventory_links WHERE dangling";
    assert_eq!(stage.count(stored).await, 2);
}

#[tokio::test]
async fn a_target_that_was_left_out_of_its_list_does_not_dangle_until_the_list_is_without_it() {
    let stage = Stage::set().await;
    let sets = [(
        LinkSource::Object,
        &[depends("supplied"), depends("lost"), scoped("id-7")][..],
    )];
    let page = [app(1, &sets)];
    let dangling = async || -> Vec<String> {
        let filter = LinkFilter {
            target_kind: Some(TargetKind::MobileApp),
            dangling: Some(true),
            ..LinkFilter::default()
        };
        let links = stage.links(&filter).await.into_iter();
        links.map(|link| link.target.id).collect()
    };
    let apps = [key("mobileApp")];
    let note = async |ids: &[&str], whole: bool| {
        let claim = stage.begin("{}").await;
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let left_out = BTreeMap::from([(apps[0], ids)]);
        let noted = stage
            .store
            .note_left_out(&claim.lease, &apps, &left_out, whole);
        noted.await.unwrap();
        stage.end(claim).await;
    };
    stage.sync_links(&page, &["mobileApp"]).await;
    assert_eq!(dangling().await, ["lost", "supplied"]);

    // A database that was upgraded finds out with the next list.
    note(&["supplied", "supplied", "other"], true).await;
    stage.sync_links(&page, &["mobileApp"]).await;
    assert_eq!(dangling().await, ["lost"]);
    note(&["supplied", "more"], true).await;
    stage.sync_links(&page, &["roleScopeTag"]).await;
    assert_eq!(dangling().await, ["lost"], "apps were not selected");

    note(&[], false).await;
    stage.sync_links(&page, &["mobileApp"]).await;
    assert_eq!(
        dangling().await,
        ["lost"],
        "the list was not read to its end"
    );
    let noted = "SELECT count(*) FROM inventory_left_out";
    assert_eq!(stage.count(noted).await, 2);

    note(&["more"], true).await;
    stage.sync_links(&page, &["mobileApp"]).await;
    assert_eq!(dangling().await, ["lost", "supplied"]);
}

#[tokio::test]
async fn a_worker_that_was_replaced_notes_nothing_as_left_out() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let lease = claim.lease.clone();
    stage.end(claim).await;
    let apps = [key("mobileApp")];
    let left_out = BTreeMap::from([(apps[0], vec!["supplied".to_owned()])]);
    let noted = stage.store.note_left_out(&lease, &apps, &left_out, true);
    assert!(noted.await.is_err());
    let noted = "SELECT count(*) FROM inventory_left_out";
    assert_eq!(stage.count(noted).await, 0);
}
