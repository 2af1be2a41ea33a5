//! Who asks.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use atlas_domain::access::api_token::ApiToken;
use atlas_domain::ids::UserId;
use atlas_store::{Principal, TokenLookup};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::problem::{Problem, ProblemKind};
use crate::rate::Remaining;
use crate::state::AppState;

/// A caller who proved to be a user, and whose request was counted.
#[derive(Debug, Clone)]
pub(crate) struct Actor(Principal);

impl Actor {
    /// The user.
    pub(crate) const fn user_id(&self) -> UserId {
        self.0.user_id
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
        let authenticated = authenticate(request, state).await;
        let counted = match &authenticated {
            Ok(actor) => state.rates.count_user(actor.user_id()),
            Err(problem) if problem.kind().status().is_server_error() => {
                return authenticated;
            }
            Err(_) => state
                .rates
                .count_stranger(request.peer_addr().map(|address| address.ip())),
        };
        match counted {
            Ok(remaining) => {
                request.extensions_mut().insert(remaining);
            }
            Err(exceeded) => {
                request.extensions_mut().insert(Remaining::NONE);
                return Err(too_many(exceeded.retry_after));
            }
        }
        let actor = authenticated?;
        request.extensions_mut().insert(actor.clone());
        Ok(actor)
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

async fn authenticate(request: &HttpRequest, state: &AppState) -> Result<Actor, Problem> {
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
    let Ok(token) = ApiToken::parse(bearer) else {
        return refuse("The bearer token is not a well-formed API token.");
    };
    let hash = token.hash();
    if let Some(principal) = state.tokens.get(&hash) {
        return Ok(Actor(principal));
    }
    match state.store.principal_by_token(&hash).await? {
        TokenLookup::Active(principal) => {
            state.tokens.put(hash, principal.clone());
            Ok(Actor(principal))
        }
        TokenLookup::Unknown => refuse("The API token is not known."),
        TokenLookup::Expired => Err(expired()),
        TokenLookup::Revoked => Err(revoked()),
    }
}
