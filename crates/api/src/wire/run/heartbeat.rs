//! The heartbeat of a run's worker.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// The heartbeat of the worker of a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Heartbeat {
    /// Time of the last heartbeat.
    pub(super) last_at: DateTime<Utc>,
    /// Whether the heartbeat is on time.
    pub(super) state: HeartbeatState,
    /// Identifier of the worker.
    #[schema(max_length = 256)]
    pub(super) worker_id: String,
}

/// Whether a heartbeat is on time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeartbeatState {
    /// On time.
    Ok,
    /// No heartbeat for more than half of the lease.
    Late,
    /// The lease has expired; another worker will take over the run.
    Lost,
}

impl HeartbeatState {
    /// `expires` is the end of the lease.
    pub(super) fn at(now: DateTime<Utc>, last: DateTime<Utc>, expires: DateTime<Utc>) -> Self {
        let half = (expires - last) / 2;
        if now >= expires {
            Self::Lost
        } else if now > last + half {
            Self::Late
        } else {
            Self::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_heartbeat_is_late_after_half_of_the_lease_and_lost_after_it() {
        let last = DateTime::from_timestamp(1_000, 0).unwrap();
        let state = |seconds| {
            HeartbeatState::at(
                last + TimeDelta::seconds(seconds),
                last,
                last + TimeDelta::seconds(60),
            )
        };
        assert_eq!(state(30), HeartbeatState::Ok);
        assert_eq!(state(31), HeartbeatState::Late);
        assert_eq!(state(60), HeartbeatState::Lost);
    }
}
