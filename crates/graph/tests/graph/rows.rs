//! Rows that are not as they should be, and ids that are odd.

use std::collections::BTreeMap;

use atlas_domain::failure::RowDefect;
use atlas_domain::policy_types::registry;
use atlas_graph::{GraphError, ListPlan, ListReader, plan};
use atlas_graph_sim::{Effect, ErrorBody, FaultRule, PathMatch, RetryAfter};
use serde_json::json;

use crate::setup::Setup;

const TAGS: &str = "/beta/deviceManagement/roleScopeTags";
const POLICIES: &str = "/beta/deviceManagement/configurationPolicies";
const TOKENS: &str = "/beta/deviceManagement/depOnboardingSettings";
const SCRIPTS: &str = "/beta/deviceManagement/deviceComplianceScripts";

fn answer(setup: &Setup, path: &str, nth: u32, body: &str) {
    let effect = Effect::Answer {
        status: 200,
        body: body.to_owned(),
    };
    setup.fault(FaultRule::always(PathMatch::exact(path), effect).nth(nth));
}

/// The list with what belongs to its objects.
fn with_links(key: &str) -> ListPlan {
    let mut lists = plan(&[registry().find(key).unwrap()], true).lists;
    lists.remove(0)
}

async fn ids(reader: &mut ListReader) -> Result<Vec<String>, GraphError> {
    let mut ids = Vec::new();
    while let Some(page) = reader.next_page().await? {
        assert!(!page.unstable);
        ids.extend(page.observations.into_iter().map(|one| one.external_id));
    }
    Ok(ids)
}

/// Position, id and defect of a row.
type Problem<'a> = (u64, Option<&'a str>, RowDefect);

fn problems(reader: &ListReader) -> BTreeMap<&str, Vec<Problem<'_>>> {
    let types = reader.row_problems().iter();
    types
        .map(|(key, rows)| {
            let rows = rows.first.iter();
            let rows = rows.map(|row| (row.position.unwrap(), row.id.as_deref(), row.defect));
            (key.as_str(), rows.collect())
        })
        .collect()
}

#[tokio::test]
async fn damaged_rows_are_counted_over_all_pages_and_asked_for_once() {
    let setup = Setup::start().await;
    let next = format!("{}{TAGS}?$skiptoken=x", setup.sim.base_url());
    let first = format!(
        r#"{{"@odata.nextLink": "{next}", "value": [{{"id": "1"}}, {{"id": "2", "displayName": "\ud83d"}}, null]}}"#
    );
    let last = r#"{"@odata.nextLink": "", "value": [{"id": "3"}, {"displayName": "no id"}, {"id": "4", "n": 1E999}]}"#;
    answer(&setup, TAGS, 2, last);
    answer(&setup, TAGS, 1, &first);
    let graph = setup.graph();
    let mut reader = graph.list(&setup.list("roleScopeTag"));
    assert_eq!(ids(&mut reader).await.unwrap(), ["1", "2", "3", "4"]);
    let expected = [
        (2, Some("2"), RowDefect::TextReplaced),
        (3, None, RowDefect::NotAnObject),
        (5, None, RowDefect::NoId),
        (6, Some("4"), RowDefect::NumberAsText),
    ];
    assert_eq!(problems(&reader)["roleScopeTag"], expected);
    assert!(!reader.may_be_cut());
    assert_eq!(setup.graph_requests().len(), 2);
}

#[tokio::test]
async fn rows_of_a_list_that_is_begun_again_are_counted_once() {
    let setup = Setup::start().await;
    let next = format!("{}{POLICIES}?$skiptoken=x", setup.sim.base_url());
    let page = |next: &str| {
        format!(r#"{{"@odata.nextLink": "{next}", "value": [{{"id": "1"}}, null, {{"id": "2"}}]}}"#)
    };
    let late = Effect::ServerError {
        status: 504,
        body: ErrorBody::Empty,
        retry_after: RetryAfter::Absent,
    };
    let path = PathMatch::exact(POLICIES);
    setup.fault(FaultRule::once(path, late).nth(2).times(Some(2)));
    answer(&setup, POLICIES, 4, &page(""));
    answer(&setup, POLICIES, 1, &page(&next));
    let graph = setup.graph();
    let mut reader = graph.list(&setup.list("settingsCatalogPolicy"));
    assert_eq!(ids(&mut reader).await.unwrap(), ["1", "2"]);
    let expected = [(2, None, RowDefect::NotAnObject)];
    assert_eq!(problems(&reader)["settingsCatalogPolicy"], expected);
}

#[tokio::test]
async fn a_success_that_reports_an_error_is_no_list_and_no_object() {
    let error = r#"{"error": {"code": "UnknownError", "message": "", "innerError": {}}}"#;
    let beside = r#"{"value": [{"id": "1"}], "error": {"code": "UnknownError", "message": ""}}"#;
    let singleton = "/v1.0/deviceManagement/applePushNotificationCertificate";
    for (key, path, body) in [
        ("roleScopeTag", TAGS, error),
        ("roleScopeTag", TAGS, beside),
        ("depEnrollmentProfile", TOKENS, beside),
        ("applePushNotificationCertificate", singleton, error),
    ] {
        let setup = Setup::start().await;
        answer(&setup, path, 1, body);
        let error = setup.read(&setup.graph(), &setup.list(key)).await;
        assert!(error.is_err(), "{key}");
    }
}

#[tokio::test]
async fn a_parent_without_an_id_leaves_the_children_of_the_others() {
    let setup = Setup::with_size(3_000).await;
    let key = setup.sim.answer_key(&setup.directory);
    let tokens: Vec<_> = key["depOnboardingSetting"]
        .iter()
        .map(|one| json!({"id": one.id}))
        .collect();
    assert!(tokens.len() > 1);
    let expected = key["depEnrollmentProfile"].len();
    let mut rows = vec![json!(null), json!({"tokenName": "no id"})];
    rows.extend(tokens);
    rows.push(json!({"id": ".."}));
    let count = u64::try_from(rows.len()).unwrap();
    answer(&setup, TOKENS, 1, &json!({"value": rows}).to_string());
    let graph = setup.graph();
    let mut reader = graph.list(&setup.list("depEnrollmentProfile"));
    assert_eq!(ids(&mut reader).await.unwrap().len(), expected);
    let expected = [
        (1, None, RowDefect::NotAnObject),
        (2, None, RowDefect::NoId),
        (count, None, RowDefect::NoId),
    ];
    assert_eq!(problems(&reader)["depEnrollmentProfile"], expected);
}

#[tokio::test]
async fn what_is_damaged_under_an_object_leaves_that_object_incomplete() {
    for body in [
        r#"{"value": [{"id": "1"}, null]}"#,
        r#"{"value": [{"id": "\ud800"}]}"#,
        r#"{"value": [], "error": {"code": "UnknownError", "message": ""}}"#,
    ] {
        let setup = Setup::with_size(1_500).await;
        let list = with_links("deviceComplianceScript");
        let scripts = &setup.sim.answer_key(&setup.directory)["deviceComplianceScript"];
        assert!(scripts.len() > 1);
        let path = format!("{SCRIPTS}/{}/assignments", scripts[0].id);
        answer(&setup, &path, 1, body);
        let graph = setup.graph();
        let mut reader = graph.list(&list);
        assert_eq!(ids(&mut reader).await.unwrap().len(), scripts.len());
        assert!(reader.row_problems().is_empty());
        assert_eq!(reader.incomplete()[&list.keys()[0]].objects, 1, "{body}");
    }
}

#[tokio::test]
async fn ids_that_need_it_are_encoded_in_what_is_asked_of_their_objects() {
    let setup = Setup::start().await;
    let odd = ["YWJj=", "a+b/c==", "O'Brien", "a b", "ä%2e"];
    let rows: Vec<_> = odd
        .iter()
        .map(|id| json!({"id": id, "displayName": id}))
        .collect();
    answer(&setup, SCRIPTS, 1, &json!({"value": rows}).to_string());
    let graph = setup.graph();
    let mut reader = graph.list(&with_links("deviceComplianceScript"));
    assert_eq!(ids(&mut reader).await.unwrap(), odd);
    let asked: Vec<_> = setup
        .graph_requests()
        .into_iter()
        .filter(|one| one.batch.is_some())
        .map(|one| one.path)
        .collect();
    assert_eq!(asked.len(), 2 * odd.len(), "{asked:?}");
    for encoded in [
        "YWJj%3D",
        "a%2Bb%2Fc%3D%3D",
        "O%27Brien",
        "a%20b",
        "%C3%A4%252e",
    ] {
        for under in ["", "/assignments"] {
            let path = format!("{SCRIPTS}/{encoded}{under}");
            assert!(asked.contains(&path), "{path} in {asked:?}");
        }
    }

    // And in the address of what lives under them.
    let setup = Setup::start().await;
    let rows: Vec<_> = odd.iter().map(|id| json!({"id": id})).collect();
    answer(&setup, TOKENS, 1, &json!({"value": rows}).to_string());
    for (at, encoded) in [
        "YWJj%3D",
        "a%2Bb%2Fc%3D%3D",
        "O%27Brien",
        "a%20b",
        "%C3%A4%252e",
    ]
    .iter()
    .enumerate()
    {
        let path = format!("{TOKENS}/{encoded}/enrollmentProfiles");
        let body = json!({"value": [{"id": format!("profile {at}"), "displayName": "n"}]});
        answer(&setup, &path, 1, &body.to_string());
    }
    let graph = setup.graph();
    let mut reader = graph.list(&setup.list("depEnrollmentProfile"));
    assert_eq!(ids(&mut reader).await.unwrap().len(), odd.len());
}
