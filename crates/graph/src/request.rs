//! One request until it is answered or given up.

use std::time::Duration;

use bytes::Bytes;
use url::Url;

use crate::backoff::Patience;
use crate::client::TenantGraph;
use crate::error::GraphError;
use crate::http::{Attempt, Lost, Reply};
use crate::pacer::{Charge, Place, Turn};
use crate::upstream::{self, Refusal, Usage};

/// Status 500 is often no passing trouble with Intune; it gets fewer attempts than a gateway's.
pub(crate) const TRIES_AT_500: u32 = 3;

/// A gateway that gave up on a large page gives up on it again, after a long wait each time. Where
/// less can be asked for, that is the better next attempt.
const TRIES_BEFORE_LESS: u32 = 2;

/// A body that cannot be read gets so many attempts: it may have been cut off on the way.
pub(crate) const TRIES_AT_INVALID: u32 = 3;

/// What an address stands for, which decides what its absence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
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
    pub(crate) asked: Asked,
    /// JSON to be posted; without it the request is a GET.
    pub(crate) body: Option<&'a Bytes>,
    /// What it uses up of the tenant's limits.
    pub(crate) charges: &'a [Charge],
    /// Whether the caller can ask for less when this takes too long.
    pub(crate) reducible: bool,
    /// Whether it brings a page that takes a place among those in memory.
    pub(crate) page: bool,
}

/// What was read of an answer, in its place if it takes one.
pub(crate) type Placed<T> = (T, Option<Place>);

impl TenantGraph {
    /// Asks for `url` until there is an answer that `read` can make sense of, or no more patience.
    /// `None` is an object that does not exist.
    pub(crate) async fn get<T>(
        &self,
        url: &Url,
        asked: Asked,
        read: impl Fn(&[u8]) -> Result<T, &'static str>,
    ) -> Result<Option<T>, GraphError> {
        let call = Call {
            url,
            asked,
            body: None,
            charges: &[Charge::of(&self.graph, url)],
            reducible: false,
            page: false,
        };
        let mut patience = self.http.patience();
        self.call(&call, &mut patience, |body| read(&body)).await
    }

    /// As [`Self::get`], for a page that stays in memory as long as its place is kept. When smaller
    /// ones can be asked for instead, it is `reducible`: then it is soon given up when it takes too
    /// long.
    pub(crate) async fn get_page<T>(
        &self,
        url: &Url,
        asked: Asked,
        reducible: bool,
        read: impl Fn(&[u8]) -> Result<T, &'static str>,
    ) -> Result<Option<Placed<T>>, GraphError> {
        let call = Call {
            url,
            asked,
            body: None,
            charges: &[Charge::of(&self.graph, url)],
            reducible,
            page: true,
        };
        let mut patience = self.http.patience();
        self.answer(&call, &mut patience, |body| read(&body)).await
    }

    /// Sends `call` until there is an answer that `read` can make sense of, or no more patience.
    /// `None` is an object that does not exist.
    pub(crate) async fn call<T>(
        &self,
        call: &Call<'_>,
        patience: &mut Patience,
        read: impl Fn(Bytes) -> Result<T, &'static str>,
    ) -> Result<Option<T>, GraphError> {
        let answer = self.answer(call, patience, read).await?;
        Ok(answer.map(|(value, _)| value))
    }

    async fn answer<T>(
        &self,
        call: &Call<'_>,
        patience: &mut Patience,
        read: impl Fn(Bytes) -> Result<T, &'static str>,
    ) -> Result<Option<Placed<T>>, GraphError> {
        let http = &*self.http;
        let (url, asked) = (call.url, call.asked);
        let charges = call.charges;
        let (mut renewed, mut fresh, mut sent) = (false, false, 0);
        let mut throttled_by = None;
        loop {
            self.know_of_intune(charges)?;
            let places = call.page.then_some(&http.places);
            let turn = self.pacer.turn(charges, patience, places).await;
            let Turn { slot, place } = turn.map_err(|paused| GraphError::Throttled {
                retry_after: paused.remaining,
                request_id: throttled_by.clone(),
            })?;
            let token = self.access_token().await?;
            let attempt = Attempt {
                before: sent,
                fresh,
            };
            sent += 1;
            patience.attempts += 1;
            let request = http.graph_request(url, call.body, token.value(), attempt);
            let reply = http.exchange(request, http.options().max_body_bytes).await;
            drop(slot);
            if let (Ok(reply), [charge]) = (&reply, charges) {
                self.pacer.note(*charge, Usage::read(&reply.headers));
            }
            let (failed, tries, asked_wait) = match reply {
                Ok(reply) if reply.status.is_success() => {
                    let request_id = upstream::request_id(&reply.headers);
                    match read(Bytes::from(reply.body)) {
                        Ok(value) => return Ok(Some((value, place))),
                        Err(reason) => {
                            let failed = GraphError::InvalidResponse { reason, request_id };
                            (failed, TRIES_AT_INVALID, None)
                        }
                    }
                }
                Ok(reply) => match judge(&reply, http.now()) {
                    Refusal::Throttled {
                        after,
                        application,
                        request_id,
                    } => {
                        let wait = http.wait(patience, after);
                        tracing::debug!(path = url.path(), ?wait, "throttled by Graph");
                        self.pause(charges, application, wait);
                        if !patience.has_attempt(u32::MAX) {
                            return Err(GraphError::Throttled {
                                retry_after: wait,
                                request_id,
                            });
                        }
                        throttled_by = request_id;
                        continue;
                    }
                    Refusal::Unauthenticated { claims, request_id } => {
                        if renewed {
                            return Err(GraphError::Unauthenticated { request_id });
                        }
                        renewed = true;
                        self.token.discard(&token, claims).await;
                        continue;
                    }
                    Refusal::Gone { object, request_id } => {
                        return absent(asked, object, request_id);
                    }
                    Refusal::Final(GraphError::Rejected {
                        status: 400,
                        request_id,
                    }) if asked == Asked::Next => {
                        return Err(GraphError::PageExpired { request_id });
                    }
                    Refusal::Final(error) => return Err(self.remember(error)),
                    Refusal::Server {
                        status,
                        after,
                        request_id,
                    } => {
                        let tries = match status {
                            500 => TRIES_AT_500,
                            _ => u32::MAX,
                        };
                        let failed = GraphError::Unavailable {
                            status,
                            retry_after: after,
                            request_id,
                        };
                        (failed, tries, after)
                    }
                },
                Err(Lost::TooLarge { request_id }) => {
                    return Err(GraphError::InvalidResponse {
                        reason: "it is larger than the limit",
                        request_id,
                    });
                }
                Err(Lost::Unreachable(reason)) => {
                    (GraphError::Unreachable { reason }, u32::MAX, None)
                }
            };
            let tries = if call.reducible && failed.is_timeout() {
                TRIES_BEFORE_LESS
            } else {
                tries
            };
            let wait = http.wait(patience, asked_wait);
            if !patience.has_attempt(tries) || !patience.spend(wait) {
                return Err(failed);
            }
            tracing::debug!(path = url.path(), ?wait, %failed, "trying again");
            drop(place);
            fresh = true;
            tokio::time::sleep(wait).await;
        }
    }

    /// Lets nobody ask for the same services for `wait`; nobody at all with the application, where
    /// the limit is its own.
    pub(crate) fn pause(&self, charges: &[Charge], application: bool, wait: Duration) {
        for charge in charges {
            self.pacer.pause(charge.bucket, wait);
        }
        if application {
            self.pacer.pause_application(wait);
        }
    }

    /// Keeps in mind that the tenant has no Intune: every other request to it would be refused.
    pub(crate) fn remember(&self, error: GraphError) -> GraphError {
        if matches!(error, GraphError::IntuneNotAvailable { .. }) {
            self.without_intune.get_or_init(|| error.clone());
        }
        error
    }

    /// The refusal that told that there is no Intune, when that is what is asked for.
    fn know_of_intune(&self, charges: &[Charge]) -> Result<(), GraphError> {
        let intune = charges.iter().all(|charge| charge.bucket.is_intune());
        match self.without_intune.get() {
            Some(error) if intune => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// Judges an answer that is no success.
pub(crate) fn judge(reply: &Reply, now: chrono::DateTime<chrono::Utc>) -> Refusal {
    if reply.status.is_redirection() {
        return Refusal::Final(GraphError::InvalidResponse {
            reason: "it is a redirect, which is not followed",
            request_id: upstream::request_id(&reply.headers),
        });
    }
    upstream::judge(reply.status, &reply.headers, &reply.body, now)
}

fn absent<T>(
    asked: Asked,
    object: bool,
    request_id: Option<String>,
) -> Result<Option<T>, GraphError> {
    match asked {
        Asked::Object if object => Ok(None),
        Asked::Object | Asked::First => Err(GraphError::CollectionNotFound { request_id }),
        Asked::Next => Err(GraphError::PageExpired { request_id }),
    }
}
