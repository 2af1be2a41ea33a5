//! Lists that are read page by page to their end, and back.

use atlas_domain::access::Role;
use serde_json::Value;

use crate::directory_groups::named;
use crate::harness::{Reply, Stage, observation};

impl Stage {
    /// The page that the answer names, by its body and by its header alike.
    async fn beside(
        &self,
        page: &Reply,
        path: &str,
        member: &str,
        relation: &str,
    ) -> Option<Reply> {
        let cursor = page.body.get(member);
        let links = page.headers.get_all("link").iter();
        let links = links.flat_map(|link| link.to_str().unwrap().split(", "));
        let end = format!(">; rel=\"{relation}\"");
        let mut addresses =
            links.filter_map(|link| link.strip_suffix(end.as_str())?.strip_prefix('<'));
        let address = addresses.next();
        let expected = cursor.map(|cursor| {
            let sign = if path.contains('?') { '&' } else { '?' };
            format!(
                "{}{path}{sign}cursor={}",
                self.api.base,
                cursor.as_str().unwrap()
            )
        });
        assert_eq!(address.map(str::to_owned), expected, "{path}");
        Some(self.get(address?.strip_prefix(&self.api.base)?).await)
    }

    /// The pages of a list, forward. Going back from the last one gives the same.
    async fn both_ways(&self, path: &str) -> Vec<Value> {
        let mut pages = vec![self.get(path).await];
        let next = async |page: &Reply| self.beside(page, path, "next_cursor", "next").await;
        while let Some(page) = next(&pages[pages.len() - 1]).await {
            pages.push(page);
        }
        let rows = |page: &Reply| page.items().to_vec();
        for page in (1..pages.len()).rev() {
            let before = self.beside(&pages[page], path, "previous_cursor", "prev");
            let before = before.await.unwrap();
            assert_eq!(before.items(), pages[page - 1].items(), "{path}");
            // From there it goes on as it did.
            let again = next(&before).await.unwrap();
            assert_eq!(again.items(), pages[page].items(), "{path}");
            let is_first = before.body.get("previous_cursor").is_none();
            assert_eq!(is_first, page == 1, "{path}");
        }
        assert!(pages[0].body.get("previous_cursor").is_none());
        pages.iter().flat_map(rows).collect()
    }
}

#[tokio::test]
async fn every_list_is_read_forward_and_back() {
    let stage =
        Stage::set_with(|options| options.requests_per_minute = 60_000.try_into().unwrap()).await;
    let page: Vec<_> = (0..7).map(observation).collect();
    let run = stage.synced_page(&page).await;
    stage.synced_page(&page[..4]).await;
    stage.synced_page(&page).await;
    // Of these, "marketing" begins two, is within one, and is like one.
    let groups = [
        "Marketing",
        "Marketing Oslo",
        "Field Marketing",
        "Merketing",
        "Other",
    ];
    let groups: Vec<_> = (0..).zip(groups).map(|(n, name)| named(n, name)).collect();
    stage.sync_groups(&groups).await;
    for name in ["Adatum", "Fabrikam", "Fabrikam"] {
        let tenant = stage.scenario.tenant(name).await.id;
        let set = stage
            .store
            .set_member(tenant, stage.operator.id, Role::Readonly);
        set.await.unwrap();
        stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    }
    let items = stage.get(&stage.path("inventory-items?q=App")).await;
    let item = items.items()[0]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let lists = [
        ("/operation-runs".to_owned(), 4),
        ("/operation-runs?kind=inventory_sync".to_owned(), 3),
        (
            format!("/operation-runs/{run}/results?status=pending&status=succeeded"),
            1,
        ),
        ("/tenants".to_owned(), 4),
        ("/me/notifications".to_owned(), 8),
        ("/me/notifications?unread=true".to_owned(), 8),
        (stage.path("members"), 4),
        (stage.path("audit-events"), 0),
        (stage.path("inventory-items"), 7),
        (stage.path("inventory-items?missing=false"), 7),
        (stage.path("inventory-changes"), 13),
        (stage.path("inventory-changes?sort=occurred_at"), 13),
        (stage.path("inventory-changes?kind=created&kind=gone"), 10),
        (stage.path("inventory-sync-runs"), 3),
        (stage.path("inventory-links"), 0),
        (stage.path(&format!("inventory-items/{item}/versions")), 1),
        (stage.path(&format!("inventory-items/{item}/links")), 0),
        ("/operation-runs?sort=created_at".to_owned(), 4),
        ("/tenants?sort=-name".to_owned(), 4),
        (stage.path("inventory-items?sort=-name"), 7),
        (stage.path("directory-groups"), 5),
        (stage.path("directory-groups?q=marketing"), 4),
    ];
    for (path, least) in lists {
        let sign = if path.contains('?') { '&' } else { '?' };
        let whole = stage.get(&format!("{path}{sign}limit=200")).await;
        assert!(whole.items().len() >= least, "{path}: {:?}", whole.body);
        for limit in [1, 2, 3] {
            let rows = stage.both_ways(&format!("{path}{sign}limit={limit}")).await;
            assert_eq!(rows, whole.items(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_page_before_a_row_that_is_gone_goes_on_from_there() {
    let stage = Stage::set().await;
    for name in ["Adatum", "Fabrikam", "Wingtip"] {
        let tenant = stage.scenario.tenant(name).await.id;
        let set = stage
            .store
            .set_member(tenant, stage.operator.id, Role::Readonly);
        set.await.unwrap();
    }
    let whole = stage.get("/tenants").await;
    let (path, next) = ("/tenants?limit=3", "next_cursor");
    let first = stage.get(path).await;
    let last = stage.beside(&first, path, next, "next").await.unwrap();
    let gone = last.items()[0]["id"].as_str().unwrap().parse().unwrap();
    stage
        .store
        .remove_member(gone, stage.operator.id)
        .await
        .unwrap();
    let before = stage
        .beside(&last, "/tenants?limit=3", "previous_cursor", "prev")
        .await;
    let before = before.unwrap();
    assert_eq!(before.items(), &whole.items()[..3]);
    assert!(before.body.get("previous_cursor").is_none());
}
