//! One request until it is answered or given up.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::{Clock, Entropy};
use atlas_domain::ids::mint_uuid;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroize;

use crate::backoff::{self, Patience};
use crate::client::TenantGraph;
use crate::error::GraphError;
use crate::options::{GraphOptions, GraphSetupError};
use crate::upstream::{self, Refusal};

/// So much of an error's body is looked at.
const ERROR_BODY_BYTES: usize = 64 * 1024;

/// Status 500 is often no passing trouble with Intune; it gets fewer attempts than a gateway's.
const TRIES_AT_500: u32 = 3;

/// A body that cannot be read gets so many attempts: it may have been cut off on the way.
const TRIES_AT_INVALID: u32 = 3;

/// Connections and what decides about waits.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    /// Keeps no connections, for attempts that should not meet the same broken server again
    /// (Microsoft Graph best practices: retry a 503 on a new connection).
    fresh: Client,
    options: GraphOptions,
    sources: Sources,
}

struct Sources {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources")
    }
}

/// An answer that was read to its end, or as far as an error's body is looked at.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// No answer that could be used.
pub(crate) enum Lost {
    /// None came, or not to its end.
    Unreachable(&'static str),
    /// It is larger than what is read.
    TooLarge { request_id: Option<String> },
}

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

impl Http {
    pub(crate) fn new(
        options: GraphOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, GraphSetupError> {
        let build = |idle_connections: usize| {
            let builder = Client::builder()
                .user_agent(&options.user_agent)
                .timeout(options.request_timeout)
                .connect_timeout(options.connect_timeout)
                // A redirect would carry the bearer token to wherever it leads.
                .redirect(redirect::Policy::none())
                .referer(false)
                .pool_max_idle_per_host(idle_connections);
            let builder = if options.is_local() {
                builder.no_proxy()
            } else {
                builder
            };
            builder.build().map_err(GraphSetupError::Http)
        };
        Ok(Self {
            client: build(usize::MAX)?,
            fresh: build(0)?,
            options,
            sources: Sources { clock, entropy },
        })
    }

    pub(crate) const fn options(&self) -> &GraphOptions {
        &self.options
    }

    pub(crate) fn client(&self, fresh: bool) -> &Client {
        if fresh { &self.fresh } else { &self.client }
    }

    pub(crate) const fn patience(&self) -> Patience {
        Patience::new(self.options.max_attempts, self.options.max_wait)
    }

    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.sources.clock.now()
    }

    /// The wait after the attempt that was just made: what the service asked for, else an
    /// exponential backoff. A service that keeps asking for the same short wait gets longer ones.
    pub(crate) fn wait(&self, patience: &Patience, asked: Option<Duration>) -> Duration {
        let first = self.options.first_backoff;
        let own = backoff::exponential(first, patience.attempts, &*self.sources.entropy);
        asked.map_or(own, |asked| asked.max(own / 4))
    }

    /// Sends a request and reads its answer within the limits. A success of more than
    /// `max_bytes` is refused; an error's body is cut off.
    pub(crate) async fn exchange(
        &self,
        request: RequestBuilder,
        max_bytes: usize,
    ) -> Result<Reply, Lost> {
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let max_bytes = if status.is_success() {
            max_bytes
        } else {
            ERROR_BODY_BYTES
        };
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            let room = max_bytes - body.len();
            if chunk.len() <= room {
                body.extend_from_slice(&chunk);
            } else if status.is_success() {
                body.zeroize();
                return Err(Lost::TooLarge {
                    request_id: upstream::request_id(&headers),
                });
            } else {
                body.extend_from_slice(&chunk[..room]);
                break;
            }
        }
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    fn graph_request(&self, url: &Url, token: &SecretString, fresh: bool) -> RequestBuilder {
        let id = mint_uuid(&*self.sources.clock, &*self.sources.entropy);
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        bearer.set_sensitive(true);
        self.client(fresh)
            .get(url.clone())
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            // Without it, template families newer than an enumeration's first release read as
            // `unknownFutureValue`.
            .header("prefer", "include-unknown-enum-members")
            // A sync yields to people who wait for an answer.
            .header("x-ms-throttle-priority", "low")
            .header("client-request-id", id.to_string())
    }
}

/// What happened on the way, in fixed words: the error itself holds the address.
fn unreachable(error: &reqwest::Error) -> Lost {
    Lost::Unreachable(if error.is_timeout() {
        "the time ran out"
    } else if error.is_connect() {
        "no connection could be made"
    } else if error.is_decode() {
        "the body could not be decompressed"
    } else {
        "the connection broke"
    })
}

impl TenantGraph {
    /// Asks for `url` until there is an answer that `read` can make sense of, or no more patience.
    /// `None` is an object that does not exist.
    pub(crate) async fn get<T>(
        &self,
        url: &Url,
        asked: Asked,
        read: impl Fn(&[u8]) -> Result<T, &'static str>,
    ) -> Result<Option<T>, GraphError> {
        let http = &*self.http;
        let interval = self.interval(url);
        let mut patience = http.patience();
        let (mut renewed, mut fresh) = (false, false);
        let mut throttled_by = None;
        loop {
            self.tempo
                .turn(interval, &mut patience)
                .await
                .map_err(|paused| GraphError::Throttled {
                    retry_after: paused.remaining,
                    request_id: throttled_by.clone(),
                })?;
            let token = self.access_token().await?;
            patience.attempts += 1;
            let request = http.graph_request(url, token.value(), fresh);
            let (failed, tries, asked_wait) =
                match http.exchange(request, http.options.max_body_bytes).await {
                    Ok(reply) if reply.status.is_success() => match read(&reply.body) {
                        Ok(value) => return Ok(Some(value)),
                        Err(reason) => {
                            let request_id = upstream::request_id(&reply.headers);
                            let failed = GraphError::InvalidResponse { reason, request_id };
                            (failed, TRIES_AT_INVALID, None)
                        }
                    },
                    Ok(reply) => match judge(&reply, http.now()) {
                        Refusal::Throttled { after, request_id } => {
                            let wait = http.wait(&patience, after);
                            tracing::debug!(path = url.path(), ?wait, "throttled by Graph");
                            self.tempo.pause(wait);
                            if !patience.has_attempt(u32::MAX) {
                                return Err(GraphError::Throttled {
                                    retry_after: wait,
                                    request_id,
                                });
                            }
                            throttled_by = request_id;
                            continue;
                        }
                        Refusal::Unauthenticated { request_id } => {
                            if renewed {
                                return Err(GraphError::Unauthenticated { request_id });
                            }
                            renewed = true;
                            self.token.discard(&token).await;
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
                        Refusal::Final(error) => return Err(error),
                        Refusal::Server {
                            status,
                            after,
                            request_id,
                        } => {
                            let tries = if status == 500 {
                                TRIES_AT_500
                            } else {
                                u32::MAX
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
            let wait = http.wait(&patience, asked_wait);
            if !patience.has_attempt(tries) || !patience.spend(wait) {
                return Err(failed);
            }
            tracing::debug!(path = url.path(), ?wait, %failed, "trying again");
            fresh = true;
            tokio::time::sleep(wait).await;
        }
    }

    /// The distance to keep to the request before, where Graph has a limit per second.
    fn interval(&self, url: &Url) -> Option<Duration> {
        url.path()
            .contains("/identity/conditionalAccess/")
            .then_some(self.http.options.conditional_access_interval)
    }
}

fn judge(reply: &Reply, now: chrono::DateTime<chrono::Utc>) -> Refusal {
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
