//! Which items set what.

use atlas_domain::inventory::values::Values;
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use atlas_store::SettingDescription;
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

/// Names of a setting and of its options stand beside the raw values wherever these are shown; without
/// names there are the raw values alone.
#[tokio::test]
async fn names_stand_beside_values_in_contents_versions_differences_and_changes() {
    let stage = Stage::set().await;
    let first =
        json!({"/settings/vendor_d": "vendor_d_0", "/settings/vendor_d/vendor_e": ["e_1", "e_2"]});
    let second = json!({
        "/settings/vendor_d": "vendor_d_1",
        "/settings/vendor_d/vendor_e": ["e_2", "e_3"],
        "/settings/rules/Allow ~1 all/vendor_f": 5,
    });
    for (hash, values) in [(1, &first), (2, &second)] {
        let policy = Observation {
            external_id: "id-0".to_owned(),
            content_hash: [7; 32],
            ..policy(hash, values)
        };
        stage.synced_page(&[policy]).await;
    }
    let items = stage.get(&stage.path("inventory-items")).await;
    let item = format!(
        "inventory-items/{}",
        items.items()[0]["id"].as_str().unwrap()
    );
    let get = async |under: &str| stage.get(&stage.path(under)).await.body;
    let paths = ["content", "versions/1", "versions/2", "versions/2/diff"];
    let paths = paths.map(|under| format!("{item}/{under}"));

    // The settings are known by their ids, and have no names yet.
    let content = get(&paths[0]).await;
    let setting = |field: &str, id: &str| json!({"field": field, "setting": {"id": id}});
    let nameless = [
        setting("/settings/rules/Allow ~1 all/vendor_f", "vendor_f"),
        setting("/settings/vendor_d", "vendor_d"),
        setting("/settings/vendor_d/vendor_e", "vendor_e"),
    ];
    assert_eq!(content["settings"], json!(nameless));

    let named = |name: &str, options: &[(&str, &str)]| SettingDescription {
        name: name.to_owned(),
        description: None,
        options: options
            .iter()
            .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
            .collect(),
    };
    let definitions = [
        (
            "vendor_d",
            named("Encryption", &[("vendor_d_0", "Off"), ("vendor_d_1", "On")]),
        ),
        (
            "vendor_e",
            named(
                "Drives",
                &[("e_1", "Fixed"), ("e_2", "System"), ("e_3", "USB")],
            ),
        ),
    ];
    let definitions = definitions.map(|(id, one)| (id.to_owned(), Some(one)));
    stage.store.describe_settings(&definitions).await.unwrap();

    let option = |id: &str, name: &str| json!({"id": id, "name": name});
    let encryption = json!({"id": "vendor_d", "name": "Encryption"});
    let drives = json!({"id": "vendor_e", "name": "Drives"});
    let of_second = json!([
        nameless[0],
        {"field": "/settings/vendor_d", "setting": encryption, "options": [option("vendor_d_1", "On")]},
        {
            "field": "/settings/vendor_d/vendor_e",
            "setting": drives,
            "options": [option("e_2", "System"), option("e_3", "USB")],
        },
    ]);
    let content = get(&paths[0]).await;
    assert_eq!(content["settings"], of_second);
    assert_eq!(content["content"], second);
    assert_eq!(get(&paths[2]).await["settings"], of_second);
    let earlier = get(&paths[1]).await;
    assert_eq!(earlier["content"], first);
    assert_eq!(
        earlier["settings"][0]["options"],
        json!([option("vendor_d_0", "Off")])
    );

    let changed = json!([
        {"field": "/settings/rules/Allow ~1 all/vendor_f", "new": 5, "setting": {"id": "vendor_f"}},
        {
            "field": "/settings/vendor_d",
            "old": "vendor_d_0",
            "new": "vendor_d_1",
            "setting": encryption,
            "options": [option("vendor_d_0", "Off"), option("vendor_d_1", "On")],
        },
        {
            "field": "/settings/vendor_d/vendor_e",
            "old": ["e_1", "e_2"],
            "new": ["e_2", "e_3"],
            "setting": drives,
            "options": [option("e_1", "Fixed"), option("e_2", "System"), option("e_3", "USB")],
        },
    ]);
    assert_eq!(get(&paths[3]).await["content"]["fields"], changed);
    let changes = get("inventory-changes?kind=changed").await;
    assert_eq!(changes["items"][0]["content"]["fields"], changed);
}
