use atlas_domain::policy_types::registry;

use super::*;
use crate::plan::plan;
use crate::request::parse::{each, mark, object};

fn key(word: &str) -> PolicyTypeKey {
    registry().find(word).unwrap()
}

fn tags(body: impl AsRef<[u8]>) -> Result<PageRead, &'static str> {
    let plan = plan(&[key("roleScopeTag")], true);
    list(&plan.lists[0], RowContext::default(), body.as_ref())
}

fn ids(page: &PageRead) -> Vec<&str> {
    let ids = page.observed.iter();
    ids.map(|one| one.observation.external_id.as_str())
        .collect()
}

fn problems(page: &PageRead) -> Vec<(u64, Option<&str>, RowDefect)> {
    let rows = page.problems.iter().map(|problem| &problem.row);
    rows.map(|row| (row.position.unwrap(), row.id.as_deref(), row.defect))
        .collect()
}

#[test]
fn rows_and_the_next_link_are_found_and_the_count_is_no_end_test() {
    let page = tags(
        r#"{"@odata.context": "c", "@odata.count": 1, "@microsoft.graph.tips": "t",
            "@odata.nextLink": "https://x/%255B", "value": [{"id": "0", "displayName": "Default"}]}"#,
    )
    .unwrap();
    assert_eq!((page.rows, page.observed.len()), (1, 1));
    assert_eq!(page.next.as_deref(), Some("https://x/%255B"));
}

#[test]
fn an_empty_page_is_a_page_and_everything_else_is_not() {
    for link in ["null", "\"\""] {
        let page = tags(format!(r#"{{"value": [], "@odata.nextLink": {link}}}"#)).unwrap();
        assert_eq!((page.rows, page.next), (0, None));
    }
    for body in [
        "",
        "<html></html>",
        "{}",
        "null",
        "[]",
        r#"{"value": {}}"#,
        r#"{"value": null}"#,
        r#"{"value": [{"id": "0"}"#,
        r#"{"value": [{"id": "0"}]"#,
        r#"{"value": [], "value": []}"#,
        r#"{"value": [], "@odata.nextLink": 7}"#,
    ] {
        assert!(tags(body).is_err(), "{body}");
    }
    let deep = format!(
        r#"{{"value": [{{"id": "0", "x": {}}}]}}"#,
        "[".repeat(100_000)
    );
    assert!(tags(deep).is_err());
}

#[test]
fn a_page_that_reports_an_error_is_refused_whatever_else_it_holds() {
    for body in [
        r#"{"error": {"code": "x", "message": "y"}}"#,
        r#"{"value": [], "error": {"code": "x"}}"#,
        r#"{"value": [{"id": "0"}], "error": {}}"#,
        r#"{"error": "x", "value": [{"id": "0"}]}"#,
        "{\"error\": {}, \"value\": [{\"id\": \"\\ud800\", \"x\": NaN}]}",
    ] {
        assert!(tags(body).is_err(), "{body}");
    }
    assert_eq!(tags(r#"{"error": null, "value": []}"#).unwrap().rows, 0);
}

#[test]
fn a_row_that_cannot_be_used_costs_none_of_the_others() {
    let page = tags(
        b"\xEF\xBB\xBF{\"value\": [{\"id\": \"a\"}, null, {\"id\": \"b\", \"displayName\": \"\xE9\"},
            \"c\", {\"displayName\": \"no id\"}, {\"id\": \"\"}, {\"id\": 7}, {\"id\": \"\\ud800\"},
            {\"id\": 1E999}, {\"id\": \"d\", \"x\": NaN}, {\"id\": \"e\"}], \"@odata.nextLink\": \"n\"}",
    )
    .unwrap();
    assert_eq!((page.rows, page.next.as_deref()), (11, Some("n")));
    assert_eq!(ids(&page), ["a", "b", "e"]);
    assert_eq!(
        problems(&page),
        [
            (2, None, RowDefect::NotAnObject),
            (3, Some("b"), RowDefect::TextReplaced),
            (4, None, RowDefect::NotAnObject),
            (5, None, RowDefect::NoId),
            (6, None, RowDefect::NoId),
            (7, None, RowDefect::NoId),
            (8, None, RowDefect::NoId),
            (9, None, RowDefect::NoId),
            (10, None, RowDefect::Unreadable),
        ]
    );
}

#[test]
fn a_byte_order_mark_alone_alters_nothing() {
    let page = tags(b"\xEF\xBB\xBF{\"value\": [{\"id\": \"a\"}]}").unwrap();
    assert_eq!(ids(&page), ["a"]);
    assert!(page.problems.is_empty());
}

#[test]
fn a_row_counts_for_its_policy_type_where_that_is_known_and_for_any_where_it_is_not() {
    let keys = [
        key("settingsCatalogPolicy"),
        key("endpointSecurityFirewall"),
    ];
    let plan = plan(&keys, true);
    let body = r#"{"value": [
        {"id": "a", "name": "\ud800", "templateReference": {"templateFamily": "endpointSecurityFirewall"}},
        {"name": "no id", "templateReference": {"templateFamily": "endpointSecurityFirewall"}},
        {"id": "b", "name": "\ud800", "templateReference": {"templateFamily": "baseline"}},
        {"id": "c", "templateReference": {"templateFamily": "\ud800"}},
        {"id": "d", "templateReference": {"templateFamily": "none"}},
        null]}"#;
    let page = list(&plan.lists[0], RowContext::default(), body.as_bytes()).unwrap();
    assert_eq!(ids(&page), ["a", "d"]);
    assert_eq!(page.others, ["b"]);
    let found: Vec<_> = page
        .problems
        .iter()
        .map(|one| (one.row.position.unwrap(), one.policy_type, one.row.defect))
        .collect();
    let firewall = Some(key("endpointSecurityFirewall"));
    assert_eq!(
        found,
        [
            (1, firewall, RowDefect::TextReplaced),
            (2, firewall, RowDefect::NoId),
            (4, None, RowDefect::Unreadable),
            (6, None, RowDefect::NotAnObject),
        ]
    );
}

#[test]
fn a_singleton_is_one_object_and_no_error() {
    let plan = plan(&[key("authorizationPolicy")], true);
    let read = |body: &str| singleton(&plan.lists[0], body.as_bytes());
    for body in [
        r#"{"error": {"code": "UnknownError", "message": ""}}"#,
        r#"{"id": "a", "error": {"code": "x", "message": "y", "innerError": {}}}"#,
        "",
        "null",
        "[]",
        r#"{"id": "a""#,
    ] {
        assert!(read(body).is_err(), "{body}");
    }
    // A property of this name is none of Graph's errors.
    let page = read(r#"{"id": "a", "error": "none so far"}"#).unwrap();
    assert_eq!((page.observed.len(), page.problems.len()), (1, 0));
    let page = read(r#"{"id": "a", "description": "\ud800"}"#).unwrap();
    assert_eq!(page.observed.len(), 1);
    let policy_type = Some(key("authorizationPolicy"));
    assert_eq!(page.problems[0].policy_type, policy_type);
}

#[test]
fn a_parent_without_an_id_is_counted_and_the_others_are_read() {
    let page = parents(
        br#"{"value": [{"id": "a", "x": "\ud800"}, {}, null, {"id": "b\ud800"}, {"id": "c"}]}"#,
    )
    .unwrap();
    assert_eq!(page.ids, ["a", "c"]);
    let found: Vec<_> = page.problems.iter().map(|one| one.position).collect();
    assert_eq!(found, [Some(2), Some(3), Some(4)]);
}

#[test]
fn what_belongs_to_an_object_is_read_as_it_was_sent_or_not_at_all() {
    let count = |body: &str| each(body.as_bytes(), &mut |_| ());
    assert_eq!(count(r#"{"value": [{"id": "a"}, {}]}"#), Ok(2));
    for row in ["null", r#"{"id": "\ud800"}"#, r#"{"x": 1E999}"#] {
        assert!(count(&format!(r#"{{"value": [{row}]}}"#)).is_err(), "{row}");
        assert!(object(row.as_bytes()).is_err(), "{row}");
    }
    assert!(object(br#"{"error": {"code": "x", "message": "y"}}"#).is_err());
    assert!(object(br#"{"id": "a"}"#).is_ok());
}

#[test]
fn rows_are_distinguished_by_id_and_by_all_that_they_hold_without_one() {
    let page = open(br#"{"value": [{"id": "a", "x": 1}, {"x": 2}, 7]}"#).unwrap();
    let marks: Vec<_> = page.rows.iter().map(mark).collect();
    assert_eq!(marks, ["a", r#"{"x": 2}"#, "7"]);
}

#[test]
fn a_row_that_says_nothing_may_be_of_any_type_of_its_list() {
    let keys = [key("deviceConfiguration"), key("windowsUpdateRing")];
    let plan = plan(&keys, true);
    let body = br#"{"value": [{}, {"displayName": "x"}, {"id": 7}]}"#;
    let page = list(&plan.lists[0], RowContext::default(), body).unwrap();
    let types: Vec<_> = page.problems.iter().map(|one| one.policy_type).collect();
    assert_eq!(types, [None, None, None]);
}

#[test]
fn ids_that_differ_in_what_is_redacted_elsewhere_are_two() {
    let page = tags(r#"{"value": [{"id": "https://a@h/x"}, {"id": "https://b@h/x"}]}"#).unwrap();
    assert_eq!(ids(&page), ["https://a@h/x", "https://b@h/x"]);
}

#[test]
fn of_very_many_bad_rows_the_first_are_described_and_all_are_counted() {
    let rows = vec!["0"; 3_000].join(",");
    let page = tags(format!(r#"{{"value": [{rows}]}}"#)).unwrap();
    assert_eq!(page.problems.len(), 1_000);
    assert_eq!(page.further.values().sum::<u64>(), 2_000);
}

#[test]
fn a_page_of_very_many_rows_is_no_page() {
    for (row, more) in [("0", ""), ("0", ",NaN")] {
        let page = |count: usize| {
            let rows = vec![row; count].join(",");
            tags(format!(r#"{{"value": [{rows}{more}]}}"#)).map(|page| page.rows)
        };
        assert!(page(99_999).is_ok());
        assert!(page(100_001).is_err());
    }
}

#[test]
fn a_very_large_row_is_read_as_it_is_or_not_at_all() {
    let text = "y".repeat(5 * 1024 * 1024);
    for (end, problem) in [("", None), ("\\ud800", Some(RowDefect::Unreadable))] {
        let page = tags(format!(
            r#"{{"value": [{{"id": "a", "x": "{text}{end}"}}, {{"id": "b"}}]}}"#
        ));
        let page = page.unwrap();
        assert_eq!(page.observed.len(), if problem.is_some() { 1 } else { 2 });
        assert_eq!(page.problems.first().map(|one| one.row.defect), problem);
    }
}

#[test]
fn settings_that_are_too_large_or_damaged_do_not_cost_their_policy() {
    let heavy = "[".repeat(100_000) + &"]".repeat(100_000);
    for settings in [
        heavy.as_str(),
        r#"[{"id": "0", "x": "\ud800"}]"#,
        r#"[{"x": 1e999}]"#,
    ] {
        let body = format!(
            r#"{{"value": [{{"id": "p", "name": "n", "settingCount": 1, "settings": {settings}}},
                {{"id": "q", "name": "\ud800", "settings": []}}]}}"#
        );
        let plan = plan(&[key("settingsCatalogPolicy")], true);
        let context = RowContext {
            with_settings: true,
            ..RowContext::default()
        };
        let page = list(&plan.lists[0], context, body.as_bytes()).unwrap();
        assert_eq!(ids(&page), ["p", "q"]);
        assert!(page.observed[0].values.is_lacking());
        // What is wrong with the row itself is reported as ever.
        assert_eq!(problems(&page).len(), 1);
        assert_eq!(problems(&page)[0].1, Some("q"));
    }
}
