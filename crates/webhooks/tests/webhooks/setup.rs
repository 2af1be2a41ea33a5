//! Senders and deliveries of the tests.

use std::sync::Arc;
use std::time::Duration;

use atlas_webhooks::{
    Address, Attempt, Delivery, MessageId, Names, NoAnswerCause, Outcome, Secret, Sender,
    SenderOptions, SigningSecrets,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::authority::{Authority, HOST};
use crate::names::Answers;
use crate::receiver::{Answer, Receiver};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OLD_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const BODY: &str = r#"{"type":"operation_run.completed"}"#;

pub(crate) fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(crate) fn id() -> MessageId {
    "msg_1".parse().unwrap()
}

/// Options that trust the authority and permit this machine.
pub(crate) fn options(authority: &Authority) -> SenderOptions {
    SenderOptions {
        permitted_networks: "127.0.0.0/8".parse().unwrap(),
        more_authorities: authority.pem(),
        ..SenderOptions::default()
    }
}

/// The resolver that knows this machine only.
pub(crate) fn this_machine() -> Arc<dyn Names> {
    Answers::new(&[&["127.0.0.1"]])
}

/// Sends to a host and port under a path that no text may repeat.
pub(crate) async fn send_to(sender: &Sender, host: &str, port: u16) -> Attempt {
    let address: Address = format!("https://{host}:{port}/secret-path?secret-key")
        .parse()
        .unwrap();
    let secrets = SigningSecrets {
        current: Secret::parse(SECRET).unwrap(),
        previous: Some(Secret::parse(OLD_SECRET).unwrap()),
    };
    let delivery = Delivery {
        address: &address,
        id: &id(),
        at: moment(),
        body: Bytes::from_static(BODY.as_bytes()),
        secrets: &secrets,
    };
    let attempt = sender.send(&delivery).await;
    let shown = format!("{delivery:?} {attempt:?} {}", attempt.outcome);
    for secret in ["secret-path", "secret-key", "MfKQ9r8", "C2FVsBQ"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    attempt
}

/// A receiver and a sender that reaches it by its name.
pub(crate) struct Pair {
    pub(crate) receiver: Receiver,
    pub(crate) sender: Sender,
}

impl Pair {
    pub(crate) async fn answering(answer: Answer) -> Self {
        Self::with_timeout(answer, SenderOptions::default().timeout).await
    }

    pub(crate) async fn with_timeout(answer: Answer, timeout: Duration) -> Self {
        let authority = Authority::new();
        let options = SenderOptions {
            timeout,
            ..options(&authority)
        };
        Self {
            receiver: Receiver::start(authority.server(HOST), answer).await,
            sender: Sender::with_names(options, this_machine()).unwrap(),
        }
    }

    pub(crate) async fn send(&self) -> Attempt {
        send_to(&self.sender, HOST, self.receiver.port).await
    }
}

/// An answer with this status line, these headers and this body.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
    Answer::Whole([head.as_bytes(), body].concat())
}

/// Why there was no answer.
pub(crate) fn cause(attempt: &Attempt) -> NoAnswerCause {
    match &attempt.outcome {
        Outcome::NoAnswer(no_answer) => no_answer.cause,
        outcome => panic!("an answer: {outcome:?}"),
    }
}
