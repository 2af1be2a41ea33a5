//! What a correct client must have stored, without HTTP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer_values::{self, ValueChange};
use crate::audit::AnswerActor;
use crate::collections::{Assignments, Kind, collections, index_of};
use crate::content::{self, Expand, Links, Reference, Row, View, navigations, places};
use crate::directory::{Directory, Object};
use crate::readable_rows::rows;

/// One object of a policy type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnswerItem {
    /// Graph's id; for partner tenants, which have none, the tenant's id.
    pub id: String,
    /// The name; where rows of the type have none, the id.
    pub name: String,
    /// How many assignments the list showed; absent where a list shows none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub assignment_count: Option<usize>,
}

/// Per policy type its objects, sorted by id. Every key is there; the types that only users can
/// read are empty, and Microsoft's own apps, scripts and roles are left out.
pub type AnswerKey = BTreeMap<String, Vec<AnswerItem>>;

pub(crate) fn answer_key(directory: &Directory) -> AnswerKey {
    let mut answer = AnswerKey::new();
    for collection in collections() {
        for key in collection.keys() {
            answer.insert(key.to_owned(), Vec::new());
        }
    }
    for row in rows(directory) {
        let id = row.id();
        let listed = collections()[row.index()].assignments == Assignments::Expand;
        let item = AnswerItem {
            name: row.name().unwrap_or_else(|| id.clone()),
            id,
            assignment_count: listed.then(|| row.assignment_count()),
        };
        answer.entry(row.key().to_owned()).or_default().push(item);
    }
    for items in answer.values_mut() {
        items.sort();
    }
    answer
}

/// One thing that an object refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnswerLink {
    /// The policy type of the object.
    pub policy_type: String,
    /// The path of the object's collection, without the version.
    pub path: String,
    /// The object's id.
    pub id: String,
    /// The kind of link, in the inventory's words.
    pub kind: String,
    /// The kind of target, in the inventory's words.
    pub target_kind: String,
    /// The target's id among its kind.
    pub target_id: String,
    /// What else is said of it.
    pub qualifier: BTreeMap<String, String>,
    /// Where Graph shows it: `row` (in lists too), `item` (only the object by itself),
    /// `assignments`, or `navigation` (to be expanded or read by itself).
    pub source: String,
    /// Whether nothing with that id is there, where the target would be an object of the
    /// simulator; absent for other targets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dangling: Option<bool>,
}

/// Every link of a tenant's own objects that an application can read, sorted, each once.
pub(crate) fn links(directory: &Directory) -> Vec<AnswerLink> {
    let mut all: Vec<AnswerLink> = rows(directory)
        .flat_map(|row| {
            let path = collections()[row.index()].path();
            let id = row.id();
            references(&row)
                .into_iter()
                .map(move |one| AnswerLink {
                    policy_type: row.key().to_owned(),
                    path: path.to_owned(),
                    id: id.clone(),
                    kind: one.kind.to_owned(),
                    target_kind: one.target_kind.to_owned(),
                    dangling: dangling(directory, &one),
                    qualifier: one
                        .qualifier
                        .iter()
                        .map(|(name, value)| ((*name).to_owned(), value.clone()))
                        .collect(),
                    source: one.source.word().to_owned(),
                    target_id: one.target_id,
                })
                .collect::<Vec<_>>()
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

/// What an object refers to, wherever Graph shows it.
fn references(row: &Row<'_>) -> Vec<Reference> {
    let expand = |name: &str, inner: Vec<Expand>| Expand {
        name: name.to_owned(),
        inner,
    };
    let deep = vec![
        expand("scheduledActionConfigurations", Vec::new()),
        expand("definition", vec![expand("definitionFile", Vec::new())]),
    ];
    let view = View {
        item: true,
        v1: false,
        unknown_members: true,
        expand: &[],
    };
    let mut links = Links::noted();
    drop(row.body(view, &mut links));
    drop(row.assignments(&mut links));
    let own = navigations(&collections()[row.index()]).iter();
    let cast = row.odata_type().unwrap_or_default().trim_start_matches('#');
    for navigation in own.chain(content::cast_navigations(cast)) {
        drop(row.navigate(navigation.name, &deep, &mut links));
    }
    links.into_notes()
}

/// Where targets of a kind stand; empty for those that the simulator does not hold.
fn places_of(target_kind: &str) -> &'static [&'static str] {
    match target_kind {
        "group" => &[places::GROUPS],
        "assignment_filter" => &[places::FILTERS],
        "policy_set" => &[places::POLICY_SETS],
        "role_scope_tag" => &[places::SCOPE_TAGS],
        "mobile_app" => &[places::APPS],
        "mobile_app_category" => &[places::APP_CATEGORIES],
        "vpp_token" => &[places::VPP_TOKENS],
        "notification_message_template" => &[places::MESSAGE_TEMPLATES],
        "compliance_script" => &[places::COMPLIANCE_SCRIPTS],
        "reusable_policy_setting" => &[places::REUSABLE_SETTINGS],
        "configuration_policy_template" => &[places::CONFIGURATION_TEMPLATES],
        "device_management_template" => &[places::INTENT_TEMPLATES],
        "device_configuration" => &[places::PROFILES],
        "configuration_policy" => &[places::CONFIGURATION_POLICIES],
        "compliance_policy" => &[places::COMPLIANCE_POLICIES],
        "managed_app_protection" => &[places::MANAGED_APP_PROTECTIONS, places::MDM_WIP_POLICIES],
        "targeted_managed_app_configuration" => &[places::MANAGED_APP_CONFIGURATIONS],
        "mobile_app_configuration" => &[places::APP_CONFIGURATIONS],
        "enrollment_configuration" => &[places::ENROLLMENT],
        "autopilot_profile" => &[places::AUTOPILOT],
        "device_management_script" => &[places::SCRIPTS],
        "ios_app_provisioning" => &[places::APP_PROVISIONING],
        "derived_credential" => &[places::DERIVED_CREDENTIALS],
        "tunnel_site" => &[places::TUNNEL_SITES],
        "group_policy_definition_file" => &[places::DEFINITION_FILES],
        "dep_onboarding_setting" => &[places::ENROLLMENT_TOKENS],
        "named_location" => &[places::LOCATIONS],
        "authentication_context" => &[places::CONTEXTS],
        "authentication_strength" => &[places::STRENGTHS],
        "role_definition" => &[places::ROLES],
        "cloud_pc_connection" => &[places::CONNECTIONS],
        "cloud_pc_image" => &[places::IMAGES],
        _ => &[],
    }
}

fn dangling(directory: &Directory, link: &Reference) -> Option<bool> {
    let places = places_of(link.target_kind);
    let found = |place: &&str| content::find(directory, index_of(place), &link.target_id).is_some();
    (!places.is_empty()).then(|| !places.iter().any(found))
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerChangeKind {
    /// It is new.
    Created,
    /// Its contents differ.
    Changed,
    /// It has other assignments.
    Reassigned,
    /// It was deleted.
    Gone,
    /// It was deleted before the mark and is there again.
    Back,
}

/// A member of an object that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// JSON pointer to it. Objects are taken apart, arrays are not.
    pub pointer: String,
    /// What it was; null for secrets.
    pub old: Value,
    /// What it is; null for secrets.
    pub new: Value,
    /// It is a secret: a client may know that it changed, not what it is.
    #[serde(default)]
    pub secret: bool,
    /// It is the object's time or version, which every change moves.
    #[serde(default)]
    pub bookkeeping: bool,
}

/// What a correct client must find out about one object that it read at the mark and reads now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerChange {
    /// The policy type of the object.
    pub policy_type: String,
    /// Its id.
    pub id: String,
    /// What happened.
    pub change: AnswerChangeKind,
    /// What differs in the row, for changed ones.
    #[serde(default)]
    pub fields: Vec<FieldChange>,
    /// What differs under the object and in its scripts, for changed ones.
    #[serde(default)]
    pub values: Vec<ValueChange>,
    /// Who did it, the latest first. Several where the object was changed more than once.
    #[serde(default)]
    pub actors: Vec<AnswerActor>,
}

/// What happened between two states of a tenant, sorted by policy type, id and kind, with the
/// object's place. Objects of which only counts moved are not there.
pub(crate) fn changes(old: &Directory, new: &Directory) -> Vec<(usize, u32, AnswerChange)> {
    let mut all = Vec::new();
    for (index, set) in new.sets.iter().enumerate() {
        for now in set.ever() {
            let changes = changes_of(old, new, index, *now);
            all.extend(
                changes
                    .into_iter()
                    .map(|change| (index, now.serial, change)),
            );
        }
    }
    all.sort_by(|(.., one), (.., other)| {
        (&one.policy_type, &one.id, one.change).cmp(&(&other.policy_type, &other.id, other.change))
    });
    all
}

/// What happened to an object of a collection that an application can read.
pub(crate) fn changes_of(
    old: &Directory,
    new: &Directory,
    index: usize,
    now: Object,
) -> Vec<AnswerChange> {
    let mut all = Vec::new();
    if now.built_in || collections()[index].kind() == Kind::DelegatedOnly {
        return all;
    }
    let before = old.sets[index].by_serial(now.serial);
    if before == Some(now) {
        return all;
    }
    let row = Row::new(new, index, now);
    let mut note = |change: AnswerChangeKind, fields, values| {
        all.push(AnswerChange {
            policy_type: row.key().to_owned(),
            id: row.id(),
            change,
            fields,
            values,
            actors: Vec::new(),
        });
    };
    let mut noted = |change| note(change, Vec::new(), Vec::new());
    match before.map(|before| (before, before.gone)) {
        None if now.gone => {}
        None => noted(AnswerChangeKind::Created),
        Some((_, true)) if now.gone => {}
        Some((_, true)) => noted(AnswerChangeKind::Back),
        Some((_, false)) if now.gone => noted(AnswerChangeKind::Gone),
        Some((before, false)) => {
            if reassigned(before, now, &row) {
                noted(AnswerChangeKind::Reassigned);
            }
            let (fields, values) = differences(&Row::new(old, index, before), &row);
            if fields.iter().any(|field| !field.bookkeeping) || !values.is_empty() {
                note(AnswerChangeKind::Changed, fields, values);
            }
        }
    }
    all
}

fn reassigned(before: Object, now: Object, row: &Row<'_>) -> bool {
    collections()[row.index()].assignments != Assignments::None
        && before.reassigned != now.reassigned
}

fn differences(old: &Row<'_>, new: &Row<'_>) -> (Vec<FieldChange>, Vec<ValueChange>) {
    let fields = content::differences(old, new)
        .into_iter()
        .map(|(pointer, one)| FieldChange {
            pointer,
            old: if one.secret { Value::Null } else { one.old },
            new: if one.secret { Value::Null } else { one.new },
            secret: one.secret,
            bookkeeping: one.bookkeeping,
        })
        .collect();
    (fields, answer_values::changes(old, new))
}
