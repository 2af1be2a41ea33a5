//! What a sync observes, and how its results are counted.

pub mod change;
pub mod content;
mod json_text;
pub mod link;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::json_text::JsonText;

use crate::failure::Failure;
use crate::inventory::link::LinkSet;
use crate::policy_types::PolicyTypeKey;

/// One object as it was read from Microsoft Graph, with nothing secret in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which policy type it is.
    pub policy_type: PolicyTypeKey,
    /// Its identifier in Microsoft Graph with GUIDs in lower case; the policy type's key for
    /// singletons, whatever id Graph gives them.
    pub external_id: String,
    /// Its name for people.
    pub name: String,
    /// The platform, more exact than the policy type's where the object tells.
    pub platform: String,
    /// Scope tag ids; absent when the list does not tell them truly.
    pub scope_tags: Option<Vec<String>>,
    /// How many assignments it has; absent when the list does not tell.
    pub assignment_count: Option<i32>,
    /// Safe, small facts about it: description, kind, times, version. An object.
    pub metadata: JsonText,
    /// Hash of its content without assignments, counts and times.
    pub content_hash: [u8; 32],
    /// Hash that versions before would have stored for the same content, where that is another. An
    /// item with this hash has not changed.
    pub former_content_hash: Option<[u8; 32]>,
    /// Hash of its assignments, when the list tells them.
    pub assignments_hash: Option<[u8; 32]>,
    /// Likewise of its assignments.
    pub former_assignments_hash: Option<[u8; 32]>,
    /// Its content without secrets, as a flat map from JSON pointer to value: see [`change`].
    pub content: JsonText,
    /// Its assignments in a normal form whose order means nothing, when they are told. An array.
    pub assignments: Option<JsonText>,
    /// Its links, one set for each reading that told some. None for a reading that was not made:
    /// what that told before still stands.
    pub links: Vec<LinkSet>,
}

/// How reading one policy type went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeStatus {
    /// Not yet read to its end.
    Pending,
    /// Read to its end.
    Succeeded,
    /// Could not be read, or not to its end; nothing of it was marked missing.
    Failed,
    /// Cannot be read here; the error says why.
    Skipped,
    /// Read to its end, but some of its assignments or links could not be read, and what was known
    /// of those still stands; or the list changed meanwhile, or rows of it were left out, and what
    /// is not there any more is not known. The error says why.
    Incomplete,
}

impl TypeStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::Incomplete,
    ];

    /// The word used in rows and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What one sync did for one policy type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeResult {
    /// The policy type.
    pub policy_type: PolicyTypeKey,
    /// How it went.
    pub status: TypeStatus,
    /// Pages of the list that were read. A list that feeds several types counts for each.
    pub pages: u32,
    /// Objects seen.
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
    /// Why it failed, was skipped or is incomplete.
    pub error: Option<Failure>,
    /// When reading began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
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
            error: None,
            started_at: None,
            completed_at: None,
        }
    }
}
