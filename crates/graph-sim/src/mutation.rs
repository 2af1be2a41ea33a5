//! Changes between two readings of a tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::collections::{Assignments, Collection, IdForm, Kind, Shape, collections};
use crate::content::{Rng, Row};
use crate::directory::{Directory, Object};

/// How many objects to change, and how. No object is changed in two ways by one script.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MutationScript {
    /// Decides which objects are taken.
    pub seed: u64,
    /// How many to make.
    pub add: usize,
    /// How many to delete.
    pub delete: usize,
    /// How many to give another name.
    pub rename: usize,
    /// How many to give other contents under the same name.
    pub edit: usize,
    /// How many to assign to others. Only objects whose list tells their assignments are taken.
    pub reassign: usize,
    /// Only objects of these policy types; empty for all.
    pub keys: Vec<String>,
}

/// What a script did to one policy type. Ids, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// New objects.
    pub added: Vec<String>,
    /// Objects that are gone.
    pub deleted: Vec<String>,
    /// Objects with another name.
    pub renamed: Vec<String>,
    /// Objects with other contents.
    pub edited: Vec<String>,
    /// Objects with other assignments.
    pub reassigned: Vec<String>,
}

/// Where an object stands: the collection's index and the object's in it.
type Place = (usize, usize);

/// Changes a tenant and says per policy type what was changed. When fewer objects can be changed
/// in some way than the script asks for, all that can are.
pub(crate) fn mutate(
    directory: &mut Directory,
    script: &MutationScript,
) -> BTreeMap<String, Changes> {
    let mut rng = Rng::from_parts(&[directory.facts.seed, script.seed]);
    let mut report = BTreeMap::<String, Changes>::new();
    let mut places = candidates(directory, script);
    for last in (1..places.len()).rev() {
        places.swap(last, rng.below(last + 1));
    }
    let deleted = take(&mut places, script.delete, removable);
    let renamed = take(&mut places, script.rename, |one| {
        one.name_property.is_some()
    });
    let reassigned = take(&mut places, script.reassign, |one| {
        one.assignments == Assignments::Expand
    });
    let edited = take(&mut places, script.edit, |_| true);

    for (place, kind) in each(&renamed, Change::Renamed)
        .chain(each(&reassigned, Change::Reassigned))
        .chain(each(&edited, Change::Edited))
    {
        let object = &mut Arc::make_mut(&mut directory.sets[place.0])[place.1];
        match kind {
            Change::Renamed => object.renamed += 1,
            Change::Reassigned => object.reassigned += 1,
            Change::Edited => object.edited += 1,
        }
        let row = Row::new(
            directory,
            &collections()[place.0],
            directory.sets[place.0][place.1],
        );
        let changes = report.entry(row.key().to_owned()).or_default();
        match kind {
            Change::Renamed => changes.renamed.push(row.id()),
            Change::Reassigned => changes.reassigned.push(row.id()),
            Change::Edited => changes.edited.push(row.id()),
        }
    }
    delete(directory, deleted, &mut report);
    add(directory, script, &mut rng, &mut report);
    for changes in report.values_mut() {
        changes.added.sort();
        changes.deleted.sort();
        changes.renamed.sort();
        changes.edited.sort();
        changes.reassigned.sort();
    }
    report
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Renamed,
    Reassigned,
    Edited,
}

fn each(places: &[Place], kind: Change) -> impl Iterator<Item = (Place, Change)> {
    places.iter().map(move |place| (*place, kind))
}

fn wanted(script: &MutationScript, key: &str) -> bool {
    script.keys.is_empty() || script.keys.iter().any(|one| one == key)
}

/// Objects can come and go, except where there is exactly one, and except for the tokens that
/// enrolment profiles stand under and the scope tags, whose ids are counted.
fn removable(collection: &Collection) -> bool {
    matches!(collection.kind(), Kind::List | Kind::Children)
        && collection.shape != Shape::DepToken
        && collection.shape != Shape::Organization
        && collection.id_form != IdForm::Number
}

fn candidates(directory: &Directory, script: &MutationScript) -> Vec<Place> {
    collections()
        .iter()
        .zip(&directory.sets)
        .enumerate()
        .filter(|(_, (collection, _))| collection.kind() != Kind::DelegatedOnly)
        .flat_map(|(index, (collection, set))| {
            set.iter()
                .enumerate()
                .filter(move |(_, object)| {
                    let key = &collection.variants[usize::from(object.variant)].key;
                    !object.built_in && wanted(script, key)
                })
                .map(move |(position, _)| (index, position))
        })
        .collect()
}

/// Takes the first so many places out of the list whose collections fit.
fn take(places: &mut Vec<Place>, count: usize, fits: impl Fn(&Collection) -> bool) -> Vec<Place> {
    let mut taken = Vec::with_capacity(count.min(places.len()));
    places.retain(|place| {
        let take = taken.len() < count && fits(&collections()[place.0]);
        if take {
            taken.push(*place);
        }
        !take
    });
    taken
}

fn delete(
    directory: &mut Directory,
    mut places: Vec<Place>,
    report: &mut BTreeMap<String, Changes>,
) {
    // From the back, so that positions stay right.
    places.sort_unstable_by(|a, b| b.cmp(a));
    for (index, position) in places {
        let object = directory.sets[index][position];
        let row = Row::new(directory, &collections()[index], object);
        let changes = report.entry(row.key().to_owned()).or_default();
        changes.deleted.push(row.id());
        Arc::make_mut(&mut directory.sets[index]).remove(position);
    }
}

fn add(
    directory: &mut Directory,
    script: &MutationScript,
    rng: &mut Rng,
    report: &mut BTreeMap<String, Changes>,
) {
    let mut places = Vec::new();
    for (index, collection) in collections().iter().enumerate() {
        for (variant, number) in collection.variants.iter().zip(0_u16..) {
            if removable(collection) && wanted(script, &variant.key) {
                // Types that tenants have more of also get more.
                let chances = usize::try_from(variant.weight).unwrap_or(0) + 1;
                places.extend(std::iter::repeat_n((index, number), chances));
            }
        }
    }
    if places.is_empty() {
        return;
    }
    for _ in 0..script.add {
        let (index, variant) = places[rng.below(places.len())];
        let serial = directory.next_serial[index];
        directory.next_serial[index] += 1;
        let object = Object::new(serial, variant);
        Arc::make_mut(&mut directory.sets[index]).push(object);
        let row = Row::new(directory, &collections()[index], object);
        let changes = report.entry(row.key().to_owned()).or_default();
        changes.added.push(row.id());
    }
}
