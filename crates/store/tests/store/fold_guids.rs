//! The migration that folds ids, joins rows of one object and redacts URLs, run over rows as versions
//! before could write them.

use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::mint_uuid;
use uuid::Uuid;

use crate::Stage;

const MIGRATION: &str = include_str!("../../../../migrations/2026-11-29-000011_fold_guids/up.sql");
const GUID: &str = "0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d";

fn mint() -> Uuid {
    mint_uuid(&SystemClock, &SystemEntropy)
}

/// A row of an item, as it is inserted.
#[derive(Clone)]
struct Row<'a> {
    policy_type: &'a str,
    external_id: String,
    /// The minute of its hour at which it was seen first and last.
    seen: (u8, u8),
    present: bool,
    content: &'a str,
}

impl Row<'_> {
    fn app(external_id: &str, seen: (u8, u8), present: bool) -> Self {
        Row {
            policy_type: "mobileApp",
            external_id: external_id.to_owned(),
            seen,
            present,
            content: r#"{"/a": 1}"#,
        }
    }
}

impl Stage {
    async fn insert(&self, row: &Row<'_>) -> String {
        let id = mint().to_string();
        let time = |minute: u8| format!("2026-01-01 00:{minute:02}:00+00");
        let missing = if row.present { "NULL" } else { "now()" };
        self.execute(&format!(
            "INSERT INTO inventory_items (id, tenant_id, policy_type, external_id, name, category, \
                platform, foundation, scope_tags, metadata, content_hash, first_seen_at, \
                last_seen_at, changed_at, missing_since, fence, last_seen_run) \
             VALUES ('{id}', '{tenant}', '{kind}', '{external}', '{external}', 'c', 'p', false, \
                '{{}}', '{{}}', sha256(''), '{first}', '{last}', '{first}', {missing}, 1, '{id}'); \
             INSERT INTO inventory_contents VALUES ('{id}', '{content}', NULL); \
             INSERT INTO inventory_changes VALUES ('{tenant}', '{first}', '{id}', '{id}', '{kind}', \
                'created', '{id}', NULL);",
            tenant = self.tenant.id,
            kind = row.policy_type,
            external = row.external_id,
            first = time(row.seen.0),
            last = time(row.seen.1),
            content = row.content,
        ))
        .await;
        id
    }

    async fn migrated(&self) {
        self.execute(MIGRATION).await;
    }

    /// Items as text: id, external id, whether it is there, the minute it was first seen at, changes.
    async fn stand(&self) -> Vec<(String, String, bool, String, i64)> {
        let statement = "SELECT i.id::text, i.external_id, i.missing_since IS NULL, \
                to_char(i.first_seen_at AT TIME ZONE 'UTC', 'MI'), \
                (SELECT count(*) FROM inventory_changes c WHERE c.item_id = i.id) \
            FROM inventory_items i ORDER BY i.external_id";
        let connection = self.database.connection().await;
        let rows = connection.query(statement, &[]).await.unwrap();
        rows.iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
            .collect()
    }
}

#[tokio::test]
async fn an_item_under_two_cases_becomes_the_one_that_is_there_with_the_history_of_both() {
    let stage = Stage::set().await;
    let upper = GUID.to_ascii_uppercase();
    stage.insert(&Row::app(GUID, (1, 5), false)).await;
    let kept = stage.insert(&Row::app(&upper, (6, 9), true)).await;
    stage
        .execute(&format!(
            "INSERT INTO inventory_type_summaries VALUES ('{}', 'mobileApp', 1, 1)",
            stage.tenant.id
        ))
        .await;
    stage.migrated().await;
    let one = (kept, GUID.to_owned(), true, "01".to_owned(), 2);
    assert_eq!(stage.stand().await, std::slice::from_ref(&one));
    let counts = "SELECT 10 * present + missing FROM inventory_type_summaries";
    assert_eq!(stage.count(counts).await, 10);
    let named = format!("SELECT count(*) FROM inventory_items WHERE name = '{GUID}'");
    assert_eq!(stage.count(&named).await, 1);
    // A second time there is nothing to do.
    stage.migrated().await;
    assert_eq!(stage.stand().await, [one]);
}

#[tokio::test]
async fn of_rows_that_are_all_gone_the_last_seen_is_kept_and_stays_gone() {
    let stage = Stage::set().await;
    let upper = format!("T_{}", GUID.to_ascii_uppercase());
    let mixed = format!("T_{}{}", &upper[2..10], &GUID[8..]);
    stage.insert(&Row::app(&upper, (2, 3), false)).await;
    let kept = stage.insert(&Row::app(&mixed, (4, 8), false)).await;
    stage.migrated().await;
    let one = (kept, format!("T_{GUID}"), false, "02".to_owned(), 2);
    assert_eq!(stage.stand().await, [one]);
}

#[tokio::test]
async fn other_ids_and_other_types_stay_as_they_are() {
    let stage = Stage::set().await;
    let ids = [
        "YWJjQUJD=",
        "singleton",
        "0A1B2C3D",
        &format!("x{}", GUID.to_ascii_uppercase()),
    ];
    for id in ids {
        stage.insert(&Row::app(id, (1, 2), true)).await;
    }
    stage.migrated().await;
    let stand = stage.stand().await;
    let mut kept: Vec<&str> = stand.iter().map(|row| row.1.as_str()).collect();
    kept.sort_unstable();
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    assert_eq!(kept, ids);
}

#[tokio::test]
async fn a_singleton_that_was_taken_for_gone_is_there_and_the_stored_error_is_not() {
    let stage = Stage::set().await;
    let row = |external_id: &str, seen, present, content| Row {
        policy_type: "authorizationPolicy",
        external_id: external_id.to_owned(),
        seen,
        present,
        content,
    };
    let real = row("authorizationPolicy", (1, 5), false, r#"{"/allow": "all"}"#);
    let kept = stage.insert(&real).await;
    let error = r#"{"/error/code": "UnknownError", "/error/message": "m"}"#;
    stage.insert(&row("singleton", (6, 9), true, error)).await;
    stage.migrated().await;
    let one = (
        kept,
        "authorizationPolicy".to_owned(),
        true,
        "01".to_owned(),
        2,
    );
    assert_eq!(stage.stand().await, [one]);
}

#[tokio::test]
async fn a_singleton_gets_the_key_of_its_type_whatever_its_id_was() {
    let stage = Stage::set().await;
    let singleton = Row {
        policy_type: "securityDefaults",
        ..Row::app(GUID, (1, 2), false)
    };
    stage.insert(&singleton).await;
    let bare = Row {
        external_id: "singleton".to_owned(),
        seen: (3, 4),
        present: true,
        ..singleton
    };
    let kept = stage.insert(&bare).await;
    stage.migrated().await;
    let one = (
        kept,
        "securityDefaults".to_owned(),
        true,
        "01".to_owned(),
        2,
    );
    assert_eq!(stage.stand().await, [one]);
}

#[tokio::test]
async fn links_meet_their_targets_and_those_that_become_one_are_one() {
    let stage = Stage::set().await;
    let item = stage.insert(&Row::app("a", (1, 2), true)).await;
    let upper = GUID.to_ascii_uppercase();
    let tenant = stage.tenant.id;
    for (target, qualifier) in [
        (GUID, format!(r#"{{"filter_id": "{GUID}"}}"#)),
        (&upper, format!(r#"{{"filter_id": "{upper}"}}"#)),
        (
            &upper,
            format!(r#"{{"name": "{upper} of http://u:SECRET@h"}}"#),
        ),
        ("All", "{}".to_owned()),
    ] {
        let id = mint();
        stage
            .execute(&format!(
                "INSERT INTO inventory_links VALUES ('{item}', '{id}', '{tenant}', 'object', \
                    'assigned_to', 'group', '{target}', '{qualifier}', false)"
            ))
            .await;
    }
    stage.migrated().await;
    let statement = "SELECT target_id || ' ' || qualifier FROM inventory_links ORDER BY 1";
    let connection = stage.database.connection().await;
    let rows = connection.query(statement, &[]).await.unwrap();
    let links: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        links,
        [
            format!(r#"{GUID} {{"filter_id": "{GUID}"}}"#),
            format!(r#"{GUID} {{"name": "{upper} of http://redacted@h"}}"#),
            "All {}".to_owned(),
        ]
    );
}

#[tokio::test]
async fn scope_tags_are_folded_sorted_and_each_there_once() {
    let stage = Stage::set().await;
    stage.insert(&Row::app("a", (1, 2), true)).await;
    let upper = GUID.to_ascii_uppercase();
    stage
        .execute(&format!(
            "UPDATE inventory_items SET scope_tags = '{{7,{upper},{GUID}}}'"
        ))
        .await;
    stage.migrated().await;
    let expected =
        format!("SELECT count(*) FROM inventory_items WHERE scope_tags = '{{{GUID},7}}'");
    assert_eq!(stage.count(&expected).await, 1);
}

/// Texts and what the redaction of `atlas-graph` makes of them: its own tests have the same.
const TEXTS: [(&str, &str); 8] = [
    ("http://user:pw@host", "http://redacted@host"),
    ("//user:pw@host", "//redacted@host"),
    ("http://DOMAIN\\\\user:p@ss@host/", "http://redacted@host/"),
    ("///user:pw@host", "///redacted@host"),
    (
        "http://a:b@c or\\nhttps://d:e@f?x=y@z.",
        "http://redacted@c or\\nhttps://redacted@f?x=y@z.",
    ),
    (
        "https://host\\tuser@example.com",
        "https://host\\tuser@example.com",
    ),
    (
        "https://host/path/user@example.com",
        "https://host/path/user@example.com",
    ),
    ("https://@host", "https://@host"),
];

#[tokio::test]
async fn user_information_in_stored_urls_is_redacted_and_nothing_else_is_touched() {
    let stage = Stage::set().await;
    let item = stage.insert(&Row::app("a", (1, 2), true)).await;
    for (text, redacted) in TEXTS {
        let value =
            |text: &str| format!(r#"{{"/a//b": [{{"x": "{text}", "n": 1.50}}, null, {{}}, []]}}"#);
        let (stored, expected) = (value(text), value(redacted));
        stage
            .execute(&format!(
                "UPDATE inventory_contents SET content = $t${stored}$t$, assignments = $t$[{stored}]$t$; \
                 UPDATE inventory_changes SET detail = $t${stored}$t$; \
                 UPDATE inventory_items SET metadata = $t${stored}$t$, name = \
                     ($t${stored}$t$::jsonb #>> '{{/a//b,0,x}}')"
            ))
            .await;
        stage.migrated().await;
        let same = format!(
            "SELECT count(*) FROM inventory_items i \
                JOIN inventory_contents c ON c.item_id = i.id \
                JOIN inventory_changes x ON x.item_id = i.id \
                CROSS JOIN (SELECT $t${expected}$t$::jsonb AS reported) e \
             WHERE i.id = '{item}' AND c.content = e.reported AND c.assignments->0 = e.reported \
                AND x.detail = e.reported AND i.metadata = e.reported \
                AND i.name = e.reported #>> '{{/a//b,0,x}}'"
        );
        assert_eq!(stage.count(&same).await, 1, "{text}");
    }
}
