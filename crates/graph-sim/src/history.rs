//! What a tenant held after each round of changes, and who made them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer_key::{self, AnswerChange};
use crate::answer_values::{self, AnswerValue};
use crate::audit::AuditEvent;
use crate::collections::{Assignments, collections};
use crate::content::{Links, Row, View};
use crate::directory::{Directory, Edit, Object};
use crate::readable_rows::rows;

/// A version of an object: what it says and whom it is assigned to, between two rounds of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerVersion {
    /// The policy type of the object.
    pub policy_type: String,
    /// The path of the object's collection, without the version.
    pub path: String,
    /// The object's id.
    pub id: String,
    /// Counted from 1 for each object.
    pub number: usize,
    /// The round that began it; 0 for what was there at the beginning.
    pub from: usize,
    /// The round that ended it, if one did: by another version or because the object was deleted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<usize>,
    /// What began it, with its actors; empty for what was there at the beginning.
    pub changes: Vec<AnswerChange>,
}

/// An object as it was after a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerObject {
    /// The row, as the object shows it by itself.
    pub row: Value,
    /// Its assignments, where the type has some.
    pub assignments: Option<Value>,
    /// What it says beside the row.
    pub values: Vec<AnswerValue>,
}

/// An object after it was changed.
#[derive(Debug)]
struct Changed {
    index: usize,
    object: Object,
    edits: Arc<[Edit]>,
}

/// The rounds of a tenant.
#[derive(Debug)]
pub(crate) struct History {
    first: Directory,
    rounds: Vec<Vec<Changed>>,
    pub(crate) events: Vec<AuditEvent>,
}

impl History {
    pub(crate) fn new(first: Directory) -> Self {
        Self {
            first,
            rounds: Vec::new(),
            events: Vec::new(),
        }
    }

    /// How many rounds there were.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// Records what these objects are after a round.
    pub(crate) fn record(&mut self, now: &Directory, places: &[(usize, u32)]) {
        let changed = places.iter().filter_map(|&(index, serial)| {
            Some(Changed {
                index,
                object: now.sets[index].by_serial(serial)?,
                edits: now.edits(index, serial).into(),
            })
        });
        self.rounds.push(changed.collect());
    }

    /// What the tenant held after a round.
    pub(crate) fn at(&self, round: usize) -> Directory {
        let mut directory = self.first.clone();
        for changed in self.rounds.iter().take(round) {
            replay(&mut directory, changed);
        }
        directory
    }

    /// Names who made changes in these rounds: after the first, up to the second.
    pub(crate) fn name_actors(
        &self,
        changes: &mut [(usize, u32, AnswerChange)],
        from: usize,
        to: usize,
    ) {
        let now = SystemTime::now();
        let mut by_place = BTreeMap::<(usize, u32), Vec<&AuditEvent>>::new();
        for event in &self.events {
            if let Some(place) = event.place
                && event.changed()
                && event.round > from
                && event.round <= to
            {
                by_place.entry(place).or_default().push(event);
            }
        }
        for (index, serial, change) in changes {
            let events = by_place.get(&(*index, *serial)).into_iter().flatten();
            change.actors = events.rev().map(|event| event.answer(now)).collect();
        }
    }

    /// The versions of all objects, by object. `view` gives a directory the tenant's ids.
    pub(crate) fn versions(&self, view: impl Fn(Directory) -> Directory) -> Vec<AnswerVersion> {
        let mut versions = BTreeMap::<(usize, u32), Vec<AnswerVersion>>::new();
        let mut old = view(self.first.clone());
        for row in rows(&old) {
            let place = (row.index(), row.object.serial);
            let first = begun(&row, 1, 0, Vec::new());
            versions.insert(place, vec![first]);
        }
        for (round, changed) in (1..).zip(&self.rounds) {
            let mut new = old.clone();
            replay(&mut new, changed);
            for Changed { index, object, .. } in changed {
                let changes = answer_key::changes_of(&old, &new, *index, *object);
                if changes.is_empty() {
                    continue;
                }
                let serial = object.serial;
                let mut changes: Vec<_> = changes
                    .into_iter()
                    .map(|change| (*index, serial, change))
                    .collect();
                self.name_actors(&mut changes, round - 1, round);
                let changes = changes.into_iter().map(|(_, _, change)| change).collect();
                let own = versions.entry((*index, serial)).or_default();
                if let Some(last) = own.last_mut()
                    && last.until.is_none()
                {
                    last.until = Some(round);
                }
                if !object.gone {
                    let row = Row::new(&new, *index, *object);
                    own.push(begun(&row, own.len() + 1, round, changes));
                }
            }
            old = new;
        }
        versions.into_values().flatten().collect()
    }
}

fn replay(directory: &mut Directory, changed: &[Changed]) {
    for one in changed {
        directory.put(one.index, one.object, &one.edits);
    }
}

fn begun(row: &Row<'_>, number: usize, from: usize, changes: Vec<AnswerChange>) -> AnswerVersion {
    AnswerVersion {
        policy_type: row.key().to_owned(),
        path: collections()[row.index()].path().to_owned(),
        id: row.id(),
        number,
        from,
        until: None,
        changes,
    }
}

/// The object of a policy type with this id that is there.
pub(crate) fn object(directory: &Directory, policy_type: &str, id: &str) -> Option<AnswerObject> {
    let row = collections()
        .iter()
        .enumerate()
        .filter(|(_, collection)| collection.keys().any(|key| key == policy_type))
        .filter_map(|(index, _)| crate::content::find(directory, index, id))
        .find(|row| row.key() == policy_type)?;
    let collection = &collections()[row.index()];
    let view = View {
        item: true,
        v1: collection.version() == "v1.0",
        unknown_members: true,
        expand: &[],
    };
    let assigned = collection.assignments != Assignments::None;
    let assignments = assigned.then(|| row.assignments(&mut Links::ignored()));
    Some(AnswerObject {
        row: Value::Object(row.body(view, &mut Links::ignored())),
        assignments: assignments.map(Value::Array),
        values: answer_values::of_row(&row),
    })
}
