//! Directory groups.

use atlas_domain::directory::GroupType;
use atlas_store::{GroupPlace, GroupReading, GroupView};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, moment};
use crate::paging::Page;

/// Where stored groups come from.
const CACHE: &str = "cache";
/// After so long the hint says that the stored groups are old.
const OLD: TimeDelta = TimeDelta::hours(24);

/// A directory group, as the last sync read it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DirectoryGroup {
    /// Its identifier in Microsoft Entra.
    id: Uuid,
    /// Its name.
    #[schema(max_length = 4096)]
    name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    description: Option<String>,
    /// `microsoft_365`, `security`, `mail_enabled_security` or `distribution`. New types may be added.
    #[serde(rename = "type")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    group_type: &'static str,
    /// Whether a rule determines its members.
    dynamic: bool,
    /// The rule of a dynamic group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    membership_rule: Option<String>,
    /// Whether directory roles can be assigned to it.
    assignable_to_role: bool,
    /// Whether it is synchronized from an on-premises directory.
    on_premises: bool,
    /// Who can see its members, such as `Private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    visibility: Option<String>,
    /// When a sync first read it.
    first_seen_at: DateTime<Utc>,
    /// When its stored properties last changed.
    changed_at: DateTime<Utc>,
    /// When a sync detected that it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_at: Option<DateTime<Utc>>,
}

impl From<GroupView> for DirectoryGroup {
    fn from(group: GroupView) -> Self {
        Self {
            id: group.id.into_uuid(),
            name: group.name,
            description: group.description,
            group_type: group.group_type.as_str(),
            dynamic: group.dynamic,
            membership_rule: group.membership_rule,
            assignable_to_role: group.assignable_to_role,
            on_premises: group.on_premises,
            visibility: group.visibility,
            first_seen_at: group.first_seen_at,
            changed_at: group.changed_at,
            removed_at: group.removed_at,
        }
    }
}

/// How far stored groups are to be trusted.
pub(crate) struct CacheState {
    data_as_of: Option<DateTime<Utc>>,
    hint: String,
}

impl CacheState {
    /// The state at `now` of groups whose last complete reading is `reading`.
    pub(crate) fn new(reading: Option<&GroupReading>, now: DateTime<Utc>) -> Self {
        const REFRESH: &str = "POST /tenants/{tenant_id}/directory-groups-sync";
        let hint = match reading {
            None => format!("The groups were never read to their end. {REFRESH} reads them."),
            Some(reading) if now - reading.data_as_of > OLD => format!(
                "The stored groups are old: {} days. {REFRESH} brings them up to date.",
                (now - reading.data_as_of).num_days()
            ),
            Some(_) => format!(
                "The stored groups are those of data_as_of. {REFRESH} brings them up to date."
            ),
        };
        Self {
            data_as_of: reading.map(|reading| reading.data_as_of),
            hint,
        }
    }
}

/// A page of stored groups.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DirectoryGroupPage {
    /// The groups. With `q`: names that begin with the text, then names that contain it, then similar
    /// names.
    #[schema(max_items = 200)]
    items: Vec<DirectoryGroup>,
    /// Cursor of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    next_cursor: Option<String>,
    /// Cursor of the previous page. Absent on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    previous_cursor: Option<String>,
    /// Always `cache`: the groups come from the database.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    source: &'static str,
    /// When the groups were last read completely. Absent if they never were.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
    /// How current the groups are and how to update them, as a sentence.
    #[schema(max_length = 4096)]
    hint: String,
}

impl DirectoryGroupPage {
    /// A page with where it comes from.
    pub(crate) fn new(page: Page<DirectoryGroup>, state: CacheState) -> Self {
        Self {
            items: page.items,
            next_cursor: page.next_cursor,
            previous_cursor: page.previous_cursor,
            source: CACHE,
            data_as_of: state.data_as_of,
            hint: state.hint,
        }
    }
}

/// Groups by their identifiers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResolvedGroups {
    /// The stored groups, including deleted ones.
    #[schema(max_items = 100)]
    items: Vec<DirectoryGroup>,
    /// Identifiers of unknown groups.
    #[schema(max_items = 100)]
    unresolved: Vec<Uuid>,
    /// Always `cache`: the groups come from the database.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    source: &'static str,
    /// When the groups were last read completely. Absent if they never were.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
    /// How current the groups are and how to update them, as a sentence.
    #[schema(max_length = 4096)]
    hint: String,
}

impl ResolvedGroups {
    /// What is known of these ids.
    pub(crate) fn new(asked: &[Uuid], known: Vec<GroupView>, state: CacheState) -> Self {
        let found: std::collections::HashSet<Uuid> =
            known.iter().map(|group| group.id.into_uuid()).collect();
        let mut unresolved: Vec<Uuid> = asked.to_vec();
        unresolved.retain(|id| !found.contains(id));
        unresolved.sort_unstable();
        unresolved.dedup();
        Self {
            items: known.into_iter().map(DirectoryGroup::from).collect(),
            unresolved,
            source: CACHE,
            data_as_of: state.data_as_of,
            hint: state.hint,
        }
    }
}

/// A group from a live search.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveGroup {
    /// Its identifier in Microsoft Entra.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(max_length = 4096)]
    pub(crate) name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub(crate) description: Option<String>,
    /// `microsoft_365`, `security`, `mail_enabled_security` or `distribution`. New types may be added.
    #[serde(rename = "type")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    pub(crate) group_type: &'static str,
    /// Whether directory roles can be assigned to it.
    pub(crate) assignable_to_role: bool,
    /// Whether it is synchronized from an on-premises directory.
    pub(crate) on_premises: bool,
}

/// The groups that a live search found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveGroups {
    /// The groups, in the directory's order.
    #[schema(max_items = 100)]
    pub(crate) items: Vec<LiveGroup>,
    /// Always `live`: the groups come from Microsoft Graph.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    pub(crate) source: &'static str,
    /// Whether there are more groups than `limit`. Use a longer text to find them.
    pub(crate) more: bool,
}

impl Example for DirectoryGroupPage {
    fn example() -> Self {
        Self::new(
            Page::of(DirectoryGroup::from(group())),
            CacheState::example(),
        )
    }
}

impl Example for ResolvedGroups {
    fn example() -> Self {
        let unknown = example::DIRECTORY.into_uuid();
        let asked = [example::GROUP.into_uuid(), unknown];
        Self::new(&asked, vec![group()], CacheState::example())
    }
}

impl Example for LiveGroups {
    fn example() -> Self {
        let group = LiveGroup {
            id: example::GROUP.into_uuid(),
            name: "All staff".to_owned(),
            description: None,
            group_type: GroupType::Security.as_str(),
            assignable_to_role: false,
            on_premises: false,
        };
        Self {
            items: vec![group],
            source: "live",
            more: false,
        }
    }
}

impl Example for CacheState {
    fn example() -> Self {
        let reading = GroupReading {
            present: 1_250,
            removed: 12,
            data_as_of: moment(),
            full_at: moment() - TimeDelta::days(7),
        };
        Self::new(Some(&reading), moment())
    }
}

fn group() -> GroupView {
    GroupView {
        id: example::GROUP,
        name: "All staff".to_owned(),
        description: Some("Everybody who works here.".to_owned()),
        group_type: GroupType::Security,
        dynamic: false,
        membership_rule: None,
        assignable_to_role: false,
        on_premises: false,
        visibility: Some("Private".to_owned()),
        first_seen_at: moment() - TimeDelta::days(30),
        changed_at: moment() - TimeDelta::days(2),
        removed_at: None,
        place: GroupPlace::default(),
    }
}
