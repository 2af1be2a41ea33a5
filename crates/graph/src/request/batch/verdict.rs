//! What became of one read in one envelope.

use std::time::Duration;

use atlas_domain::failure::UpstreamAnswer;

use super::Waiting;
use super::envelope::SubReply;
use crate::client::TenantGraph;
use crate::error::{ERROR_IN_SUCCESS, GraphError, GraphErrorKind, Waits};
use crate::request::body::Body;
use crate::request::call::{Asked, Judged, TRIES_AT_500, TRIES_AT_INVALID, judge};
use crate::request::refusal::{self, Refusal};
use crate::request::sent::Sent;

/// A read whose answer an envelope leaves out gets so many attempts.
const TRIES_AT_MISSING: u32 = 6;

/// What became of one read in one envelope.
pub(super) enum Verdict {
    Settled(Result<Body, GraphError>),
    /// It may succeed in another envelope.
    Failed {
        error: GraphError,
        /// So many attempts are worth while.
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
    pub(super) fn verdict(
        &self,
        read: &Waiting<'_>,
        reply: Option<SubReply>,
        envelope: &Sent,
    ) -> Verdict {
        let sent = envelope.part(&read.request.url);
        let now = self.http.now();
        let Some(reply) = reply else {
            let reason = "a batch left out the answer of a read";
            return Verdict::invalid(reason, sent.unanswered(now), TRIES_AT_MISSING);
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
                    return Verdict::invalid(ERROR_IN_SUCCESS, answer, TRIES_AT_INVALID);
                }
                // What is no JSON comes as text: it was cut off, or is no answer of Graph.
                if !reply.body.starts_with(b"{") {
                    return Verdict::invalid("it is no JSON object", answer, TRIES_AT_INVALID);
                }
                self.silence.ended(&[read.charge]);
                return Verdict::Settled(Ok(Body::new(reply.body, answer)));
            }
            Err(reply) => reply,
        };
        let Judged { refusal, answer } = judge(&reply, &sent, now);
        match refusal {
            Refusal::Throttled { after, application } => Verdict::Failed {
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
            Refusal::Server { status, after } => Verdict::Failed {
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
            Refusal::Unauthenticated { claims } => Verdict::Unauthenticated { claims, answer },
            Refusal::Gone { object } => {
                let kind = if object && read.request.asked == Asked::Object {
                    GraphErrorKind::ObjectNotFound
                } else {
                    GraphErrorKind::CollectionNotFound
                };
                self.silence.ended(&[read.charge]);
                Verdict::Settled(Err(GraphError::answered(kind, answer)))
            }
            Refusal::Final(kind) => {
                self.silence.ended(&[read.charge]);
                Verdict::Settled(Err(self.remember(GraphError::answered(kind, answer))))
            }
        }
    }
}

impl Verdict {
    fn invalid(reason: &'static str, answer: UpstreamAnswer, tries: u32) -> Self {
        Self::Failed {
            error: GraphError::answered(GraphErrorKind::invalid(reason), answer),
            tries,
            after: None,
            throttle: None,
        }
    }

    /// Whether only somebody who knows who asks can have answered like this.
    pub(super) fn shows_an_accepted_token(&self) -> bool {
        match self {
            Self::Settled(Ok(_)) => true,
            Self::Settled(Err(error)) => error.kind != GraphErrorKind::CollectionNotFound,
            Self::Failed { .. } | Self::Unauthenticated { .. } => false,
        }
    }
}
