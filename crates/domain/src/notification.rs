//! What the initiator of a run is told: once when it is queued, once when it has ended.

use serde::{Deserialize, Serialize};

use crate::run::{Completion, OperationKind, Outcome};

/// Which of a run's two notifications. With run and user it is a unique key, so that neither is
/// sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The run was recorded.
    Queued,
    /// The run has ended.
    Terminal,
}

impl Phase {
    /// Both phases.
    pub const ALL: [Self; 2] = [Self::Queued, Self::Terminal];

    /// The word used in rows and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Terminal => "terminal",
        }
    }
}

/// A notification's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub title: String,
    /// One or two sentences.
    pub body: String,
}

/// What is said when a run is recorded.
#[must_use]
pub fn queued(kind: OperationKind, tenant_name: &str) -> Message {
    Message {
        title: format!("{} queued", kind.label()),
        body: format!("{} of {tenant_name} waits for a worker.", kind.label()),
    }
}

/// What is said when a run has ended.
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
