//! What objects look like: ids, names, payloads, assignments and what they refer to, all from the
//! seed.

mod app_policies;
mod apps;
mod assignments;
mod catalog;
mod changeable;
mod cloud_pc;
mod compliance;
mod conditional_access;
mod directory_objects;
mod enrollment;
mod identity;
mod links;
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

pub(crate) use apps::all_relationships;
pub(crate) use changeable::differences;
pub(crate) use identity::find;
pub(crate) use links::{Links, Reference};
pub(crate) use navigation::{Held, Navigation, cast_navigations, navigations};
pub(crate) use rng::Rng;
pub(crate) use row::{Expand, Row, View};

use serde_json::Value;

/// Puts the members of one object into another.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
