//! Requests to cancel a run.

use atlas_domain::run::{CancelRequest, Outcome};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::Example;

/// Why a run is cancelled. The member and the body itself are optional.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = CancelRequest)]
pub(crate) struct CancelBody {
    /// The reason. It is shown with the run and stored in the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub(crate) reason: Option<String>,
}

/// A request to cancel a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Cancel {
    /// When the run was first asked to stop.
    requested_at: DateTime<Utc>,
    /// Who asked. Absent when nobody did: the tenant was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<CancelRequester>,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// The run ends as cancelled at this time at the latest.
    deadline_at: DateTime<Utc>,
    /// When the run ended as cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
}

/// The user who asked to cancel a run.
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
            requested_by: request.requested_by.map(|(id, display)| CancelRequester {
                id: id.into_uuid(),
                display,
            }),
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
