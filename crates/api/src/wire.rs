//! What answers look like. These types are the API's own: rows and rules change without them.
//! Everything is snake_case; what is not known is absent, never null.

pub(crate) mod actor;
pub(crate) mod assignment_target;
pub(crate) mod audit;
pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod directory_group;
pub(crate) mod event;
pub(crate) mod export;
pub(crate) mod inventory;
pub(crate) mod item;
pub(crate) mod link;
pub(crate) mod me;
pub(crate) mod member;
pub(crate) mod notification;
pub(crate) mod probe;
pub(crate) mod result;
pub(crate) mod run;
pub(crate) mod run_error;
pub(crate) mod schedule;
pub(crate) mod setting;
pub(crate) mod setting_names;
pub(crate) mod stream;
pub(crate) mod system;
pub(crate) mod tenant;
pub(crate) mod version;
pub(crate) mod webhook;
