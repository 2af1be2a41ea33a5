//! What a script asks for, and what it did.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::audit::Actor;

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
    /// How many deleted ones to bring back, with their ids.
    pub restore: usize,
    /// How many to give another name.
    pub rename: usize,
    /// How many to give other contents under the same name.
    pub edit: usize,
    /// How many to give another value deep inside.
    pub edit_nested: usize,
    /// How many to give another secret.
    pub edit_secret: usize,
    /// How many to assign to others. Only objects whose list carries their assignments are taken.
    pub reassign: usize,
    /// How many to assign to others whose list does not carry their assignments.
    pub reassign_unlisted: usize,
    /// How many to give other counts or times of synchronisation, which is no change.
    pub touch: usize,
    /// How many to give another value under them: of a setting, of an administrative template, of an
    /// intent, of a message, of an item of a policy set, or of a script.
    pub edit_value: usize,
    /// The same, but the object's time and version do not move.
    pub edit_value_quietly: usize,
    /// How many to give another secret among the values under them.
    pub edit_secret_value: usize,
    /// From how many to take a value away, or to put one back that was taken.
    pub remove_value: usize,
    /// Who does it; by the seed where absent.
    pub actor: Option<Actor>,
    /// When it happened, in ISO 8601, as audit events say; now where absent.
    pub at: Option<DateTime<Utc>>,
    /// Only objects of these policy types; empty for all.
    pub keys: Vec<String>,
    /// Only objects with these ids; empty for all.
    pub ids: Vec<String>,
    /// The value to edit or to remove, as the answer key has it; empty for any.
    pub setting: Vec<String>,
}

/// What a script did to one policy type. Ids, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// New objects.
    pub added: Vec<String>,
    /// Objects that are gone.
    pub deleted: Vec<String>,
    /// Objects that are there again.
    pub restored: Vec<String>,
    /// Objects with another name.
    pub renamed: Vec<String>,
    /// Objects with other contents.
    pub edited: Vec<String>,
    /// Objects with another value deep inside.
    pub edited_nested: Vec<String>,
    /// Objects with another secret.
    pub edited_secret: Vec<String>,
    /// Objects with other assignments.
    pub reassigned: Vec<String>,
    /// Objects with another value.
    pub edited_value: Vec<String>,
    /// Objects with another value whose time did not move.
    pub edited_value_quietly: Vec<String>,
    /// Objects with another secret among their values.
    pub edited_secret_value: Vec<String>,
    /// Objects with a value less or one more.
    pub removed_value: Vec<String>,
    /// Objects with other counts only.
    pub touched: Vec<String>,
}

impl Changes {
    pub(super) fn lists(&mut self) -> [&mut Vec<String>; 13] {
        [
            &mut self.added,
            &mut self.deleted,
            &mut self.restored,
            &mut self.renamed,
            &mut self.edited,
            &mut self.edited_nested,
            &mut self.edited_secret,
            &mut self.reassigned,
            &mut self.edited_value,
            &mut self.edited_value_quietly,
            &mut self.edited_secret_value,
            &mut self.removed_value,
            &mut self.touched,
        ]
    }
}
