//! What objects look like: ids, names, payloads and assignments, all from the seed.

mod access;
mod apps;
mod assignments;
mod configuration;
mod directory_objects;
mod identity;
mod names;
mod rng;
mod row;
mod scripts;

pub(crate) use rng::Rng;
pub(crate) use row::{Row, View};
