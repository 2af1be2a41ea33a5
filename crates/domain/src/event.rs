//! Events of the log: what happened in a tenant, in one format for pages, streams and webhooks.
//!
//! | type | its data |
//! | --- | --- |
//! | `operation_run.*` | `kind`, `sequence`, and `attempt` once there is one |
//! | `operation_run.claimed` | `worker_id` |
//! | `operation_run.phase_reached` | `phase` |
//! | `operation_run.requeued` | `reason`, and `error_code` where it failed |
//! | `operation_run.cancel_requested` | `requested_by`, where a user asked |
//! | `operation_run.completed` | `outcome`, `counts`, and `error_code` where it failed |
//! | `inventory.changed` | `kind`, `policy_type`, and how many items were `created`, `changed`, `reassigned`, `missing`, `back` |
//! | `notification.created` | `notification_id`, `phase`, and `kind` where it is about a run |
//! | `schedule.stopped` | `reason` |
//! | `credential.expiring` | `expires_on` |
//!
//! None holds a secret, or the text of an error.

use crate::words::words;

words! {
    /// What an event reports. Readers of the log meet others: programs of later versions write to it, too.
    pub enum EventType: "type of an event" {
        RunQueued = "operation_run.queued",
        /// A worker took the run.
        RunClaimed = "operation_run.claimed",
        RunPhaseReached = "operation_run.phase_reached",
        /// The run is queued again: its worker was lost, handed it back, or failed in a way that may pass.
        RunRequeued = "operation_run.requeued",
        RunCancelRequested = "operation_run.cancel_requested",
        RunCompleted = "operation_run.completed",
        /// A run that ended had found changes of one policy type.
        InventoryChanged = "inventory.changed",
        NotificationCreated = "notification.created",
        ScheduleStopped = "schedule.stopped",
        /// The client secret of a tenant ends soon.
        CredentialExpiring = "credential.expiring",
    }
}

/// What the transitions are called that return a run to the queue, as a PostgreSQL array.
pub const REQUEUES: &str = "{retried,handed_back,lease_lost}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_words_in_the_style_of_webhooks() {
        for word in EventType::WORDS {
            let (subject, what) = word.split_once('.').unwrap();
            for part in [subject, what] {
                assert!(!part.is_empty(), "{word}");
                assert!(
                    part.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                    "{word}"
                );
            }
        }
    }
}
