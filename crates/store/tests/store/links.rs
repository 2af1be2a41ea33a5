//! What is kept of links.

mod dangling;

use std::collections::BTreeMap;

use atlas_domain::ids::LinkId;
use atlas_domain::inventory::Observation;
use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_store::{ItemFilter, ItemView, LinkDirection, LinkFilter, LinkView, PageRequest};

use crate::Stage;
use crate::both_ways::both_ways;
use crate::inventory::{key, observation};

fn link(kind: LinkKind, target: TargetKind, id: &str) -> Link {
    Link {
        kind,
        target: LinkTarget {
            kind: target,
            id: id.to_owned(),
        },
        qualifier: BTreeMap::new(),
    }
}

fn assigned(group: &str, intent: &str) -> Link {
    let qualifier = [("intent".to_owned(), intent.to_owned())].into();
    Link {
        qualifier,
        ..link(LinkKind::AssignedTo, TargetKind::Group, group)
    }
}

fn scoped(tag: &str) -> Link {
    link(LinkKind::ScopedBy, TargetKind::RoleScopeTag, tag)
}

fn depends(app: &str) -> Link {
    link(LinkKind::DependsOnApp, TargetKind::MobileApp, app)
}

fn app(id: usize, sets: &[(LinkSource, &[Link])]) -> Observation {
    Observation {
        links: sets
            .iter()
            .map(|(source, links)| LinkSet::new(*source, links.to_vec()))
            .collect(),
        ..observation("mobileApp", id, 1)
    }
}

impl Stage {
    /// A sync that sees these objects; lists of these types are read to their end.
    async fn sync_links(&self, page: &[Observation], complete: &[&str]) {
        let claim = self.begin("{}").await;
        let lease = &claim.lease;
        let keys: Vec<_> = complete.iter().map(|word| key(word)).collect();
        self.store.store_page(lease, page).await.unwrap();
        self.store.mark_missing(lease, &keys).await.unwrap();
        self.store.read_to_end(lease, &keys).await.unwrap();
        self.store.find_dangling(lease, &[]).await.unwrap();
        self.end(claim).await;
    }

    async fn links(&self, filter: &LinkFilter) -> Vec<LinkView> {
        let list = |page| self.store.links(self.tenant.id, filter, page);
        both_ways(3, list, |link| (link.target.clone(), link.id)).await
    }

    async fn item_of(&self, external_id: &str) -> ItemView {
        let every = ItemFilter::default();
        let items = self
            .store
            .items(self.tenant.id, &every, PageRequest::first(100));
        let mut items = items.await.unwrap().into_iter();
        items.find(|item| item.external_id == external_id).unwrap()
    }

    async fn of_item(&self, external_id: &str, direction: LinkDirection) -> Vec<LinkView> {
        let item = self.item_of(external_id).await;
        let (store, tenant) = (&self.store, self.tenant.id);
        let list = |page| store.item_links(tenant, &item, direction, page);
        both_ways(2, list, |link| link.id).await
    }
}

/// What each link says, in order, with the id of its row.
fn ids_by_link(links: &[LinkView]) -> BTreeMap<String, LinkId> {
    links
        .iter()
        .map(|link| {
            let target = format!("{}/{}", link.target.kind, link.target.id);
            let text = format!(
                "{} {} {target} {}",
                link.item.external_id, link.kind, link.qualifier
            );
            (text, link.id)
        })
        .collect()
}

#[tokio::test]
async fn a_set_replaces_the_links_of_its_source_and_leaves_unchanged_links_and_other_sources_alone()
{
    use LinkSource::{Assignments, Object, Related};
    let stage = Stage::set().await;
    let first = [
        (Object, &[scoped("0"), scoped("1")][..]),
        (
            Assignments,
            &[assigned("a", "required"), assigned("b", "required")],
        ),
        (Related, &[depends("id-9")]),
    ];
    stage.sync_links(&[app(1, &first)], &[]).await;
    let before = ids_by_link(&stage.links(&LinkFilter::default()).await);
    assert_eq!(before.len(), 5);

    // The same again writes nothing; the order of what is reported means nothing.
    let turned = [
        (Object, &[scoped("1"), scoped("0")][..]),
        first[1],
        first[2],
    ];
    stage.sync_links(&[app(1, &turned)], &[]).await;
    assert_eq!(
        ids_by_link(&stage.links(&LinkFilter::default()).await),
        before
    );

    let second = [
        (Object, &[scoped("1")][..]),
        (
            Assignments,
            &[assigned("a", "required"), assigned("b", "available")],
        ),
    ];
    stage.sync_links(&[app(1, &second)], &[]).await;
    let after = ids_by_link(&stage.links(&LinkFilter::default()).await);
    let words: Vec<&str> = after.keys().map(String::as_str).collect();
    let expected = [
        r#"id-1 assigned_to group/a {"intent":"required"}"#,
        r#"id-1 assigned_to group/b {"intent":"available"}"#,
        "id-1 depends_on_app mobile_app/id-9 {}",
        "id-1 scoped_by role_scope_tag/1 {}",
    ];
    assert_eq!(words, expected);
    for (text, id) in &after {
        if let Some(old) = before.get(text) {
            assert_eq!(old, id, "{text} was written anew");
        }
    }
    // A set that is reported as empty takes its links away; no set leaves them.
    stage
        .sync_links(&[app(1, &[(Assignments, &[])])], &[])
        .await;
    assert_eq!(stage.links(&LinkFilter::default()).await.len(), 2);
    stage.sync_links(&[app(1, &[])], &[]).await;
    assert_eq!(stage.links(&LinkFilter::default()).await.len(), 2);
}

#[tokio::test]
async fn links_of_what_is_gone_go_with_it_and_come_back_with_it() {
    let stage = Stage::set().await;
    let sets = [(LinkSource::Object, &[scoped("0")][..])];
    let both = [app(1, &sets), app(2, &sets)];
    stage.sync_links(&both, &["mobileApp"]).await;
    stage.sync_links(&both[..1], &["mobileApp"]).await;
    assert_eq!(stage.links(&LinkFilter::default()).await.len(), 1);
    stage.sync_links(&both, &["mobileApp"]).await;
    assert_eq!(stage.links(&LinkFilter::default()).await.len(), 2);
}

#[tokio::test]
async fn a_worker_that_was_replaced_writes_no_link_and_no_mark() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    stage
        .execute("UPDATE tenant_fences SET fence = fence + 1")
        .await;
    let page = [app(1, &[(LinkSource::Object, &[scoped("0")])])];
    assert!(stage.store.store_page(&claim.lease, &page).await.is_err());
    assert!(stage.store.find_dangling(&claim.lease, &[]).await.is_err());
    assert!(stage.links(&LinkFilter::default()).await.is_empty());
    assert_eq!(
        stage.count("SELECT count(*) FROM inventory_changes").await,
        0
    );
}

#[tokio::test]
async fn links_are_found_by_every_filter_with_the_names_of_both_ends() {
    let stage = Stage::set().await;
    let sets = |n: usize| {
        vec![
            scoped(&format!("id-{}", n % 3)),
            assigned(&format!("g{}", n % 2), "required"),
            link(LinkKind::ExcludedFrom, TargetKind::Group, "g1"),
        ]
    };
    let mut page: Vec<_> = (0..7)
        .map(|n| app(n, &[(LinkSource::Object, &sets(n))]))
        .collect();
    page.push(observation("roleScopeTag", 1, 1));
    stage
        .sync_links(&page, &["roleScopeTag", "mobileApp"])
        .await;
    let all = stage.links(&LinkFilter::default()).await;
    assert_eq!(all.len(), 21);
    let tag = all.iter().find(|link| link.target.id == "id-1").unwrap();
    let end = tag.target_item.as_ref().unwrap();
    assert_eq!(
        (end.name.as_str(), end.policy_type.as_str()),
        ("Policy 1", "roleScopeTag")
    );
    assert!(tag.item.name.starts_with("Policy") && !tag.dangling);

    let (group, tags) = (Some(TargetKind::Group), Some(TargetKind::RoleScopeTag));
    let kinds = [None, Some(LinkKind::AssignedTo), Some(LinkKind::ScopedBy)];
    let targets = [
        (None, None),
        (group, None),
        (group, Some("g1")),
        (tags, Some("id-2")),
    ];
    for kind in kinds {
        for (target_kind, target_id) in targets {
            for dangling in [None, Some(true), Some(false)] {
                let filter = LinkFilter {
                    kind,
                    target_kind,
                    target_id: target_id.map(str::to_owned),
                    dangling,
                };
                let asked = |link: &&LinkView| {
                    kind.is_none_or(|kind| link.kind == kind)
                        && target_kind.is_none_or(|kind| link.target.kind == kind)
                        && target_id.is_none_or(|id| link.target.id == id)
                        && dangling.is_none_or(|dangling| link.dangling == dangling)
                };
                let ids = |links: Vec<&LinkView>| -> Vec<LinkId> {
                    links.into_iter().map(|link| link.id).collect()
                };
                let found = stage.links(&filter).await;
                let expected = ids(all.iter().filter(asked).collect());
                assert_eq!(ids(found.iter().collect()), expected, "{filter:?}");
            }
        }
    }
    let stranger = stage.scenario.tenant("Fabrikam").await;
    let foreign = stage
        .store
        .links(stranger.id, &LinkFilter::default(), PageRequest::first(9))
        .await;
    assert!(foreign.unwrap().is_empty());
}

#[tokio::test]
async fn an_item_shows_what_it_leans_on_and_what_leans_on_it() {
    let stage = Stage::set().await;
    let one = [depends("id-2"), depends("id-1"), scoped("id-2")];
    let page = [
        app(1, &[(LinkSource::Object, &one)]),
        app(
            2,
            &[(LinkSource::Related, &[depends("id-1"), depends("id-3")])],
        ),
        app(3, &[]),
    ];
    stage.sync_links(&page, &["mobileApp"]).await;
    let count = async |direction| ids_by_link(&stage.of_item("id-1", direction).await).len();
    assert_eq!(count(LinkDirection::Out).await, 3);
    assert_eq!(count(LinkDirection::In).await, 2, "its own link among them");
    assert_eq!(count(LinkDirection::Both).await, 4, "its own link once");
    let of_two = stage.of_item("id-2", LinkDirection::In).await;
    assert_eq!(
        of_two.len(),
        1,
        "a scope tag with the same id is something else"
    );
    assert_eq!(of_two[0].item.external_id, "id-1");
}
