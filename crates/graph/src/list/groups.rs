//! The groups of a directory: what is there, and later what changed since.
//!
//! Microsoft Graph documentation, "Use delta query to track changes" and "group: delta": rows may
//! repeat, their order says nothing, and at the end stands the link with which to ask for what
//! changes from there on. Such links live for seven days.

use std::borrow::Cow;

use atlas_domain::directory::{GroupPatch, GroupState, GroupUpdate};
use atlas_domain::failure::{RowDefect, RowProblem, RowProblems};
use atlas_domain::ids::GroupId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::list::progress::Progress;
use crate::list::seen_keys::SeenKeys;
use crate::request::call::AddressKind;
use crate::request::link::VersionRoot;
use crate::request::pacer::Place;
use crate::request::parse::{self, RawRow};
use crate::row::user_information::redact;

const VERSION: &str = "v1.0";
const PATH: &str = "/groups/delta";
const QUERY: &str = "$select=id,displayName,description,groupTypes,securityEnabled,mailEnabled,\
                     membershipRule,membershipRuleProcessingState,isAssignableToRole,\
                     onPremisesSyncEnabled,visibility";

/// The application permission that reading groups needs.
pub const GROUPS_PERMISSION: &str = "Group.Read.All";

/// One page of groups and changes of groups.
#[derive(Debug)]
pub struct GroupPage {
    /// In the order in which Graph sent them.
    pub news: Vec<GroupUpdate>,
    /// Among the pages in memory, until it is dropped.
    _place: Option<Place>,
}

/// Reads the groups of a directory, page by page.
///
/// Text that is damaged costs its row nothing but a few characters. A row that says nothing that can
/// be used costs the reading its end: a group that occurs in that row alone would be taken for
/// gone, and a change that is passed over is never sent again.
pub struct GroupReader {
    graph: TenantGraph,
    root: VersionRoot,
    next: Option<(Url, AddressKind)>,
    refused: Option<PagingRefusal>,
    pages: u32,
    links: SeenKeys,
    ids: SeenKeys,
    progress: Progress,
    rows: u64,
    row_problems: RowProblems,
    lost: bool,
    delta_link: Option<String>,
}

impl TenantGraph {
    /// Begins to read the directory's groups: all of them, or what changed since the reading whose
    /// end gave `since`. Nothing is sent before the first page is asked for.
    #[must_use]
    pub fn groups(&self, since: Option<&str>) -> GroupReader {
        let root = VersionRoot::new(&self.graph, VERSION);
        let (next, refused) = match since.map(|link| root.follow(link)) {
            None => (Some((root.address(PATH, QUERY), AddressKind::First)), None),
            Some(Ok(url)) => (Some((url, AddressKind::Next)), None),
            Some(Err(refusal)) => (None, Some(refusal)),
        };
        GroupReader {
            graph: self.clone(),
            root,
            next,
            refused,
            pages: 0,
            links: SeenKeys::default(),
            ids: SeenKeys::default(),
            progress: Progress::default(),
            rows: 0,
            row_problems: RowProblems::default(),
            lost: false,
            delta_link: None,
        }
    }
}

impl GroupReader {
    /// The next page; `None` at the end, after which [`GroupReader::delta_link`] is known.
    ///
    /// # Errors
    /// [`GraphError`]. With [`GraphErrorKind::PageExpired`] or [`GraphErrorKind::Paging`] the link that was
    /// begun with is of no use any more: a new reading begins without one.
    pub async fn next_page(&mut self) -> Result<Option<GroupPage>, GraphError> {
        if let Some(refusal) = self.refused {
            return Err(GraphErrorKind::Paging(refusal).into());
        }
        let Some((url, address_kind)) = self.next.clone() else {
            return Ok(None);
        };
        if self.pages >= self.graph.http.options().max_pages {
            self.refused = Some(PagingRefusal::TooManyPages);
            return Err(GraphErrorKind::Paging(PagingRefusal::TooManyPages).into());
        }
        // Only an object can be absent.
        let answer = self.graph.get_page(&url, address_kind, false, read).await?;
        let (read, place) = answer.unwrap_or_default();
        self.pages += 1;
        self.next = None;
        self.links.insert(url.as_str());
        let new = self.count(&read);
        if let Err(refusal) = self.go_on(&read, new) {
            self.refused = Some(refusal);
        }
        Ok(Some(GroupPage {
            news: read.news,
            _place: place,
        }))
    }

    /// Counts the rows of a page. Gives whether one of them is of a group that was not met before.
    fn count(&mut self, read: &Read) -> bool {
        for problem in &read.problems {
            self.row_problems.add(RowProblem {
                position: problem.position.map(|position| self.rows + position),
                ..problem.clone()
            });
        }
        self.rows += read.rows;
        self.lost |= read.lost;
        let mut new = false;
        for one in &read.news {
            new |= self.ids.insert(&one.id.to_string());
        }
        new
    }

    /// A link that must not be followed is held against the next call: this page is good.
    fn go_on(&mut self, read: &Read, new: bool) -> Result<(), PagingRefusal> {
        if let Some(link) = &read.next {
            self.progress.page(read.rows, new)?;
            let url = self.root.follow(link)?;
            if !self.links.insert(url.as_str()) {
                return Err(PagingRefusal::Repeated);
            }
            self.next = Some((url, AddressKind::Next));
        } else if let Some(link) = &read.delta_link {
            self.root.follow(link)?;
            self.delta_link = Some(link.clone());
        }
        Ok(())
    }

    /// Rows so far that were altered or left out.
    #[must_use]
    pub const fn row_problems(&self) -> &RowProblems {
        &self.row_problems
    }

    /// Whether a row so far said nothing that could be used. Then nothing may be concluded from a
    /// group's absence, and a later reading must not go on at this one's end.
    #[must_use]
    pub const fn lost_rows(&self) -> bool {
        self.lost
    }

    /// Where a later reading goes on. There after the last page; without it the reading did not
    /// come to its end.
    #[must_use]
    pub fn delta_link(&self) -> Option<&str> {
        self.delta_link.as_deref()
    }
}

/// The links that it holds are nobody's business.
impl std::fmt::Debug for GroupReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupReader")
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Read {
    news: Vec<GroupUpdate>,
    rows: u64,
    problems: Vec<RowProblem>,
    /// Whether one of the problems left a row out.
    lost: bool,
    next: Option<String>,
    delta_link: Option<String>,
}

/// A property that was not sent is absent, one that is empty is null.
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

/// Rows cannot hold NUL, and hold no user information of URLs.
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
    /// Reads a row, and gives what is not as it was sent.
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

    /// Whether its types hold this word; `None` when they were not sent.
    pub(crate) fn is_a(&self, word: &str) -> Option<bool> {
        let types = self.group_types.as_ref()?;
        let mut types = types.iter().flatten();
        Some(types.any(|one| one.eq_ignore_ascii_case(word)))
    }

    fn into_news(self) -> GroupUpdate {
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

fn read(body: &[u8]) -> Result<Read, &'static str> {
    let page = parse::open(body)?;
    if page.next.is_none() && page.delta_link.is_none() {
        return Err("it has neither a link to the next page nor one to later changes");
    }
    let mut read = Read {
        news: Vec::with_capacity(page.rows.len()),
        rows: u64::try_from(page.rows.len()).unwrap_or(u64::MAX),
        next: page.next,
        delta_link: page.delta_link,
        ..Read::default()
    };
    for (place, raw) in page.rows.iter().enumerate() {
        let (id, defect) = match GroupRow::read(raw) {
            Ok((row, defect)) => {
                let id = row.id.to_string();
                read.news.push(row.into_news());
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
    fn a_value_an_empty_one_and_an_absent_one_are_three_things() {
        let body = r#"{"@odata.deltaLink": "x", "value": [
            {"id": "00000000-0000-4000-8000-000000000001", "description": null,
             "groupTypes": ["Unified"]},
            {"id": "00000000-0000-4000-8000-000000000002", "@removed": {"reason": "changed"}},
            {"id": "00000000-0000-4000-8000-000000000003", "displayName": "A\u0000b",
             "description": "See http://u:SECRET@h"},
            {"id": "00000000-0000-4000-8000-000000000004", "@removed": {"reason": "deleted"}}]}"#;
        let read = read(body.as_bytes()).unwrap();
        let patch = |at: usize| match &read.news[at].state {
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
    fn a_page_that_leads_nowhere_is_none() {
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
        let ids: Vec<_> = read.news.iter().map(|one| one.id.to_string()).collect();
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
