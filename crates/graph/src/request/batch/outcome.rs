//! What became of one read in one envelope.

use std::time::Duration;

use atlas_domain::failure::UpstreamAnswer;

use super::envelope::SubReply;
use super::read::Waiting;
use crate::client::TenantGraph;
use crate::error::{ERROR_IN_SUCCESS, GraphError, GraphErrorKind, Waits};
use crate::request::body::Body;
use crate::request::call::{AddressKind, Judged, TRIES_AT_500, TRIES_AT_INVALID, judge};
use crate::request::refusal::{self, Refusal};
use crate::request::sent::Sent;

/// A read whose answer an envelope leaves out gets so many attempts.
const TRIES_AT_MISSING: u32 = 6;

/// What became of one read in one envelope.
pub(super) enum ReadOutcome {
    Settled(Result<Body, GraphError>),
    /// It may succeed in another envelope.
    Failed {
        error: GraphError,
        /// The most attempts that such an error gets.
        tries: u32,
        after: Option<Duration>,
        throttle: Option<Throttle>,
    },
    /// The token was not accepted.
    Unauthenticated {
        claims: Option<String>,
        answer: UpstreamAnswer,
    },
}

/// Which limit a read met.
#[derive(Clone, Copy)]
pub(super) struct Throttle {
    /// Whether it is the application's over all tenants.
    pub(super) application: bool,
}

impl TenantGraph {
    /// Judges the reply of a read. What went wrong is described by the part of the envelope that it is.
    pub(super) fn outcome(
        &self,
        read: &Waiting<'_>,
        reply: Option<SubReply>,
        envelope: &Sent,
    ) -> ReadOutcome {
        let sent = envelope.part(&read.request.url);
        let now = self.http.now();
        let Some(reply) = reply else {
            let reason = "a batch left out the answer of a read";
            return ReadOutcome::invalid(reason, sent.unanswered(now), TRIES_AT_MISSING);
        };
        self.pacer.note(read.charge, reply.usage);
        let reply = match reply.answer {
            Ok(reply) => {
                let answer = sent.answered(reply.status, &reply.headers, now);
                if let Some(error_code) = refusal::error_in(&reply.body) {
                    let answer = UpstreamAnswer {
                        error_code,
                        ..answer
                    };
                    return ReadOutcome::invalid(ERROR_IN_SUCCESS, answer, TRIES_AT_INVALID);
                }
                // What is no JSON comes as text: it was cut off, or is no answer of Graph.
                if !reply.body.starts_with(b"{") {
                    return ReadOutcome::invalid("it is no JSON object", answer, TRIES_AT_INVALID);
                }
                self.silence.ended(&[read.charge]);
                return ReadOutcome::Settled(Ok(Body::new(reply.body, answer)));
            }
            Err(reply) => reply,
        };
        let Judged { refusal, answer } = judge(&reply, &sent, now);
        match refusal {
            Refusal::Throttled { after, application } => ReadOutcome::Failed {
                error: GraphError::answered(
                    GraphErrorKind::Throttled {
                        retry_after: after.unwrap_or_default(),
                        waits: Waits::default(),
                    },
                    answer,
                ),
                // Each wait is another one; patience ends them.
                tries: u32::MAX,
                after,
                throttle: Some(Throttle { application }),
            },
            Refusal::Server { status, after } => ReadOutcome::Failed {
                error: GraphError::answered(
                    GraphErrorKind::Unavailable {
                        status,
                        retry_after: after,
                        waits: Waits {
                            attempts: read.attempts,
                            ..Waits::default()
                        },
                    },
                    answer,
                ),
                tries: if status == 500 {
                    TRIES_AT_500
                } else {
                    u32::MAX
                },
                after,
                throttle: None,
            },
            Refusal::Unauthenticated { claims } => ReadOutcome::Unauthenticated { claims, answer },
            Refusal::Gone { object } => {
                let kind = if object && read.request.address_kind == AddressKind::Object {
                    GraphErrorKind::ObjectNotFound
                } else {
                    GraphErrorKind::CollectionNotFound
                };
                self.silence.ended(&[read.charge]);
                ReadOutcome::Settled(Err(GraphError::answered(kind, answer)))
            }
            Refusal::Final(kind) => {
                self.silence.ended(&[read.charge]);
                ReadOutcome::Settled(Err(self.remember(GraphError::answered(kind, answer))))
            }
        }
    }
}

impl ReadOutcome {
    fn invalid(reason: &'static str, answer: UpstreamAnswer, tries: u32) -> Self {
        Self::Failed {
            error: GraphError::answered(GraphErrorKind::invalid(reason), answer),
            tries,
            after: None,
            throttle: None,
        }
    }

    /// Whether only a service that has accepted the token can have answered like this.
    pub(super) fn shows_an_accepted_token(&self) -> bool {
        match self {
            Self::Settled(Ok(_)) => true,
            Self::Settled(Err(error)) => error.kind != GraphErrorKind::CollectionNotFound,
            Self::Failed { .. } | Self::Unauthenticated { .. } => false,
        }
    }
}
