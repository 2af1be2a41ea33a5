//! Connections, and one exchange of a request for an answer.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::{Clock, Entropy};
use atlas_domain::ids::mint_uuid;
use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use url::Url;
use zeroize::Zeroize;

use crate::error::TIMED_OUT;
use crate::options::{GraphOptions, GraphSetupError};
use crate::request::backoff::{self, Patience};
use crate::request::parse::without_mark;
use crate::request::room::{NoRoom, Room, Rooms};
use crate::request::sent::Sent;
use crate::traffic::Traffic;

/// How many bytes of an error's body are read.
const ERROR_BODY_BYTES: usize = 64 * 1024;

/// Connections and what decides about waits.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    /// Keeps no connections, for attempts that should not meet the same broken server again
    /// (Microsoft Graph best practices: retry a 503 on a new connection).
    fresh: Client,
    /// Places of pages in memory.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) rooms: Rooms,
    options: GraphOptions,
    sources: Sources,
}

struct Sources {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    traffic: Arc<dyn Traffic>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources")
    }
}

/// An answer that was read to its end; an error's body up to [`ERROR_BODY_BYTES`].
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Which attempt at a request it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attempt {
    /// How many went before.
    pub(crate) before: u32,
    /// Whether it goes over a connection of its own.
    pub(crate) fresh: bool,
}

/// No answer that could be used.
pub(crate) enum Lost {
    /// None came, or not to its end.
    Unreachable {
        /// What happened, in fixed words.
        reason: &'static str,
        /// The same with all its causes and without the address, for the log.
        cause: String,
    },
    /// It is compressed in a way that cannot be read.
    Undecodable,
    /// It is larger than what is read.
    TooLarge {
        status: StatusCode,
        headers: Box<HeaderMap>,
    },
    /// Others take the room that it needs.
    NoRoom,
}

impl Http {
    pub(crate) fn new(
        options: GraphOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        traffic: Arc<dyn Traffic>,
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
            places: Arc::new(Semaphore::new(options.pages_in_memory)),
            rooms: Rooms::new(options.bytes_in_memory, options.max_body_bytes),
            options,
            sources: Sources {
                clock,
                entropy,
                traffic,
            },
        })
    }

    pub(crate) const fn options(&self) -> &GraphOptions {
        &self.options
    }

    pub(crate) fn client(&self, fresh: bool) -> &Client {
        if fresh { &self.fresh } else { &self.client }
    }

    pub(crate) const fn patience(&self) -> Patience {
        Patience::new(self.options.max_wait)
    }

    pub(crate) fn traffic(&self) -> &dyn Traffic {
        &*self.sources.traffic
    }

    /// An id that was never given before.
    pub(crate) fn mint_id(&self) -> String {
        mint_uuid(&*self.sources.clock, &*self.sources.entropy).to_string()
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

    /// Sends a request and reads its answer within the limits. `room` grows with the body; a success
    /// that is larger than it may be is refused, and an error's body is cut off.
    pub(crate) async fn exchange(
        &self,
        request: RequestBuilder,
        room: &mut Room,
    ) -> Result<Reply, Lost> {
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let headers = response.headers().clone();
        let max_bytes = if status.is_success() {
            room.largest
        } else {
            ERROR_BODY_BYTES.min(room.largest)
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            let left = max_bytes - body.len();
            if chunk.len() <= left {
                if make_room(&mut body, chunk.len(), room).is_err() {
                    body.zeroize();
                    return Err(Lost::NoRoom);
                }
                body.extend_from_slice(&chunk);
            } else if status.is_success() {
                body.zeroize();
                return Err(Lost::TooLarge {
                    status,
                    headers: Box::new(headers),
                });
            } else {
                body.extend_from_slice(&chunk[..left]);
                break;
            }
        }
        let mark = body.len() - without_mark(&body).len();
        body.drain(..mark);
        body.shrink_to_fit();
        room.shrink_to(body.len());
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    /// A request to Graph: a GET, or a POST of JSON where there is a body.
    pub(crate) fn graph_request(
        &self,
        url: &Url,
        body: Option<&Bytes>,
        token: &SecretString,
        attempt: Attempt,
        sent: &Sent,
    ) -> RequestBuilder {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        bearer.set_sensitive(true);
        let client = self.client(attempt.fresh);
        let request = match body {
            None => client.get(url.clone()),
            Some(body) => client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone()),
        };
        // Microsoft's own clients send it in the same way.
        let request = if attempt.before > 0 {
            request.header("retry-attempt", attempt.before)
        } else {
            request
        };
        request
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            // Without it, template families newer than an enumeration's first release read as
            // `unknownFutureValue`.
            .header("prefer", preference(url))
            // A sync yields to people who wait for an answer.
            .header("x-ms-throttle-priority", "low")
            .header("client-request-id", sent.client_request_id())
    }
}

/// Lets `body` grow by half at least, within its room.
fn make_room(body: &mut Vec<u8>, more: usize, room: &mut Room) -> Result<(), NoRoom> {
    let needed = body.len() + more;
    if needed > body.capacity() {
        let half_more = (body.capacity() + body.capacity() / 2).min(room.largest);
        let capacity = needed.max(half_more);
        room.grow_to(capacity)?;
        body.reserve_exact(capacity - body.len());
    }
    Ok(())
}

/// How an answer is wanted. A list of changes carries of an object only what changed.
fn preference(url: &Url) -> &'static str {
    if url.path().ends_with("/delta") {
        "include-unknown-enum-members, return=minimal"
    } else {
        "include-unknown-enum-members"
    }
}

/// Whether the cause is compressed data, and not a connection that ended in the middle of it.
fn is_about_compression(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause.filter(|cause| cause.is::<reqwest::Error>()) {
        cause = error.source();
    }
    // Errors of the connection stand in others of the HTTP library.
    let kind = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    matches!(
        kind.map(io::Error::kind),
        Some(ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof)
    )
}

/// What happened on the way. The error itself holds the address.
fn unreachable(error: reqwest::Error) -> Lost {
    if error.is_decode() && is_about_compression(&error) {
        return Lost::Undecodable;
    }
    let reason = if error.is_timeout() {
        TIMED_OUT
    } else if error.is_connect() {
        "no connection could be made"
    } else {
        "the connection broke"
    };
    let cause = Causes(&error.without_url()).to_string();
    Lost::Unreachable { reason, cause }
}
