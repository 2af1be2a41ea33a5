//! Lists of changes, and how long changes are kept.

use super::*;
use crate::both_ways::both_ways;

#[tokio::test]
async fn changes_are_found_by_every_filter_in_pages_without_gap_or_repetition() {
    let stage = Stage::set().await;
    let sync = async |page: &[Observation]| {
        let claim = stage.begin("{}").await;
        stage.store.store_page(&claim.lease, page).await.unwrap();
        let keys = [key("mobileApp"), key("policySet")];
        stage.store.mark_missing(&claim.lease, &keys).await.unwrap();
        stage.end(claim).await;
    };
    let page: Vec<_> = (0..12)
        .map(|id| {
            observation(
                if id % 3 == 0 {
                    "policySet"
                } else {
                    "mobileApp"
                },
                id,
                1,
            )
        })
        .collect();
    sync(&page).await;
    sync(&page[4..]).await;
    let mut other = page.clone();
    other[1].content_hash = [9; 32];
    sync(&other).await;

    let all = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(all.len(), 12 + 4 + 4 + 1);
    assert!(all.is_sorted_by(|a, b| (a.occurred_at, a.id) > (b.occurred_at, b.id)));
    let item: ItemId = all
        .iter()
        .find(|c| c.kind == ChangeKind::Changed)
        .unwrap()
        .item
        .id;
    let since = all[8].occurred_at;
    let filters = [
        ChangeFilter {
            since: Some(since),
            ..ChangeFilter::default()
        },
        ChangeFilter {
            item: Some(item),
            ..ChangeFilter::default()
        },
        ChangeFilter {
            kinds: vec![ChangeKind::Gone, ChangeKind::Back],
            ..ChangeFilter::default()
        },
        ChangeFilter {
            policy_types: vec!["policySet".to_owned()],
            ..ChangeFilter::default()
        },
        ChangeFilter {
            policy_types: vec![
                "policySet".to_owned(),
                "mobileApp".to_owned(),
                "mobileApp".to_owned(),
            ],
            kinds: vec![ChangeKind::Created, ChangeKind::Created],
            since: Some(since),
            ..ChangeFilter::default()
        },
        ChangeFilter {
            item: Some(item),
            kinds: vec![ChangeKind::Back],
            policy_types: vec!["mobileApp".to_owned()],
            since: Some(since),
            ..ChangeFilter::default()
        },
    ];
    for filter in filters {
        let asked = |change: &&ChangeView| {
            filter.since.is_none_or(|since| change.occurred_at >= since)
                && filter.item.is_none_or(|item| change.item.id == item)
                && (filter.kinds.is_empty() || filter.kinds.contains(&change.kind))
                && (filter.policy_types.is_empty()
                    || filter.policy_types.contains(&change.item.policy_type))
        };
        let expected: Vec<_> = all.iter().filter(asked).map(|change| change.id).collect();
        for ascending in [false, true] {
            let filter = ChangeFilter {
                ascending,
                ..filter.clone()
            };
            let list = |page| stage.store.changes(stage.tenant.id, &filter, page);
            let found = both_ways(2, list, |change| (change.occurred_at, change.id)).await;
            let mut found: Vec<_> = found.iter().map(|change| change.id).collect();
            if ascending {
                found.reverse();
            }
            assert_eq!(found, expected, "{filter:?}");
        }
    }
    let stranger = stage.scenario.tenant("Fabrikam").await;
    let foreign = ChangeFilter {
        item: Some(item),
        ..ChangeFilter::default()
    };
    let seen = stage
        .store
        .changes(stranger.id, &foreign, PageRequest::first(9))
        .await;
    assert!(seen.unwrap().is_empty());
}

#[tokio::test]
async fn old_changes_go_in_batches_and_young_ones_stay() {
    let stage = Stage::set().await;
    let page: Vec<_> = (0..5).map(|id| observation("mobileApp", id, 1)).collect();
    stage.sync(&page).await;
    stage
        .execute(
            "UPDATE inventory_changes SET occurred_at = occurred_at - interval '31 days' \
            WHERE item_id IN (SELECT id FROM inventory_items WHERE external_id <> 'id-4')",
        )
        .await;
    let days = |days: u64| std::time::Duration::from_secs(days * 86_400);
    let retention = Retention {
        runs: days(90),
        notifications: days(90),
        audit: days(90),
        changes: days(30),
        versions: days(90),
        deliveries: days(90),
        events: days(90),
    };
    let pruned = stage.store.prune(&retention, 3).await.unwrap();
    assert_eq!((pruned.changes, pruned.more(3)), (3, true));
    let pruned = stage.store.prune(&retention, 3).await.unwrap();
    assert_eq!((pruned.changes, pruned.more(3)), (1, false));
    let left = stage.changes(&ChangeFilter::default()).await;
    let left: BTreeMap<_, _> = left.iter().map(|c| (&c.item.external_id, c.kind)).collect();
    assert_eq!(
        left,
        BTreeMap::from([(&"id-4".to_owned(), ChangeKind::Created)])
    );
}
