//! Which items set what.

use atlas_domain::inventory::values::Values;
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use serde_json::{Value, json};

use crate::harness::{Stage, observation};

/// A settings catalog policy that sets this.
fn policy(at: usize, values: &Value) -> Observation {
    Observation {
        policy_type: registry().find("settingsCatalogPolicy").unwrap(),
        values: Some(Values {
            fields: JsonText::of(values),
            hash: [u8::try_from(at).unwrap(); 32],
        }),
        values_mark: Some([1; 16]),
        ..observation(at)
    }
}

#[tokio::test]
async fn settings_are_listed_with_their_items_and_by_value() {
    let stage = Stage::set().await;
    let page: Vec<_> = (0..5)
        .map(|at| {
            policy(
                at,
                &json!({"/settings/vendor_d": format!("vendor_d_{}", at % 2)}),
            )
        })
        .collect();
    stage.synced_page(&page).await;
    let get = async |query: &str| {
        stage
            .get(&stage.path(&format!("inventory-settings?{query}")))
            .await
    };
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&format!("setting_id=vendor_d&limit=2{cursor}")).await;
        items.extend(page.items().to_vec());
        let Some(next) = page.body["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(items.len(), 5);
    let one = &items[0];
    assert_eq!(one["setting"], json!({"id": "vendor_d"}));
    assert_eq!(one["field"], "/settings/vendor_d");
    assert_eq!(one["item"]["policy_type"], "settingsCatalogPolicy");
    assert_eq!(one["assignment_count"], 2);
    assert_eq!(one["assignments"], json!([]));
    assert!(one.get("value_name").is_none());
    // Equal values are together.
    let values: Vec<_> = items.iter().map(|item| &item["value"]).collect();
    assert_eq!(values.windows(2).filter(|two| two[0] != two[1]).count(), 1);
    for (query, count) in [
        ("setting_id=vendor_d&value=vendor_d_1", 2),
        ("q=ENDOR", 5),
        ("q=vendor_d&value=vendor_d_0", 3),
        ("q=vendor_d&policy_type=mobileApp", 0),
        ("q=nowhere", 0),
        ("setting_id=other", 0),
    ] {
        assert_eq!(get(query).await.items().len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_list_of_settings_needs_a_setting_or_a_text() {
    let stage = Stage::set().await;
    for (query, parameter) in [
        ("", "setting_id"),
        ("?value=1", "setting_id"),
        ("?policy_type=mobileApp", "setting_id"),
        ("?q=ab", "q"),
        ("?setting_id=", "setting_id"),
        ("?setting_id=d&colour=red", "colour"),
    ] {
        let path = stage.path(&format!("inventory-settings{query}"));
        let reply = stage.get(&path).await;
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(reply.body["errors"][0]["parameter"], parameter, "{query}");
    }
}
