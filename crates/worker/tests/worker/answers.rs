//! What is stored, held against what the simulator says a correct client must have stored.

mod values;

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::ids::RunId;
use atlas_domain::inventory::TypeStatus;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use atlas_domain::policy_types::registry;
use atlas_graph::{Shape, collections};
use atlas_graph_sim::{AnswerChange, AnswerChangeKind, AnswerLink};
use atlas_test_support::{Member, TestTenant};
use serde_json::Value;

use crate::installation::Installation;

/// Policy type, id in Graph, name (nothing where rows of the type have none), assignments (nothing
/// where their number is not reported).
type Item = (String, String, Option<String>, Option<i64>);
/// Policy type, id, kind, kind of target, target, qualifier.
type Link = (
    String,
    String,
    String,
    String,
    String,
    BTreeMap<String, String>,
);
/// Policy type, id, what happened, and for changed ones the fields that differ, but for secrets, of
/// which a client may know only that the object changed, and for its time and version, which every
/// change moves.
type Change = (String, String, String, BTreeMap<String, (String, String)>);

/// What a secret is replaced by begins like this, as JSON.
const REDACTED: &str = "\"withheld";

/// The names of qualifiers that both sides know.
const COMPARED: [&str; 4] = ["intent", "filter_id", "filter_type", "source"];

/// All that is known of a tenant, by one side.
#[derive(Debug, Default)]
pub(crate) struct Known {
    items: BTreeSet<Item>,
    links: BTreeSet<Link>,
    /// Links that lead nowhere, where that can be reported.
    dangling: BTreeSet<Link>,
}

/// Policy types that application permissions do not suffice for.
fn delegated(key: &str) -> bool {
    !registry().find(key).unwrap().describe().app_only
}

/// What the simulator's answer key says of a tenant.
pub(crate) fn expected(installation: &Installation, tenant: TestTenant) -> Known {
    let directory = tenant.directory_id.to_string();
    let mut known = Known::default();
    for (key, list) in installation.simulator.answer_key(&directory) {
        if delegated(&key) {
            continue;
        }
        known.items.extend(list.into_iter().map(|item| {
            let name = (item.name != item.id).then_some(item.name);
            let count = item
                .assignment_count
                .map(|count| i64::try_from(count).unwrap());
            (key.clone(), external_id(&key, item.id), name, count)
        }));
    }
    for link in installation.simulator.answer_links(&directory) {
        // Which policies use a reusable setting is read from the setting, for one request instead of
        // thousands; the real service keeps settings that are in use.
        if link.kind == LinkKind::UsesReusableSetting.as_str() && link.dangling == Some(true) {
            continue;
        }
        let leads_nowhere = link.dangling == Some(true) && held(&link.target_kind);
        let line = line(link);
        if leads_nowhere {
            known.dangling.insert(line.clone());
        }
        known.links.insert(line);
    }
    known
}

/// The id under which an object with this id in Graph is kept: a singleton is one of its policy type,
/// whatever its id.
pub(crate) fn external_id(policy_type: &str, id: String) -> String {
    let mut all = collections().iter();
    let singleton =
        all.any(|one| one.key().as_str() == policy_type && one.shape() == Shape::Singleton);
    if singleton {
        policy_type.to_owned()
    } else {
        id
    }
}

/// Whether an inventory of all policy types has the targets of a kind.
fn held(target_kind: &str) -> bool {
    let kinds = TargetKind::ALL.into_iter();
    let mut kind = kinds.filter(|kind| kind.as_str() == target_kind);
    kind.next().is_some_and(|kind| {
        let types = kind.policy_types();
        !types.is_empty() && types.iter().all(|key| registry().find(key).is_some())
    })
}

fn line(link: AnswerLink) -> Link {
    let qualifier = compared(link.qualifier);
    let id = external_id(&link.policy_type, link.id);
    (
        link.policy_type,
        id,
        link.kind,
        link.target_kind,
        link.target_id,
        qualifier,
    )
}

fn compared(qualifier: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut qualifier = qualifier;
    qualifier.retain(|name, _| COMPARED.contains(&name.as_str()));
    qualifier
}

/// What is stored of a tenant, in the words of the answer key.
pub(crate) async fn stored(installation: &Installation, tenant: TestTenant, key: &Known) -> Known {
    // Where the key reports no name or number, what is stored is not compared.
    let reported: BTreeMap<(&str, &str), &Item> = key
        .items
        .iter()
        .map(|item| ((item.0.as_str(), item.1.as_str()), item))
        .collect();
    let connection = installation.database.connection().await;
    let tenant = tenant.id.to_string();
    let items = "SELECT policy_type, external_id, name, assignment_count::bigint \
        FROM inventory_items WHERE tenant_id = $1::text::uuid AND missing_since IS NULL";
    let mut known = Known::default();
    for row in connection.query(items, &[&tenant]).await.unwrap() {
        let (policy_type, id): (String, String) = (row.get(0), row.get(1));
        let reported = reported.get(&(policy_type.as_str(), id.as_str()));
        let name = reported
            .is_none_or(|item| item.2.is_some())
            .then(|| row.get(2));
        let count = reported.and_then(|item| item.3).and_then(|_| row.get(3));
        known.items.insert((policy_type, id, name, count));
    }
    let links = "SELECT i.policy_type, i.external_id, l.kind, l.target_kind, l.target_id, \
            l.qualifier::text, l.dangling \
        FROM inventory_links l JOIN inventory_items i ON i.id = l.item_id \
        WHERE l.tenant_id = $1::text::uuid AND i.missing_since IS NULL";
    for row in connection.query(links, &[&tenant]).await.unwrap() {
        let qualifier = serde_json::from_str(row.get(5)).unwrap();
        let line: Link = (
            row.get(0),
            row.get(1),
            row.get(2),
            row.get(3),
            row.get(4),
            compared(qualifier),
        );
        if row.get(6) {
            known.dangling.insert(line.clone());
        }
        known.links.insert(line);
    }
    known
}

/// Objects that are marked as gone although the key has them.
pub(crate) async fn marked_gone(
    installation: &Installation,
    tenant: TestTenant,
    key: &Known,
) -> Vec<(String, String)> {
    let connection = installation.database.connection().await;
    let statement = "SELECT policy_type, external_id FROM inventory_items \
        WHERE tenant_id = $1::text::uuid AND missing_since IS NOT NULL ORDER BY 1, 2";
    let rows = connection.query(statement, &[&tenant.id.to_string()]).await;
    let there: BTreeSet<(&str, &str)> = key
        .items
        .iter()
        .map(|item| (item.0.as_str(), item.1.as_str()))
        .collect();
    rows.unwrap()
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .filter(|(policy_type, id): &(String, String)| {
            there.contains(&(policy_type.as_str(), id.as_str()))
        })
        .collect()
}

impl Known {
    /// Without these policy types.
    pub(crate) fn without(mut self, types: &BTreeSet<String>) -> Self {
        self.items.retain(|one| !types.contains(&one.0));
        self.links.retain(|one| !types.contains(&one.0));
        self.dangling.retain(|one| !types.contains(&one.0));
        self
    }

    /// How many objects.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The same objects and links.
    pub(crate) fn assert_same(&self, key: &Self, case: &str) {
        assert_eq!(
            few(&key.items, &self.items),
            Vec::<&Item>::new(),
            "{case}: not stored"
        );
        assert_eq!(
            few(&self.items, &key.items),
            Vec::<&Item>::new(),
            "{case}: stored, and not so"
        );
        assert_eq!(
            few(&key.links, &self.links),
            Vec::<&Link>::new(),
            "{case}: links not stored"
        );
        assert_eq!(
            few(&self.links, &key.links),
            Vec::<&Link>::new(),
            "{case}: links, and not so"
        );
    }

    /// The same links lead nowhere.
    pub(crate) fn assert_same_dangling(&self, key: &Self, case: &str) {
        let none = Vec::<&Link>::new();
        assert_eq!(
            few(&key.dangling, &self.dangling),
            none,
            "{case}: not reported as dangling"
        );
        assert_eq!(
            few(&self.dangling, &key.dangling),
            none,
            "{case}: dangling, and not so"
        );
    }
}

/// Shows a few of many.
fn few<'a, T: Ord>(ours: &'a BTreeSet<T>, theirs: &'a BTreeSet<T>) -> Vec<&'a T> {
    ours.difference(theirs).take(5).collect()
}

/// What must have been found out since the mark.
pub(crate) fn expected_changes(
    installation: &Installation,
    tenant: TestTenant,
) -> BTreeMap<Change, usize> {
    let changes = installation
        .simulator
        .changes_since_mark(&tenant.directory_id.to_string());
    let mut all = BTreeMap::new();
    for change in changes
        .into_iter()
        .filter(|change| !delegated(&change.policy_type) && !values::is_invisible(change))
    {
        *all.entry(in_our_words(change)).or_default() += 1;
    }
    all
}

fn in_our_words(change: AnswerChange) -> Change {
    let word = match change.change {
        AnswerChangeKind::Created => "created",
        AnswerChangeKind::Changed => "changed",
        AnswerChangeKind::Reassigned => "reassigned",
        AnswerChangeKind::Gone => "gone",
        AnswerChangeKind::Back => "back",
    };
    let values = values::fields(&change);
    let reported = change
        .fields
        .into_iter()
        // The count is no content: the settings themselves differ.
        .filter(|one| !one.secret && !one.bookkeeping && one.pointer != "/settingCount");
    let fields = reported
        .map(|one| {
            let (old, new) = (values::canonical(&one.old), values::canonical(&one.new));
            (one.pointer, (old, new))
        })
        // A null that became an object, whose members are reported.
        .filter(|(_, (old, new))| old != new)
        .chain(values);
    let id = external_id(&change.policy_type, change.id);
    (change.policy_type, id, word.to_owned(), fields.collect())
}

/// What these runs recorded, and how often.
pub(crate) async fn stored_changes(
    installation: &Installation,
    runs: &[RunId],
) -> BTreeMap<Change, usize> {
    let connection = installation.database.connection().await;
    let statement = "SELECT i.policy_type, i.external_id, c.kind, c.detail::text \
        FROM inventory_changes c JOIN inventory_items i ON i.id = c.item_id \
        WHERE c.run_id::text = ANY($1)";
    let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let mut all = BTreeMap::new();
    for row in connection.query(statement, &[&runs]).await.unwrap() {
        let (policy_type, id, kind): (String, String, String) =
            (row.get(0), row.get(1), row.get(2));
        let detail: Option<String> = row.get(3);
        let detail: Value = detail.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        let fields = detail["fields"].as_array().cloned().unwrap_or_default();
        let fields = fields.into_iter().filter_map(|field| {
            let secret = [&field["old"], &field["new"]]
                .iter()
                .any(|value| value.to_string().contains(REDACTED));
            let pointer = field["field"].as_str().unwrap().to_owned();
            let (old, new) = (
                values::canonical(&field["old"]),
                values::canonical(&field["new"]),
            );
            (!secret && !values::is_beside(&pointer)).then_some((pointer, (old, new)))
        });
        let fields = fields.collect();
        *all.entry((policy_type, id, kind, fields)).or_default() += 1;
    }
    all
}

/// The same changes, each as often.
pub(crate) fn assert_same_changes(
    ours: &BTreeMap<Change, usize>,
    theirs: &BTreeMap<Change, usize>,
    but: &BTreeSet<String>,
    case: &str,
) {
    let count = |(change, count): (&Change, &usize)| (change.clone(), *count);
    let of = |all: &BTreeMap<Change, usize>| -> BTreeSet<(Change, usize)> {
        all.iter()
            .filter(|(change, _)| !but.contains(&change.0))
            .map(count)
            .collect()
    };
    let (mut ours, theirs) = (of(ours), of(theirs));
    // Where secrets are redacted, an edit of them shows only by the object's time, which other edits and
    // assignments move as well, also when the secrets are read in a later run.
    let moved = |change: &Change| {
        let mut theirs = theirs.iter();
        theirs.any(|(other, _)| (&other.0, &other.1) == (&change.0, &change.1))
    };
    ours.retain(|(change, count)| {
        let nothing_reported = change.2 == "changed" && change.3.is_empty();
        !nothing_reported || theirs.contains(&(change.clone(), *count)) || !moved(change)
    });
    let (lacking, besides) = (few(&theirs, &ours), few(&ours, &theirs));
    let differ = !lacking.is_empty() || !besides.is_empty();
    assert!(
        !differ,
        "{case}: not recorded: {lacking:?}\nrecorded, and not so: {besides:?}"
    );
}

/// What the run says of each policy type that it did not read completely. Every such one comes with
/// an error, and no other does.
pub(crate) async fn shortcomings(
    installation: &Installation,
    member: &Member,
    run: RunId,
) -> BTreeMap<String, (TypeStatus, String)> {
    let results = installation.results(member, run).await;
    let lacking = results.into_values().filter(|result| {
        let lacking = result.status != TypeStatus::Succeeded;
        assert_eq!(result.error.is_some(), lacking, "{}", result.policy_type);
        lacking
    });
    let reported = lacking.map(|result| {
        let error = result.error.unwrap();
        let said = format!("{}: {}", error.code.as_str(), error.detail);
        (result.policy_type.to_string(), (result.status, said))
    });
    reported.collect()
}
