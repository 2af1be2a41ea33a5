//! A request to stop a run, as it is asked and as it is shown.

use atlas_domain::run::{CancelRequest, Outcome};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::Example;

/// Why a run is to stop. The member may be left out, and so may the whole body.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = CancelRequest)]
pub(crate) struct CancelBody {
    /// In your words; it is shown with the run and kept in the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub(crate) reason: Option<String>,
}

/// A request to stop a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Cancel {
    /// When it was made.
    requested_at: DateTime<Utc>,
    /// By whom.
    requested_by: CancelRequester,
    /// Why, in the requester's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// The run ends as cancelled by then, whatever its worker does.
    deadline_at: DateTime<Utc>,
    /// When the run ended as cancelled; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
}

/// Who asked a run to stop.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CancelRequester {
    /// The user's identifier.
    id: Uuid,
    /// The user's name.
    #[schema(max_length = 256)]
    display: String,
}

impl Cancel {
    /// How the request looks; `ended` is how and when the run ended, when it has.
    pub(crate) fn new(request: CancelRequest, ended: Option<(Outcome, DateTime<Utc>)>) -> Self {
        Self {
            requested_at: request.requested_at,
            requested_by: CancelRequester {
                id: request.requested_by.into_uuid(),
                display: request.requested_by_name,
            },
            reason: request.reason,
            deadline_at: request.deadline_at,
            completed_at: ended
                .filter(|(outcome, _)| *outcome == Outcome::Cancelled)
                .map(|(_, completed_at)| completed_at),
        }
    }
}

impl Example for CancelBody {
    fn example() -> Self {
        Self {
            reason: Some("Started for the wrong tenant.".to_owned()),
        }
    }
}
