//! Finding items by a part of their names, among more of them than a search looks at one by one.

use atlas_store::ItemFilter;
use uuid::Uuid;

use crate::Stage;
use crate::both_ways::both_ways;

const NAMES: &str = "SELECT n, 'Policy ' || lpad(n::text, 4, '0')
        || CASE WHEN n % 2 = 0 THEN ' even' ELSE '' END
        || CASE WHEN n > 3500 THEN ' behind' ELSE '' END
        || CASE WHEN n > 4900 THEN ' late' ELSE '' END
        || CASE WHEN n = 4321 THEN ' éèê' ELSE '' END AS name
    FROM generate_series(1, 5000) n";

impl Stage {
    /// The names of the items that a search finds, page by page.
    async fn search(&self, filter: &ItemFilter) -> Vec<String> {
        let (store, tenant) = (&self.store, self.tenant.id);
        let list = |page| store.items(tenant, filter, page);
        let items = both_ways(40, list, |item| (item.name.clone(), item.id)).await;
        items.into_iter().map(|item| item.name).collect()
    }
}

#[tokio::test]
async fn a_search_finds_the_same_whichever_way_it_takes() {
    let stage = Stage::set().await;
    let tenant: Uuid = stage.tenant.id.into_uuid();
    stage
        .execute(&format!(
            "INSERT INTO inventory_items (id, tenant_id, policy_type, external_id, name, category,
                platform, foundation, scope_tags, metadata, content_hash, first_seen_at,
                last_seen_at, changed_at, fence, last_seen_run)
            SELECT md5(n::text)::uuid, '{tenant}', 'mobileApp', n::text, name, 'Apps',
                CASE WHEN n % 500 = 0 THEN 'iOS' ELSE 'windows' END, false, '{{}}', '{{}}', sha256(''),
                now(), now(), now(), 1, md5(n::text)::uuid
            FROM ({NAMES}) named;
            ANALYZE inventory_items"
        ))
        .await;
    let names = stage.database.connection().await;
    let names = names.query(NAMES, &[]).await.unwrap();
    let names: Vec<(i32, String)> = names.iter().map(|row| (row.get(0), row.get(1))).collect();
    for (text, platform, count) in [
        ("even", None, 2500),
        ("behind", None, 1500),
        ("late", None, 100),
        ("4321", None, 1),
        ("éèê", None, 1),
        ("absent", None, 0),
        ("even", Some("iOS"), 10),
        ("behind", Some("iOS"), 3),
        ("late", Some("linux"), 0),
    ] {
        let filter = ItemFilter {
            q: Some(text.to_uppercase().replace("ÉÈÊ", "éèê")),
            platform: platform.map(str::to_owned),
            ..ItemFilter::default()
        };
        let expected = names.iter().filter(|(n, name)| {
            let is_ios = n % 500 == 0;
            name.contains(text) && platform.is_none_or(|platform| platform == "iOS" && is_ios)
        });
        let expected: Vec<String> = expected.map(|(_, name)| name.clone()).collect();
        assert_eq!(expected.len(), count, "{text}");
        assert_eq!(
            stage.search(&filter).await,
            expected,
            "{text}, {platform:?}"
        );
    }
}
