//! The groups of a directory: what is there, and later what changed since.
//!
//! Microsoft Graph documentation, "Use delta query to track changes" and "group: delta": rows may
//! repeat, their order says nothing, and at the end stands the link with which to ask for what
//! changes from there on. Such links live for seven days.

use atlas_domain::directory::{GroupNews, GroupPatch, GroupTells};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::link::VersionRoot;
use crate::pacer::Place;
use crate::request::Asked;
use crate::seen::Seen;

const VERSION: &str = "v1.0";
const PATH: &str = "/groups/delta";
const QUERY: &str = "$select=id,displayName,description,groupTypes,securityEnabled,mailEnabled,\
                     membershipRule,membershipRuleProcessingState,isAssignableToRole,\
                     onPremisesSyncEnabled,visibility";

/// The application permission that reading groups needs.
pub const GROUPS_PERMISSION: &str = "Group.Read.All";

/// One page of what is told of groups.
#[derive(Debug)]
pub struct GroupPage {
    /// What is told, in the order in which it was told.
    pub news: Vec<GroupNews>,
    /// Among the pages in memory, until it is dropped.
    _place: Option<Place>,
}

/// Reads what there is to be told of a directory's groups, page by page.
pub struct GroupReader {
    graph: TenantGraph,
    root: VersionRoot,
    next: Option<(Url, Asked)>,
    refused: Option<PagingRefusal>,
    pages: u32,
    links: Seen,
    delta_link: Option<String>,
}

impl TenantGraph {
    /// Begins to read the directory's groups: all of them, or what changed since the reading whose
    /// end gave `since`. Nothing is sent before the first page is asked for.
    #[must_use]
    pub fn groups(&self, since: Option<&str>) -> GroupReader {
        let root = VersionRoot::new(&self.graph, VERSION);
        let (next, refused) = match since.map(|link| root.follow(link)) {
            None => (Some((root.address(PATH, QUERY), Asked::First)), None),
            Some(Ok(url)) => (Some((url, Asked::Next)), None),
            Some(Err(refusal)) => (None, Some(refusal)),
        };
        GroupReader {
            graph: self.clone(),
            root,
            next,
            refused,
            pages: 0,
            links: Seen::default(),
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
        let Some((url, asked)) = self.next.clone() else {
            return Ok(None);
        };
        if self.pages >= self.graph.http.options().max_pages {
            self.refused = Some(PagingRefusal::TooManyPages);
            return Err(GraphErrorKind::Paging(PagingRefusal::TooManyPages).into());
        }
        // Only an object can be absent.
        let answer = self.graph.get_page(&url, asked, false, read).await?;
        let (read, place) = answer.unwrap_or_default();
        self.pages += 1;
        self.next = None;
        self.links.insert(url.as_str());
        if let Some(link) = read.next.as_deref() {
            match self.root.follow(link) {
                Ok(url) if self.links.insert(url.as_str()) => self.next = Some((url, Asked::Next)),
                Ok(_) => self.refused = Some(PagingRefusal::Repeated),
                Err(refusal) => self.refused = Some(refusal),
            }
        } else if let Some(link) = read.delta_link {
            match self.root.follow(&link) {
                Ok(_) => self.delta_link = Some(link),
                Err(refusal) => self.refused = Some(refusal),
            }
        }
        Ok(Some(GroupPage {
            news: read.news,
            _place: place,
        }))
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
    news: Vec<GroupNews>,
    next: Option<String>,
    delta_link: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<GroupRow>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink", default)]
    delta_link: Option<String>,
}

/// A property that is not told is absent, one that is empty is null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupRow {
    pub(crate) id: atlas_domain::ids::GroupId,
    #[serde(rename = "@removed", default, deserialize_with = "told")]
    removed: Option<Option<serde::de::IgnoredAny>>,
    #[serde(default, deserialize_with = "told")]
    pub(crate) display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "told")]
    pub(crate) description: Option<Option<String>>,
    #[serde(default, deserialize_with = "told")]
    pub(crate) group_types: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "told")]
    pub(crate) security_enabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "told")]
    pub(crate) mail_enabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "told")]
    membership_rule: Option<Option<String>>,
    #[serde(default, deserialize_with = "told")]
    membership_rule_processing_state: Option<Option<String>>,
    #[serde(default, deserialize_with = "told")]
    pub(crate) is_assignable_to_role: Option<Option<bool>>,
    #[serde(default, deserialize_with = "told")]
    pub(crate) on_premises_sync_enabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "told")]
    visibility: Option<Option<String>>,
}

fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Rows cannot hold NUL.
fn clean(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "")
    } else {
        text
    }
}

impl GroupRow {
    /// Whether its types hold this word; `None` when they are not told.
    pub(crate) fn is_a(&self, word: &str) -> Option<bool> {
        let types = self.group_types.as_ref()?;
        let mut types = types.iter().flatten();
        Some(types.any(|one| one.eq_ignore_ascii_case(word)))
    }

    fn into_news(self) -> GroupNews {
        let id = self.id;
        if self.removed.is_some() {
            return GroupNews {
                id,
                tells: GroupTells::Gone,
            };
        }
        let text = |told: Option<Option<String>>| told.map(|text| text.map(clean));
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
        GroupNews {
            id,
            tells: GroupTells::There(patch),
        }
    }
}

fn read(body: &[u8]) -> Result<Read, &'static str> {
    let page: Page =
        serde_json::from_slice(body).map_err(|_| "it is not a page of groups in JSON")?;
    if page.next.is_none() && page.delta_link.is_none() {
        return Err("it has neither a link to the next page nor one to later changes");
    }
    Ok(Read {
        news: page.value.into_iter().map(GroupRow::into_news).collect(),
        next: page.next,
        delta_link: page.delta_link,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_empty_and_not_told_are_three_things() {
        let body = r#"{"@odata.deltaLink": "x", "value": [
            {"id": "00000000-0000-4000-8000-000000000001", "description": null,
             "groupTypes": ["Unified"]},
            {"id": "00000000-0000-4000-8000-000000000002", "@removed": {"reason": "changed"}},
            {"id": "00000000-0000-4000-8000-000000000003", "displayName": "A\u0000b"},
            {"id": "00000000-0000-4000-8000-000000000004", "@removed": {"reason": "deleted"}}]}"#;
        let read = read(body.as_bytes()).unwrap();
        let patch = |at: usize| match &read.news[at].tells {
            GroupTells::There(patch) => serde_json::to_value(patch).unwrap(),
            GroupTells::Gone => serde_json::Value::Null,
        };
        assert_eq!(
            patch(0),
            serde_json::json!({"description": null, "unified": true, "dynamic": false})
        );
        assert_eq!(patch(1), serde_json::Value::Null);
        assert_eq!(patch(3), serde_json::Value::Null);
        assert_eq!(
            patch(2),
            serde_json::json!({"name": "Ab", "name_key": "ab"})
        );
    }

    #[test]
    fn a_page_that_leads_nowhere_is_none() {
        for body in ["", "{}", r#"{"value": []}"#, r#"{"value": [{"id": "x"}]}"#] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
