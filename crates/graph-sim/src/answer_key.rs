//! What a correct client must have stored, told without HTTP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::collections::{Assignments, Kind, collections};
use crate::content::Row;
use crate::directory::Directory;

/// One object of a policy type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnswerItem {
    /// Graph's id; for partner tenants, which have none, the tenant's id.
    pub id: String,
    /// The name; where rows of the type have none, the id.
    pub name: String,
    /// How many assignments the list told; absent where a list does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub assignment_count: Option<usize>,
}

/// Per policy type its objects, sorted by id. Every key is there; the types that only users can
/// read are empty, and Microsoft's own apps, scripts and roles are left out.
pub type AnswerKey = BTreeMap<String, Vec<AnswerItem>>;

pub(crate) fn answer_key(directory: &Directory) -> AnswerKey {
    let mut answer = AnswerKey::new();
    for (collection, set) in collections().iter().zip(&directory.sets) {
        for key in collection.keys() {
            answer.insert(key.to_owned(), Vec::new());
        }
        if collection.kind() == Kind::DelegatedOnly {
            continue;
        }
        for object in set.iter().filter(|object| !object.built_in) {
            let row = Row::new(directory, collection, *object);
            let id = row.id();
            let item = AnswerItem {
                name: row.name().unwrap_or_else(|| id.clone()),
                id,
                assignment_count: (collection.assignments == Assignments::Expand)
                    .then(|| row.assignment_count()),
            };
            answer.entry(row.key().to_owned()).or_default().push(item);
        }
    }
    for items in answer.values_mut() {
        items.sort();
    }
    answer
}
