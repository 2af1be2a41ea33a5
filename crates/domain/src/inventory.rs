//! What a sync observes, and how its results are counted.

pub mod actor;
pub mod change;
pub mod content;
pub mod difference;
mod json_text;
pub mod link;
pub mod values;
pub mod verification;

use chrono::{DateTime, Utc};

pub use self::json_text::JsonText;

use crate::failure::Failure;
use crate::inventory::link::LinkSet;
use crate::inventory::values::Values;
use crate::policy_types::PolicyTypeKey;
use crate::words::words;

/// One object as it was read from Microsoft Graph, with nothing secret in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub policy_type: PolicyTypeKey,
    /// Its identifier in Microsoft Graph with GUIDs in lower case; the policy type's key for
    /// singletons, whatever id Graph gives them.
    pub external_id: String,
    pub name: String,
    /// The platform, more exact than the policy type's where the object states it.
    pub platform: String,
    /// Scope tag ids; absent when the list does not return them, or not reliably.
    pub scope_tags: Option<Vec<String>>,
    /// How many assignments it has; absent when the list does not return that.
    pub assignment_count: Option<i32>,
    /// Safe, small facts about it: description, kind, times, version. An object.
    pub metadata: JsonText,
    /// Hash of its content without assignments, counts and times.
    pub content_hash: [u8; 32],
    /// The hash that earlier versions stored for the same content, where it differs from
    /// `content_hash`. An item with this hash has not changed.
    pub former_content_hash: Option<[u8; 32]>,
    /// Hash of its assignments, when they were read.
    pub assignments_hash: Option<[u8; 32]>,
    /// The hash that earlier versions stored for the same assignments, where it differs.
    pub former_assignments_hash: Option<[u8; 32]>,
    /// Its content without secrets, as a flat map from JSON pointer to value: see [`change`].
    pub content: JsonText,
    /// Its assignments in a normal form whose order means nothing, when they were read. An array.
    pub assignments: Option<JsonText>,
    /// What it sets beside its list row, when that was read. Absent for types that have no such values,
    /// and where those that are stored stand.
    pub values: Option<Values>,
    /// A digest of what its list row said of when it was edited last, by which it is known later
    /// whether its values have to be read again.
    pub values_mark: Option<[u8; 16]>,
    /// Its links, one set for each source that was read. A source that was not read keeps the links
    /// that are stored for it.
    pub links: Vec<LinkSet>,
}

words! {
    /// How reading one policy type went.
    pub enum TypeStatus: "status of a policy type" {
        /// Not yet read to its end.
        Pending = "pending",
        /// Read to its end.
        Succeeded = "succeeded",
        /// Could not be read, or not to its end; nothing of it was marked missing.
        Failed = "failed",
        /// Cannot be read here; the error says why.
        Skipped = "skipped",
        /// Read to its end, but some of its assignments, links or values could not be read, and what was known
        /// of those still stands; or the list changed meanwhile, or rows of it were left out, and what
        /// is not there any more is not known. The error says why.
        Incomplete = "incomplete",
    }
}

/// What one sync did for one policy type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeResult {
    pub policy_type: PolicyTypeKey,
    pub status: TypeStatus,
    /// Pages of the list that were read. A list that feeds several types counts for each.
    pub pages: u32,
    pub seen: u64,
    /// Objects seen for the first time.
    pub created: u64,
    /// Objects whose content differs from the last time.
    pub changed: u64,
    /// Objects whose assignments differ from the last time.
    pub reassigned: u64,
    /// Objects that were there before and are no longer.
    pub missing: u64,
    /// Objects that had been missing and are there again.
    pub back: u64,
    /// Objects whose values were read because they are new or moved, or because nothing shows whether
    /// they moved.
    pub values_read: u64,
    /// Objects whose values were read although nothing moved.
    pub values_verified: u64,
    /// Why it failed, was skipped or is incomplete.
    pub error: Option<Failure>,
    /// When reading began.
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
}

impl TypeResult {
    /// A type that has not been read yet.
    #[must_use]
    pub const fn pending(policy_type: PolicyTypeKey) -> Self {
        Self {
            policy_type,
            status: TypeStatus::Pending,
            pages: 0,
            seen: 0,
            created: 0,
            changed: 0,
            reassigned: 0,
            missing: 0,
            back: 0,
            values_read: 0,
            values_verified: 0,
            error: None,
            started_at: None,
            completed_at: None,
        }
    }
}
