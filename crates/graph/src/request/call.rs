//! One request until it is answered or given up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use atlas_domain::failure::UpstreamAnswer;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use url::Url;

use crate::client::TenantGraph;
use crate::error::{ERROR_IN_SUCCESS, GraphError, GraphErrorKind, UNDECODABLE};
use crate::request::backoff::Patience;
use crate::request::body::Body;
use crate::request::http::{Attempt, Lost, Reply};
use crate::request::pacer::{Charge, Turn};
use crate::request::refusal::{self, Refusal, Usage};
use crate::request::room::{AnswerKind, NoRoom, PageInMemory};
use crate::request::sent::Sent;
use crate::sign_in::token::Token;

/// Intune's status 500 often stays, so it gets fewer attempts than the errors of a gateway.
pub(crate) const TRIES_AT_500: u32 = 3;

/// A gateway that timed out on a large page times out on it again, after a long wait each time. Where
/// a smaller page can be requested, that is the better next attempt.
const TRIES_BEFORE_LESS: u32 = 2;

/// Attempts when a body cannot be read: it may have been cut off on the way.
pub(crate) const TRIES_AT_INVALID: u32 = 3;

/// Codes of errors by which an endpoint refuses an application, and not its token.
const DENIALS: [&str; 3] = ["Forbidden", "AccessDenied", "Authorization_RequestDenied"];

/// What an address leads to, which decides what its absence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressKind {
    /// The first page of a collection.
    First,
    /// A further page, by Graph's own link.
    Next,
    /// A single object.
    Object,
}

/// What is sent, as often as it takes. All requests only read, also those with a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) url: &'a Url,
    pub(crate) address_kind: AddressKind,
    /// JSON to be posted; without it the request is a GET.
    pub(crate) body: Option<&'a Bytes>,
    /// What it uses up of the tenant's limits.
    pub(crate) charges: &'a [Charge],
    /// Whether the caller can ask for less when this takes too long.
    pub(crate) reducible: bool,
    /// Whether it brings a page that takes a place among those in memory.
    pub(crate) page: bool,
}

impl<'a> Call<'a> {
    /// A GET that brings no page.
    pub(crate) const fn get(
        url: &'a Url,
        address_kind: AddressKind,
        charges: &'a [Charge],
    ) -> Self {
        Self {
            url,
            address_kind,
            body: None,
            charges,
            reducible: false,
            page: false,
        }
    }
}

/// What was read of an answer, in its place if it takes one.
pub(crate) type Placed<T> = (T, Option<PageInMemory>);

/// What was read of an answer.
pub(crate) struct Answered<T> {
    pub(crate) value: T,
    /// Among the pages in memory, where one was wanted.
    pub(crate) place: Option<PageInMemory>,
    /// The answer, for errors that are found in it later.
    pub(crate) answer: UpstreamAnswer,
}

impl TenantGraph {
    /// Asks for `url` until there is an answer that `read` can make sense of, or no more patience.
    /// `None` is an object that does not exist.
    pub(crate) async fn get<T>(
        &self,
        url: &Url,
        address_kind: AddressKind,
        read: impl Fn(&[u8]) -> Result<T, &'static str>,
    ) -> Result<Option<T>, GraphError> {
        let charges = [Charge::of(&self.graph, url)];
        let call = Call::get(url, address_kind, &charges);
        let mut patience = self.http.patience();
        let answered = self.call(&call, &mut patience, |body| read(&body)).await?;
        Ok(answered.map(|answered| answered.value))
    }

    /// The body of the first page of a list that is not looked at yet.
    pub(crate) async fn first_page(&self, url: &Url) -> Result<Body, GraphError> {
        let charges = [Charge::of(&self.graph, url)];
        let call = Call::get(url, AddressKind::First, &charges);
        let mut patience = self.http.patience();
        let answered = self.call(&call, &mut patience, Ok).await?;
        // Only an object can be absent.
        answered
            .map(|answered| Body::new(answered.value, answered.answer))
            .ok_or_else(|| GraphErrorKind::CollectionNotFound.into())
    }

    /// As [`Self::get`], for a page that stays in memory as long as its place is kept. When smaller
    /// ones can be asked for instead, it is `reducible`: then it is soon given up when it takes too
    /// long.
    pub(crate) async fn get_page<T>(
        &self,
        url: &Url,
        address_kind: AddressKind,
        reducible: bool,
        read: impl Fn(&[u8]) -> Result<T, &'static str>,
    ) -> Result<Option<Placed<T>>, GraphError> {
        let charges = [Charge::of(&self.graph, url)];
        let call = Call {
            reducible,
            page: true,
            ..Call::get(url, address_kind, &charges)
        };
        let mut patience = self.http.patience();
        let answered = self.call(&call, &mut patience, |body| read(&body)).await?;
        Ok(answered.map(|answered| (answered.value, answered.place)))
    }

    /// Sends `call` until there is an answer that `read` can make sense of, or no more patience.
    /// `None` is an object that does not exist.
    pub(crate) async fn call<T>(
        &self,
        call: &Call<'_>,
        patience: &mut Patience,
        read: impl Fn(Bytes) -> Result<T, &'static str>,
    ) -> Result<Option<Answered<T>>, GraphError> {
        let http = &*self.http;
        let (url, address_kind, charges) = (call.url, call.address_kind, call.charges);
        let (mut renewed, mut fresh, mut sent_before) = (false, false, 0);
        let mut throttled_by = None;
        let kind = if call.page {
            AnswerKind::Page
        } else {
            AnswerKind::Other
        };
        let mut crowded = false;
        // Attempts that ended with an error whose number of attempts is limited.
        let mut limited = 0;
        loop {
            self.know_of_intune(charges)?;
            let places = call.page.then_some(&http.places);
            let turn = self.pacer.turn(charges, patience, places).await;
            let Turn {
                mut slot,
                place,
                waited,
            } = turn.map_err(|paused| GraphError {
                kind: GraphErrorKind::Throttled {
                    retry_after: paused.remaining,
                    waits: patience.waits(),
                },
                answer: throttled_by.clone(),
            })?;
            let mut room = if crowded {
                // What takes the room may need a slot before it leaves.
                drop(slot.take());
                let room = http.rooms.whole(kind).await;
                slot = self.pacer.slot().await;
                room.map_err(|NoRoom| {
                    let sent = Sent::to(url.path(), http.mint_id());
                    GraphError::answered(GraphErrorKind::TooLarge, sent.unanswered(http.now()))
                })?
            } else {
                http.rooms.empty(kind)
            };
            let token = self.access_token().await?;
            for charge in charges {
                http.traffic().waited(charge.bucket.word(), waited);
                // Of a batch, each part is a request.
                if call.body.is_none() {
                    http.traffic().sent(charge.bucket.word());
                }
            }
            let attempt = Attempt {
                before: sent_before,
                fresh,
            };
            sent_before += 1;
            patience.attempts += 1;
            let sent = Sent::to(url.path(), http.mint_id());
            let request = http.graph_request(url, call.body, token.value(), attempt, &sent);
            let sent_at = Instant::now();
            let reply = http.exchange(request, &mut room).await;
            drop(slot);
            if let (Ok(reply), [charge]) = (&reply, charges) {
                self.pacer.note(*charge, Usage::read(&reply.headers));
            }
            let (failed, tries, asked_wait) = match reply {
                Ok(reply) if reply.status.is_success() => {
                    let answer = sent.answered(reply.status, &reply.headers, http.now());
                    let room = Arc::new(room);
                    let value = match refusal::error_in(&reply.body) {
                        Some(code) => Err((ERROR_IN_SUCCESS, code)),
                        None => read(room.with(reply.body)).map_err(|reason| (reason, None)),
                    };
                    let place = place.map(|_place| PageInMemory {
                        _place,
                        _room: room,
                    });
                    match value {
                        Ok(value) => {
                            // Of a batch, each part is an answer.
                            if call.body.is_none() {
                                self.accept(&token);
                                self.silence.ended(charges);
                            }
                            return Ok(Some(Answered {
                                value,
                                place,
                                answer,
                            }));
                        }
                        Err((reason, error_code)) => {
                            let answer = UpstreamAnswer {
                                error_code,
                                ..answer
                            };
                            let failed =
                                GraphError::answered(GraphErrorKind::invalid(reason), answer);
                            (failed, TRIES_AT_INVALID, None)
                        }
                    }
                }
                Ok(reply) => {
                    let Judged { refusal, answer } = judge(&reply, &sent, http.now());
                    if refusal.shows_an_accepted_token() {
                        self.accept(&token);
                        self.silence.ended(charges);
                    }
                    let failed = |kind| GraphError::answered(kind, answer.clone());
                    match refusal {
                        Refusal::Throttled { after, application } => {
                            let wait = http.wait(patience, after);
                            tracing::debug!(path = url.path(), ?wait, "throttled by Graph");
                            self.pause(charges, application, wait);
                            if self.silence.exceeds(charges, http.options().max_wait) {
                                return Err(failed(GraphErrorKind::Throttled {
                                    retry_after: wait,
                                    waits: patience.waits(),
                                }));
                            }
                            throttled_by = Some(Arc::new(answer));
                            continue;
                        }
                        Refusal::Unauthenticated { claims } => {
                            let code = answer.error_code.as_deref();
                            if renewed || !self.is_worth_renewing(&token, code, claims.as_deref()) {
                                return Err(failed(GraphErrorKind::EndpointRefused));
                            }
                            renewed = true;
                            self.discard(&token, claims).await;
                            continue;
                        }
                        Refusal::Gone { object } => {
                            return match absent(address_kind, object) {
                                None => Ok(None),
                                Some(kind) => Err(failed(kind)),
                            };
                        }
                        Refusal::Final(GraphErrorKind::Rejected { status: 400 })
                            if address_kind == AddressKind::Next =>
                        {
                            return Err(failed(GraphErrorKind::PageExpired));
                        }
                        Refusal::Final(kind) => return Err(self.remember(failed(kind))),
                        Refusal::Server { status, after } => {
                            let tries = match status {
                                500 => TRIES_AT_500,
                                _ => u32::MAX,
                            };
                            let kind = GraphErrorKind::Unavailable {
                                status,
                                retry_after: after,
                                waits: patience.waits(),
                            };
                            (failed(kind), tries, after)
                        }
                    }
                }
                Err(Lost::TooLarge { status, headers }) => {
                    let answer = sent.answered(status, &headers, http.now());
                    return Err(GraphError::answered(GraphErrorKind::TooLarge, answer));
                }
                Err(Lost::NoRoom) => {
                    tracing::debug!(path = url.path(), "waiting for room in memory");
                    crowded = true;
                    continue;
                }
                Err(Lost::Undecodable) => {
                    let answer = sent.unanswered(http.now());
                    let kind = GraphErrorKind::invalid(UNDECODABLE);
                    (GraphError::answered(kind, answer), TRIES_AT_INVALID, None)
                }
                Err(Lost::Unreachable { reason, .. }) => {
                    // Nothing else was done in this time.
                    patience.waited_for(sent_at.elapsed());
                    let answer = sent.unanswered(http.now());
                    let waits = patience.waits();
                    let kind = GraphErrorKind::Unreachable { reason, waits };
                    (GraphError::answered(kind, answer), u32::MAX, None)
                }
            };
            let tries = if call.reducible && failed.is_timeout() {
                TRIES_BEFORE_LESS
            } else {
                tries
            };
            limited += u32::from(tries < u32::MAX);
            let wait = http.wait(patience, asked_wait);
            let silent = self.silence.exceeds(charges, http.options().max_wait);
            if silent || limited >= tries || !patience.spend(wait) {
                return Err(failed);
            }
            tracing::debug!(path = url.path(), ?wait, %failed, "trying again");
            fresh = true;
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes note that an endpoint accepted the token.
    pub(crate) fn accept(&self, token: &Token) {
        token.accept();
        // Another endpoint may have accepted it before.
        let _ = self.token_accepted.set(());
    }

    /// Has a refused token replaced. The next one is requested with `claims`.
    pub(crate) async fn discard(&self, token: &Arc<Token>, claims: Option<String>) {
        self.token_renewed.store(true, Ordering::Relaxed);
        self.token.discard(token, claims).await;
    }

    /// Whether another token may be accepted where this one was refused with `code`. One that is
    /// accepted elsewhere is good; what refuses it is the endpoint, unless the code is about tokens.
    /// Where a token that this view had renewed was refused everywhere, another one is of no use.
    pub(crate) fn is_worth_renewing(
        &self,
        token: &Token,
        code: Option<&str>,
        claims: Option<&str>,
    ) -> bool {
        let refused_by_the_endpoint =
            token.is_accepted() && code.is_some_and(|code| DENIALS.contains(&code));
        let in_vain = token.is_renewed_in_vain() && self.token_renewed.load(Ordering::Relaxed);
        claims.is_some() || !refused_by_the_endpoint && !in_vain
    }

    /// Holds all requests to the same services for `wait`; where the limit is the application's, all
    /// requests of the application.
    pub(crate) fn pause(&self, charges: &[Charge], application: bool, wait: Duration) {
        for charge in charges {
            self.http.traffic().throttled(charge.bucket.word());
            self.pacer.pause(charge.bucket, wait);
        }
        if application {
            self.pacer.pause_application(wait);
        }
    }

    /// Records that the tenant has no Intune: every other request to it would be refused.
    pub(crate) fn remember(&self, error: GraphError) -> GraphError {
        if error.kind == GraphErrorKind::IntuneNotAvailable {
            self.without_intune.get_or_init(|| error.clone());
        }
        error
    }

    /// Fails with the refusal that reported that there is no Intune, when the request is to Intune.
    fn know_of_intune(&self, charges: &[Charge]) -> Result<(), GraphError> {
        let intune = charges.iter().all(|charge| charge.bucket.is_intune());
        match self.without_intune.get() {
            Some(error) if intune => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// A refusal, and the answer that it came with.
pub(crate) struct Judged {
    pub(crate) refusal: Refusal,
    pub(crate) answer: UpstreamAnswer,
}

/// Judges an answer that is no success.
pub(crate) fn judge(reply: &Reply, sent: &Sent, now: DateTime<Utc>) -> Judged {
    let (refusal, described) = refusal::judge(reply.status, &reply.headers, &reply.body, now);
    let refusal = if reply.status.is_redirection() {
        Refusal::Final(GraphErrorKind::invalid(
            "it is a redirect, which is not followed",
        ))
    } else {
        refusal
    };
    let answer = sent.refused(reply.status, described, now);
    Judged { refusal, answer }
}

/// What it means that what was asked for is not there; `None` for an object that does not exist.
fn absent(address_kind: AddressKind, object: bool) -> Option<GraphErrorKind> {
    match address_kind {
        AddressKind::Object if object => None,
        AddressKind::Object | AddressKind::First => Some(GraphErrorKind::CollectionNotFound),
        AddressKind::Next => Some(GraphErrorKind::PageExpired),
    }
}
