//! Notifications: to the initiator of a run, one when it is queued and one when it has ended; to the
//! owners of a tenant, about what stopped there.

use crate::run::{Completion, OperationKind, Outcome};
use crate::schedule::StopReason;
use crate::webhook::WebhookDisableReason;
use crate::words::words;

words! {
    /// Which of a run's two notifications. With run and user it is a unique key, so that neither is
    /// sent twice.
    pub enum Phase: "phase of a notification" {
        /// The run was recorded.
        Queued = "queued",
        /// The run has ended.
        Terminal = "terminal",
    }
}

/// What a notification about no run is about, as the API shows it in place of a phase.
pub const SCHEDULE_STOPPED: &str = "schedule_stopped";

/// Likewise, about a client secret that ends soon.
pub const CREDENTIAL_EXPIRING: &str = "credential_expiring";

/// Likewise, about a webhook that was disabled.
pub const WEBHOOK_DISABLED: &str = "webhook_disabled";

/// The text of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub title: String,
    /// One or two sentences.
    pub body: String,
}

/// The notification of a run that was recorded.
#[must_use]
pub fn queued(kind: OperationKind, tenant_name: &str) -> Message {
    Message {
        title: format!("{} queued", kind.label()),
        body: format!("{} of {tenant_name} waits for a worker.", kind.label()),
    }
}

/// The notification of a run that has ended.
#[must_use]
pub fn terminal(kind: OperationKind, tenant_name: &str, completion: &Completion) -> Message {
    let (verb, mut body) = match completion.outcome {
        Outcome::Succeeded => ("succeeded", completion.counts.summary()),
        Outcome::PartiallySucceeded => ("partially succeeded", completion.counts.summary()),
        Outcome::Failed => ("failed", String::new()),
        Outcome::Cancelled => ("was cancelled", "It was stopped on request.".to_owned()),
    };
    if let Some(error) = &completion.error {
        let sentence = error.hint.as_ref().unwrap_or(&error.detail);
        if !body.is_empty() {
            body.push(' ');
        }
        body.push_str(sentence);
    }
    Message {
        title: format!("{} of {tenant_name} {verb}", kind.label()),
        body,
    }
}

/// The notification of a schedule that stopped.
#[must_use]
pub fn schedule_stopped(tenant_name: &str, setter_name: &str, reason: StopReason) -> Message {
    let why = match reason {
        StopReason::SetterLeft => "is no member of the tenant any more",
        StopReason::SetterDisabled => "was disabled",
        StopReason::SetterNotPermitted => "may not sync the tenant any more",
    };
    Message {
        title: format!("The schedule of {tenant_name} stopped"),
        body: format!("{setter_name}, who set it, {why}. Set the schedule again to resume it."),
    }
}

/// The notification of a client secret that ends soon.
#[must_use]
pub fn credential_expiring(tenant_name: &str, day: &str) -> Message {
    Message {
        title: format!("The client secret of {tenant_name} ends on {day}"),
        body: format!(
            "From then on, {tenant_name} cannot be synced. Ask an operator of the installation to store \
             a new one."
        ),
    }
}

/// The notification of a webhook that was disabled. The receiver is named without path and query, which
/// may be secret.
#[must_use]
pub fn webhook_disabled(receiver: &str, reason: WebhookDisableReason) -> Message {
    let why = match reason {
        WebhookDisableReason::Gone => "The receiver answered that it wants no more events.",
        WebhookDisableReason::Failing => "Every attempt has failed for three days.",
        WebhookDisableReason::ByOwner => "You disabled it.",
        WebhookDisableReason::OwnerDisabled => "You were disabled.",
    };
    Message {
        title: format!("The webhook to {receiver} was disabled"),
        body: format!("{why} Enable it again to go on with the events that it has missed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, FailureCode};
    use crate::run::RunCounts;

    #[test]
    fn a_failed_run_says_what_to_do() {
        let error = Failure::permanent(
            FailureCode::CREDENTIALS_INVALID,
            "Entra refused the secret.",
        )
        .with_hint("Store a new client secret.");
        let completion = Completion::failed(error, RunCounts::none(OperationKind::InventorySync));
        let message = terminal(OperationKind::InventorySync, "Contoso", &completion);
        assert_eq!(message.title, "Inventory sync of Contoso failed");
        assert_eq!(message.body, "Store a new client secret.");
    }
}
