//! Changes between two readings of a tenant.

mod script;

use std::collections::BTreeMap;

pub use self::script::{Changes, MutationScript};
use crate::audit::Operation;
use crate::collections::{Assignments, Collection, IdForm, Kind, Shape, collections};
use crate::content::{EditKind, Rng, Row, places};
use crate::directory::{Directory, Object};

/// Where an object stands: the collection's index and its serial.
pub(crate) type Place = (usize, u32);

/// One way to change objects.
struct Way {
    count: usize,
    /// What audit events call it; none for what nobody does.
    operation: Option<Operation>,
    fits: fn(&Row<'_>) -> bool,
    change: fn(&mut Object),
    note: fn(&mut Changes) -> &mut Vec<String>,
}

/// One way to change a value under objects.
struct ValueWay {
    count: usize,
    kind: EditKind,
    change: fn(&mut Object),
    note: fn(&mut Changes) -> &mut Vec<String>,
}

fn value_ways(script: &MutationScript) -> [ValueWay; 4] {
    [
        ValueWay {
            count: script.edit_secret_value,
            kind: EditKind::Secret,
            change: |object| object.valued += 1,
            note: |changes| &mut changes.edited_secret_value,
        },
        ValueWay {
            count: script.remove_value,
            kind: EditKind::Removal,
            change: |object| object.valued += 1,
            note: |changes| &mut changes.removed_value,
        },
        ValueWay {
            count: script.edit_value_quietly,
            kind: EditKind::Value,
            change: |object| object.valued_quietly += 1,
            note: |changes| &mut changes.edited_value_quietly,
        },
        ValueWay {
            count: script.edit_value,
            kind: EditKind::Value,
            change: |object| object.valued += 1,
            note: |changes| &mut changes.edited_value,
        },
    ]
}

/// The ways of a script, the choosier ones before those that take anything.
fn ways(script: &MutationScript) -> [Way; 8] {
    [
        Way {
            count: script.delete,
            operation: Some(Operation::Delete),
            fits: |row| removable(&collections()[row.index()]),
            change: |object| object.gone = true,
            note: |changes| &mut changes.deleted,
        },
        Way {
            count: script.rename,
            operation: Some(Operation::Patch),
            fits: |row| row.name().is_some(),
            change: |object| object.renamed += 1,
            note: |changes| &mut changes.renamed,
        },
        Way {
            count: script.reassign,
            operation: Some(Operation::Assign),
            fits: |row| collections()[row.index()].assignments == Assignments::Expand,
            change: |object| object.reassigned += 1,
            note: |changes| &mut changes.reassigned,
        },
        Way {
            count: script.reassign_unlisted,
            operation: Some(Operation::Assign),
            fits: |row| {
                let carried = collections()[row.index()].assignments;
                matches!(carried, Assignments::Subresource | Assignments::Item)
            },
            change: |object| object.reassigned += 1,
            note: |changes| &mut changes.reassigned,
        },
        Way {
            count: script.touch,
            operation: None,
            fits: |row| row.has_counts(),
            change: |object| object.counted += 1,
            note: |changes| &mut changes.touched,
        },
        Way {
            count: script.edit_secret,
            operation: Some(Operation::Patch),
            fits: |row| row.has_secret(),
            change: |object| object.secret += 1,
            note: |changes| &mut changes.edited_secret,
        },
        Way {
            count: script.edit_nested,
            operation: Some(Operation::Patch),
            fits: |row| row.has_nested(),
            change: |object| object.nested += 1,
            note: |changes| &mut changes.edited_nested,
        },
        Way {
            count: script.edit,
            operation: Some(Operation::Patch),
            fits: |row| row.has_description(),
            change: |object| object.edited += 1,
            note: |changes| &mut changes.edited,
        },
    ]
}

/// What a script did.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) changes: BTreeMap<String, Changes>,
    /// In the order in which it was done, with what audit events call it.
    pub(crate) done: Vec<(Place, Option<Operation>)>,
}

impl Report {
    fn note(
        &mut self,
        row: &Row<'_>,
        list: fn(&mut Changes) -> &mut Vec<String>,
        operation: Option<Operation>,
    ) {
        let changes = self.changes.entry(row.key().to_owned()).or_default();
        list(changes).push(row.id());
        let place = (row.index(), row.object.serial);
        self.done.push((place, operation));
    }
}

/// Changes a tenant and says what was changed. When fewer objects can be changed in some way than
/// the script asks for, all that can are.
pub(crate) fn mutate(directory: &mut Directory, script: &MutationScript) -> Report {
    let mut rng = Rng::from_parts(&[directory.seed, script.seed]);
    let mut report = Report::default();
    let mut restorable = candidates(directory, script, true);
    let mut places = candidates(directory, script, false);
    shuffle(&mut places, &mut rng);
    for way in ways(script) {
        apply(directory, &mut places, &way, &mut report);
    }
    // From a stream of its own, so that scripts without such edits do what they did.
    let mut aside = Rng::from_parts(&[directory.seed, script.seed, 1]);
    for way in value_ways(script) {
        edit_values(
            directory,
            &mut places,
            script,
            &way,
            &mut aside,
            &mut report,
        );
    }
    shuffle(&mut restorable, &mut rng);
    let restore = Way {
        count: script.restore,
        operation: Some(Operation::Create),
        fits: |_| true,
        change: |object| object.gone = false,
        note: |changes| &mut changes.restored,
    };
    apply(directory, &mut restorable, &restore, &mut report);
    add(directory, script, &mut rng, &mut report);
    for list in report.changes.values_mut().flat_map(Changes::lists) {
        list.sort();
    }
    report
}

fn shuffle(places: &mut [Place], rng: &mut Rng) {
    for last in (1..places.len()).rev() {
        places.swap(last, rng.below(last + 1));
    }
}

fn wanted(script: &MutationScript, key: &str) -> bool {
    script.keys.is_empty() || script.keys.iter().any(|one| one == key)
}

/// Objects can come and go, except where there is exactly one, and except for the tokens that
/// enrolment profiles stand under, the scope tags, whose ids are counted, and uploaded definition
/// files, which Intune removes only when no template uses them any more (Microsoft Intune, "Import
/// custom ADMX and ADML administrative templates").
fn removable(collection: &Collection) -> bool {
    matches!(collection.kind(), Kind::List | Kind::Children)
        && collection.shape != Shape::DepToken
        && collection.shape != Shape::Organization
        && collection.id_form != IdForm::Number
        && collection.path() != places::DEFINITION_FILES
}

/// The tenant's own objects that a script may change: those that are there, or those that are gone.
fn candidates(directory: &Directory, script: &MutationScript, gone: bool) -> Vec<Place> {
    collections()
        .iter()
        .zip(&directory.sets)
        .enumerate()
        .filter(|(_, (collection, _))| collection.kind() != Kind::DelegatedOnly)
        .flat_map(|(index, (collection, set))| {
            set.ever()
                .iter()
                .filter(move |object| {
                    let key = &collection.variants[usize::from(object.variant)].key;
                    !object.built_in && object.gone == gone && wanted(script, key)
                })
                .map(move |object| (index, object.serial))
        })
        .filter(|(index, serial)| named(directory, script, *index, *serial))
        .collect()
}

/// Whether the script is about the object.
fn named(directory: &Directory, script: &MutationScript, index: usize, serial: u32) -> bool {
    if script.ids.is_empty() {
        return true;
    }
    let object = directory.sets[index].by_serial(serial);
    let id = object.map(|object| Row::new(directory, index, object).id());
    id.is_some_and(|id| script.ids.iter().any(|one| one.eq_ignore_ascii_case(&id)))
}

/// Takes the first so many that fit out of the list, and changes them.
fn apply(directory: &mut Directory, places: &mut Vec<Place>, way: &Way, report: &mut Report) {
    let mut left = way.count;
    places.retain(|&(index, serial)| {
        let Some(object) = directory.sets[index].by_serial(serial).filter(|_| left > 0) else {
            return true;
        };
        let row = Row::new(directory, index, object);
        if !(way.fits)(&row) {
            return true;
        }
        left -= 1;
        report.note(&row, way.note, way.operation);
        directory.sets[index].change(serial, way.change);
        false
    });
}

/// Edits a value of each of the first so many that have one that fits.
fn edit_values(
    directory: &mut Directory,
    places: &mut Vec<Place>,
    script: &MutationScript,
    way: &ValueWay,
    rng: &mut Rng,
    report: &mut Report,
) {
    let mut left = way.count;
    places.retain(|&(index, serial)| {
        let Some(object) = directory.sets[index].by_serial(serial).filter(|_| left > 0) else {
            return true;
        };
        let row = Row::new(directory, index, object);
        if !row.has_values() {
            return true;
        }
        let Some(edit) = row.find_edit(way.kind, &script.setting, rng.below(10_000)) else {
            return true;
        };
        left -= 1;
        report.note(&row, way.note, Some(Operation::Patch));
        directory.edit(index, serial, edit);
        directory.sets[index].change(serial, way.change);
        false
    });
}

fn add(directory: &mut Directory, script: &MutationScript, rng: &mut Rng, report: &mut Report) {
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
        let object = directory.sets[index].push(variant);
        let row = Row::new(directory, index, object);
        report.note(&row, |changes| &mut changes.added, Some(Operation::Create));
    }
}
