//! Who asks.

use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use atlas_domain::access::api_token::{ApiToken, TokenHash};
use atlas_domain::access::stream_ticket::StreamTicket;
use atlas_domain::ids::UserId;
use atlas_store::{Principal, TokenLookup};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::context::RequestContext;
use crate::extract::ticket;
use crate::extract::token_cache::RefusedToken;
use crate::problem::{Problem, ProblemKind};
use crate::rate::{Exceeded, Remaining};
use crate::state::AppState;

/// A caller who proved to be a user, and whose request was counted.
#[derive(Debug, Clone)]
pub(crate) struct Actor(Principal);

impl Actor {
    /// The user.
    pub(crate) const fn user_id(&self) -> UserId {
        self.0.user_id
    }

    /// The caller of a request that was authenticated before, by the extractor of what it is about.
    pub(crate) fn known(request: &HttpRequest) -> Result<Self, Problem> {
        let actor = request.extensions().get::<Self>().cloned();
        actor.ok_or_else(Problem::internal)
    }

    /// What is known of the user and the token.
    pub(crate) const fn principal(&self) -> &Principal {
        &self.0
    }
}

impl FromRequest for Actor {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move { Self::of(&request).await }.boxed_local()
    }
}

impl Actor {
    /// Authenticates the request and counts it.
    pub(crate) async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let state = AppState::of(request)?;
        let context = request.extensions().get::<RequestContext>().cloned();
        let address = context.and_then(|context| context.address);
        let principal = match ticket::presented(request) {
            Some(ticket) => by_ticket(request, state, ticket, address).await?,
            None => by_token(request, state, address).await?,
        };
        counted(request, state.rates.count_user(principal.user_id))?;
        let actor = Self(principal);
        request.extensions_mut().insert(actor.clone());
        Ok(actor)
    }
}

async fn by_token(
    request: &HttpRequest,
    state: &AppState,
    address: Option<IpAddr>,
) -> Result<Principal, Problem> {
    let hash = match presented(request) {
        Ok(hash) => hash,
        Err(refused) => {
            counted(request, state.rates.count_stranger(address))?;
            return Err(refused);
        }
    };
    match state.tokens.get(&hash) {
        Some(principal) => Ok(principal),
        None => look_up(request, state, hash, address).await,
    }
}

/// Uses a ticket up. It is counted before the database is asked, as an unknown token is.
async fn by_ticket(
    request: &HttpRequest,
    state: &AppState,
    ticket: Option<StreamTicket>,
    address: Option<IpAddr>,
) -> Result<Principal, Problem> {
    let Some(ticket) = ticket else {
        counted(request, state.rates.count_stranger(address))?;
        return Err(unauthenticated(
            "The ticket is not a well-formed stream ticket.",
        ));
    };
    counted(request, state.rates.count_look_up(address))?;
    match state.store.use_stream_ticket(&ticket.hash()).await? {
        TokenLookup::Active(principal) => Ok(principal),
        TokenLookup::Unknown => Err(unauthenticated(
            "The stream ticket was used, has expired, or is not known.",
        )),
        TokenLookup::Expired => Err(expired()),
        TokenLookup::Revoked => Err(revoked()),
    }
}

/// Looks up a token that was not looked up a moment ago. A token that was never valid here is
/// counted before the database is asked, and of callers with the same token only one asks.
async fn look_up(
    request: &HttpRequest,
    state: &AppState,
    hash: TokenHash,
    address: Option<IpAddr>,
) -> Result<Principal, Problem> {
    if !state.tokens.was_valid(&hash) {
        counted(request, state.rates.count_look_up(address))?;
    }
    let _turn = state.tokens.turn(&hash).await;
    if let Some(principal) = state.tokens.get(&hash) {
        return Ok(principal);
    }
    if let Some(refused) = state.tokens.refused(&hash) {
        return Err(refused.problem());
    }
    let refused = match state.store.principal_by_token(&hash).await? {
        TokenLookup::Active(principal) => {
            state.tokens.put(hash, principal.clone());
            return Ok(principal);
        }
        TokenLookup::Unknown => RefusedToken::Unknown,
        TokenLookup::Expired => RefusedToken::Expired,
        TokenLookup::Revoked => RefusedToken::Revoked,
    };
    state.tokens.refuse(hash, refused);
    Err(refused.problem())
}

/// Leaves what remains of the quota for the answer's headers.
fn counted(request: &HttpRequest, counted: Result<Remaining, Exceeded>) -> Result<(), Problem> {
    let mut extensions = request.extensions_mut();
    match counted {
        Ok(remaining) => {
            extensions.insert(remaining);
            Ok(())
        }
        Err(exceeded) => {
            extensions.insert(exceeded.remaining());
            Err(too_many(exceeded.retry_after))
        }
    }
}

impl RefusedToken {
    fn problem(self) -> Problem {
        match self {
            Self::Unknown => unauthenticated("The API token is not known."),
            Self::Expired => expired(),
            Self::Revoked => revoked(),
        }
    }
}

pub(crate) fn unauthenticated(detail: &str) -> Problem {
    Problem::new(ProblemKind::Unauthenticated, detail)
}

pub(crate) fn expired() -> Problem {
    Problem::new(ProblemKind::TokenExpired, "The API token has expired.")
}

pub(crate) fn revoked() -> Problem {
    Problem::new(
        ProblemKind::TokenRevoked,
        "The API token was revoked or its user disabled.",
    )
}

/// With the seconds until the caller's quota is renewed.
pub(crate) fn too_many(retry_after: u64) -> Problem {
    Problem::new(
        ProblemKind::QuotaExceeded,
        "You have made too many requests in the last minute.",
    )
    .retry_after(retry_after)
}

/// The hash of the token that the request holds.
pub(crate) fn presented(request: &HttpRequest) -> Result<TokenHash, Problem> {
    let refuse = |detail: &str| Err(unauthenticated(detail));
    let Some(presented) = request.headers().get(header::AUTHORIZATION) else {
        return refuse("The header Authorization is missing.");
    };
    let bearer = presented
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(bearer) = bearer else {
        return refuse("The header Authorization does not hold a bearer token.");
    };
    match ApiToken::parse(bearer) {
        Ok(token) => Ok(token.hash()),
        Err(_) => refuse("The bearer token is not a well-formed API token."),
    }
}
