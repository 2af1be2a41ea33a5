//! What objects look like: ids, names, payloads, assignments and what they refer to, all from the
//! seed.

mod administrative;
mod app_policies;
mod apps;
mod assignments;
mod catalog;
mod changeable;
mod cloud_pc;
mod compliance;
mod conditional_access;
mod directory_objects;
mod edits;
mod enrollment;
mod identity;
mod intents;
mod links;
mod messages;
mod names;
mod navigation;
pub(crate) mod places;
mod policy_sets;
mod profiles;
mod rng;
mod roles;
mod row;
mod scripts;
mod tokens;
mod values;

pub(crate) use apps::all_relationships;
pub(crate) use catalog::{Definition, catalogue, definition};
pub(crate) use changeable::differences;
pub(crate) use identity::find;
pub(crate) use links::{Links, Reference};
pub(crate) use navigation::{Held, Navigation, cast_navigations, inside, navigations};
pub(crate) use rng::Rng;
pub(crate) use row::{Expand, Row, View};
pub(crate) use values::EditKind;
pub use values::ValueForm;

use serde_json::Value;

/// Puts the members of one object into another.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
