//! Values, which are stored and compared apart from the content of a list row.

use atlas_domain::inventory::values::Values;

use super::*;

/// The app with these values, and with `mark` on its list row.
fn setting(app: Observation, values: Option<&Value>, mark: u8) -> Observation {
    Observation {
        values: values.map(|values| Values {
            fields: JsonText::of(values),
            hash: std::array::from_fn(|at| {
                values
                    .to_string()
                    .as_bytes()
                    .get(at)
                    .copied()
                    .unwrap_or_default()
            }),
        }),
        values_mark: Some([mark; 16]),
        ..app
    }
}

fn app_one(content: u8) -> Observation {
    app(1, &json!({"/a": content}), &["one"])
}

fn detail(change: &ChangeView) -> Vec<(&str, Option<&Value>, Option<&Value>)> {
    let Some(ChangeDetail::Content { fields, .. }) = &change.detail else {
        panic!("{change:?}");
    };
    let fields = fields.iter();
    fields
        .map(|one| (one.field.as_str(), one.old.as_ref(), one.new.as_ref()))
        .collect()
}

const STORED: &str = "SELECT count(*) FROM inventory_contents c \
    JOIN inventory_items i ON i.id = c.item_id \
    WHERE c.value_fields = '{\"/settings/d\": 1}' AND i.values_mark = decode(repeat('01', 16), 'hex')";

#[tokio::test]
async fn a_change_names_the_setting_with_its_old_and_new_value() {
    let stage = Stage::set().await;
    let before = json!({"/settings/d": "d_1", "/settings/gone": 1, "/settings/same": 7});
    stage.sync(&[setting(app_one(1), Some(&before), 1)]).await;
    let after = json!({"/settings/d": "d_0", "/settings/new": 2, "/settings/same": 7});
    stage.sync(&[setting(app_one(2), Some(&after), 2)]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Changed, ChangeKind::Created]);
    assert_eq!(
        detail(&changes[0]),
        [
            ("/a", Some(&json!(1)), Some(&json!(2))),
            ("/settings/d", Some(&json!("d_1")), Some(&json!("d_0"))),
            ("/settings/gone", Some(&json!(1)), None),
            ("/settings/new", None, Some(&json!(2))),
        ]
    );
    // The values alone.
    stage.sync(&[setting(app_one(2), Some(&before), 3)]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(changes.len(), 3);
    assert_eq!(detail(&changes[0]).len(), 3);
}

#[tokio::test]
async fn values_that_were_not_read_leave_those_that_are_stored_and_change_nothing() {
    let stage = Stage::set().await;
    let values = json!({"/settings/d": 1});
    stage.sync(&[setting(app_one(1), Some(&values), 1)]).await;
    assert_eq!(stage.count(STORED).await, 1);
    // Not read, of a row that has moved; then with other content.
    stage.sync(&[setting(app_one(1), None, 2)]).await;
    assert_eq!(stage.count(STORED).await, 1);
    stage.sync(&[setting(app_one(2), None, 3)]).await;
    assert_eq!(stage.count(STORED).await, 1);
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Changed, ChangeKind::Created]);
    assert_eq!(
        detail(&changes[0]),
        [("/a", Some(&json!(1)), Some(&json!(2)))]
    );
}

#[tokio::test]
async fn values_that_were_not_known_before_are_stored_and_are_no_change() {
    let stage = Stage::set().await;
    stage.sync(&[app_one(1)]).await;
    let values = json!({"/settings/d": 1});
    stage.sync(&[setting(app_one(1), Some(&values), 1)]).await;
    assert_eq!(stage.count(STORED).await, 1);
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Created]);
    // And not beside other content either.
    let other = app(2, &json!({"/a": 1}), &[]);
    stage.sync(&[app_one(1), other.clone()]).await;
    let changed = setting(app(2, &json!({"/a": 2}), &[]), Some(&values), 1);
    stage.sync(&[app_one(1), changed]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(
        detail(&changes[0]),
        [("/a", Some(&json!(1)), Some(&json!(2)))]
    );
}

#[tokio::test]
async fn what_is_known_of_values_is_when_they_were_read_and_what_the_row_said_then() {
    let stage = Stage::set().await;
    let values = json!({"/settings/d": 1});
    let known = || async {
        let mut after = BTreeMap::from([(key("mobileApp"), String::new())]);
        let mut objects = Vec::new();
        while !after.is_empty() {
            let page = stage.store.known_values(stage.tenant.id, &after).await;
            let page = page.unwrap();
            objects.extend(page.objects);
            after = page.next;
        }
        objects
    };
    stage.sync(&[app_one(1)]).await;
    assert_eq!(known().await, []);
    stage.sync(&[setting(app_one(1), Some(&values), 1)]).await;
    stage
        .execute("UPDATE inventory_items SET values_verified_at = values_verified_at - interval '5 days'")
        .await;
    let one = known().await.remove(0);
    assert_eq!((one.external_id.as_str(), one.mark), ("id-1", [1; 16]));
    assert!(
        (5 * 86_400..5 * 86_400 + 600).contains(&one.age),
        "{}",
        one.age
    );
    // A reading without values verifies nothing.
    stage.sync(&[setting(app_one(1), None, 2)]).await;
    let one = known().await.remove(0);
    assert_eq!(one.mark, [1; 16]);
    assert!(one.age >= 5 * 86_400);
    // The same values again verify them.
    stage.sync(&[setting(app_one(1), Some(&values), 2)]).await;
    let one = known().await.remove(0);
    assert_eq!(one.mark, [2; 16]);
    assert!(one.age < 600);
    // Missing objects are read when they are back; and there may be more than one page of objects.
    let many: Vec<_> = (2..2_103)
        .map(|id| setting(app(id, &json!({}), &[]), Some(&values), 1))
        .collect();
    stage.sync(&many).await;
    let ids: std::collections::BTreeSet<_> = known()
        .await
        .into_iter()
        .map(|one| one.external_id)
        .collect();
    assert_eq!(ids.len(), 2_101);
    assert!(!ids.contains("id-1"));
}
