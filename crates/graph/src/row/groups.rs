//! Groups of the directory: from rows to updates.

use std::borrow::Cow;

use atlas_domain::directory::{GroupPatch, GroupState, GroupUpdate};
use atlas_domain::failure::{RowDefect, RowProblem};
use atlas_domain::ids::GroupId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::request::parse::{self, RawRow};
use crate::row::user_information::redact;

/// A page of groups or of changes of groups.
#[derive(Debug, Default)]
pub(crate) struct GroupsRead {
    pub(crate) updates: Vec<GroupUpdate>,
    pub(crate) rows: u64,
    pub(crate) problems: Vec<RowProblem>,
    /// Whether one of the problems left a row out.
    pub(crate) lost: bool,
    pub(crate) next: Option<String>,
    pub(crate) delta_link: Option<String>,
}

/// A row of `/groups`. A property that was not sent is `None`, one that was sent as null `Some(None)`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupRow {
    pub(crate) id: GroupId,
    #[serde(rename = "@removed", default, deserialize_with = "present")]
    removed: Option<Option<serde::de::IgnoredAny>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) description: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) group_types: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) security_enabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) mail_enabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    membership_rule: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    membership_rule_processing_state: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) is_assignable_to_role: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) on_premises_sync_enabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    visibility: Option<Option<String>>,
}

fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Removes NUL, which PostgreSQL cannot store, and user information in URLs.
fn clean(text: String) -> String {
    let text = if text.contains('\0') {
        text.replace('\0', "")
    } else {
        text
    };
    if let Cow::Owned(redacted) = redact(&text) {
        return redacted;
    }
    text
}

impl GroupRow {
    /// Reads a row, and returns what was altered in it.
    ///
    /// # Errors
    /// The id, if there is one, and the defect of a row that cannot be used.
    pub(crate) fn read(
        raw: &RawRow<'_>,
    ) -> Result<(Self, Option<RowDefect>), (Option<String>, RowDefect)> {
        if let Some(group) = raw.strict() {
            return Ok((group, None));
        }
        let row = raw.read().map_err(|defect| (None, defect))?;
        let id = row.value.get("id").and_then(Value::as_str);
        let id = id.and_then(|id| id.parse::<GroupId>().ok());
        let Some(id) = id.filter(|_| !row.altered.contains("id")) else {
            return Err((None, RowDefect::NoId));
        };
        match serde_json::from_value(row.value) {
            Ok(group) => Ok((group, row.defect)),
            Err(_) => Err((Some(id.to_string()), RowDefect::Unreadable)),
        }
    }

    /// Whether `groupTypes` has this word; `None` when it was not sent.
    pub(crate) fn is_a(&self, word: &str) -> Option<bool> {
        let types = self.group_types.as_ref()?;
        let mut types = types.iter().flatten();
        Some(types.any(|one| one.eq_ignore_ascii_case(word)))
    }

    fn into_update(self) -> GroupUpdate {
        let id = self.id;
        if self.removed.is_some() {
            return GroupUpdate {
                id,
                state: GroupState::Gone,
            };
        }
        let text = |sent: Option<Option<String>>| sent.map(|text| text.map(clean));
        let patch = GroupPatch {
            unified: self.is_a("Unified"),
            dynamic: self.is_a("DynamicMembership"),
            security: self.security_enabled.map(Option::unwrap_or_default),
            mail: self.mail_enabled.map(Option::unwrap_or_default),
            description: text(self.description),
            membership_rule: text(self.membership_rule),
            membership_rule_state: text(self.membership_rule_processing_state),
            assignable_to_role: self.is_assignable_to_role,
            on_premises: self.on_premises_sync_enabled,
            visibility: text(self.visibility),
            name: self
                .display_name
                .map(|name| clean(name.unwrap_or_default()).into()),
        };
        GroupUpdate {
            id,
            state: GroupState::Present(patch),
        }
    }
}

/// Reads a page.
///
/// # Errors
/// Why it is no page of groups.
pub(crate) fn read(body: &[u8]) -> Result<GroupsRead, &'static str> {
    let page = parse::open(body)?;
    if page.next.is_none() && page.delta_link.is_none() {
        return Err("it has neither a link to the next page nor one to later changes");
    }
    let mut read = GroupsRead {
        updates: Vec::with_capacity(page.rows.len()),
        rows: u64::try_from(page.rows.len()).unwrap_or(u64::MAX),
        next: page.next,
        delta_link: page.delta_link,
        ..GroupsRead::default()
    };
    for (place, raw) in page.rows.iter().enumerate() {
        let (id, defect) = match GroupRow::read(raw) {
            Ok((row, defect)) => {
                let id = row.id.to_string();
                read.updates.push(row.into_update());
                (Some(id), defect)
            }
            Err((id, defect)) => {
                read.lost = true;
                (id, Some(defect))
            }
        };
        if let Some(defect) = defect {
            read.problems.push(parse::problem(place, id, defect));
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_sent_as_null_and_not_sent_are_three_things() {
        let body = r#"{"@odata.deltaLink": "x", "value": [
            {"id": "00000000-0000-4000-8000-000000000001", "description": null,
             "groupTypes": ["Unified"]},
            {"id": "00000000-0000-4000-8000-000000000002", "@removed": {"reason": "changed"}},
            {"id": "00000000-0000-4000-8000-000000000003", "displayName": "A\u0000b",
             "description": "See http://u:SECRET@h"},
            {"id": "00000000-0000-4000-8000-000000000004", "@removed": {"reason": "deleted"}}]}"#;
        let read = read(body.as_bytes()).unwrap();
        let patch = |at: usize| match &read.updates[at].state {
            GroupState::Present(patch) => serde_json::to_value(patch).unwrap(),
            GroupState::Gone => Value::Null,
        };
        assert_eq!(
            patch(0),
            serde_json::json!({"description": null, "unified": true, "dynamic": false})
        );
        assert_eq!(patch(1), Value::Null);
        assert_eq!(patch(3), Value::Null);
        assert_eq!(
            patch(2),
            serde_json::json!({"name": "Ab", "name_key": "ab",
                "description": "See http://redacted@h"})
        );
    }

    #[test]
    fn a_page_without_a_link_is_an_error() {
        for body in [
            "",
            "{}",
            r#"{"value": []}"#,
            r#"{"value": [{"id": "x"}]}"#,
            r#"{"value": [], "@odata.nextLink": "", "@odata.deltaLink": ""}"#,
            r#"{"value": [], "@odata.deltaLink": "x", "error": {"code": "x"}}"#,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_used_is_counted_and_the_others_are_read() {
        let id = |last: u8| format!("00000000-0000-4000-8000-00000000000{last}");
        let body = format!(
            r#"{{"@odata.deltaLink": "x", "@odata.nextLink": "", "value": [
                {{"id": "{}", "displayName": "A\ud800", "unknown": 1E999}}, null, {{}},
                {{"id": "no group"}}, {{"id": "{}", "displayName": 7}},
                {{"id": "{}", "displayName": "B"}}]}}"#,
            id(1),
            id(2),
            id(3)
        );
        let read = read(body.as_bytes()).unwrap();
        assert!(read.lost && read.next.is_none());
        let ids: Vec<_> = read.updates.iter().map(|one| one.id.to_string()).collect();
        assert_eq!(ids, [id(1), id(3)]);
        let rows = read.problems.into_iter();
        let rows: Vec<_> = rows.map(|row| (row.position, row.id, row.defect)).collect();
        assert_eq!(
            rows,
            [
                (Some(1), Some(id(1)), RowDefect::TextReplaced),
                (Some(2), None, RowDefect::NotAnObject),
                (Some(3), None, RowDefect::NoId),
                (Some(4), None, RowDefect::NoId),
                (Some(5), Some(id(2)), RowDefect::Unreadable),
            ]
        );
    }
}
