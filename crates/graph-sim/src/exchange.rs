//! One request to Graph from arrival to answer, whether it came by itself or in a batch.

use std::time::{Duration, Instant};

use actix_web::http::Method;

use crate::answer::{Answer, Delivery, Ids, random_guid};
use crate::faults::{Effect, RetryAfter};
use crate::graph::{self, GraphRequest, PageFault, errors};
use crate::request_log::{LogEntry, Underway};
use crate::sign_in::Bearer;
use crate::simulator::Shared;

/// Who asks. All requests of a batch have the same caller.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) bearer: Bearer,
    /// Scheme and host that links begin with.
    pub(crate) base: String,
    pub(crate) user_agent: Option<String>,
}

impl Caller {
    /// The tenant that the token is or was for.
    pub(crate) fn tenant(&self) -> Option<&str> {
        match &self.bearer {
            Bearer::Good(tenant) | Bearer::Expired(tenant) => Some(tenant),
            Bearer::Unknown => None,
        }
    }
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// With the version.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(one, _)| one == name)?;
        Some(value)
    }

    pub(crate) fn ids(&self) -> Ids {
        Ids {
            request: random_guid(),
            client_request: self.header("client-request-id").map(str::to_owned),
        }
    }

    /// Notes the request in the log. `batch` is the id of the envelope that it came in.
    pub(crate) fn begin(
        &self,
        shared: &Shared,
        tenant: Option<&str>,
        user_agent: Option<&str>,
        batch: Option<&str>,
    ) -> Underway {
        shared.log.begin(LogEntry {
            method: self.method.to_string(),
            path: self.path.clone(),
            query: self.query.clone(),
            tenant: tenant.map(str::to_owned),
            batch: batch.map(str::to_owned),
            status: None,
            retry_after: None,
            client_request_id: self.header("client-request-id").map(str::to_owned),
            user_agent: user_agent.map(str::to_owned),
            started_us: 0,
            ended_us: 0,
        })
    }
}

/// Waits at gates, and finds out what goes wrong with the request.
pub(crate) async fn meet(shared: &Shared, path: &str, tenant: Option<&str>) -> Option<Effect> {
    shared.gates.pass(path, tenant).await;
    let effect = shared.faults.strike(path, tenant);
    if let Some(Effect::Delayed { milliseconds }) = effect {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    effect
}

/// Answers a request in a batch: with the latency of its rows, and in the log. `None` when the
/// answer is to be missing.
pub(crate) async fn part(
    shared: &Shared,
    caller: &Caller,
    asked: &Asked,
    batch: &str,
) -> Option<Answer> {
    let tenant = caller.tenant();
    let mut underway = asked.begin(shared, tenant, caller.user_agent.as_deref(), Some(batch));
    let effect = meet(shared, &asked.path, tenant).await;
    if matches!(effect, Some(Effect::MissingResponse)) {
        return None;
    }
    let answer = graph(shared, caller, asked, effect.as_ref(), &asked.ids());
    let latency = shared.latency().of(answer.rows);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    underway.answered(answer.status, answer.header("Retry-After"));
    Some(answer)
}

/// The tenant whose token lets the request in.
pub(crate) fn admit<'a>(caller: &'a Caller, ids: &Ids) -> Result<&'a str, Box<Answer>> {
    let message = match &caller.bearer {
        Bearer::Good(tenant) => return Ok(tenant),
        Bearer::Expired(_) => "Lifetime validation failed, the token is expired.",
        Bearer::Unknown => "Access token is empty or cannot be read.",
    };
    Err(errors::unauthorized(message, ids).into())
}

/// Answers a request that is no batch.
pub(crate) fn graph(
    shared: &Shared,
    caller: &Caller,
    asked: &Asked,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Answer {
    let tenant = match admit(caller, ids) {
        Ok(tenant) => tenant,
        Err(refusal) => return *refusal,
    };
    if let Some(wait) = shared.throttles.refuse(&asked.path, tenant, Instant::now()) {
        return throttled(wait, ids);
    }
    let permission = graph::permission(&asked.path);
    if let Some(answer) = effect.and_then(|effect| at_once(effect, permission, ids)) {
        return answer;
    }
    if asked.method != Method::GET {
        return errors::method_not_allowed(ids);
    }
    let has = |name: &str, wanted: &str| {
        asked
            .header(name)
            .is_some_and(|value| value.to_ascii_lowercase().contains(wanted))
    };
    let answer = graph::answer(&GraphRequest {
        directory: shared.directory(tenant),
        tenant,
        seed: shared.seed,
        max_page_size: shared.max_page_size,
        path: &asked.path,
        query: &asked.query,
        base: caller.base.clone(),
        unknown_members: has("prefer", "include-unknown-enum-members"),
        eventual: has("consistencylevel", "eventual"),
        fault: PageFault::from(effect),
        ids,
    });
    deface(answer, effect)
}

/// 429, with the wait if it is told.
pub(crate) fn throttled(wait: Option<Duration>, ids: &Ids) -> Answer {
    let wait = wait.map_or(RetryAfter::Absent, |wait| {
        RetryAfter::Decimal((wait.as_secs_f64() * 1_000.0).ceil() / 1_000.0)
    });
    errors::throttled(ids).retry_after(wait)
}

/// The answer of an effect that needs no page.
pub(crate) fn at_once(effect: &Effect, own_permission: Option<&str>, ids: &Ids) -> Option<Answer> {
    Some(match effect {
        Effect::Forbidden { permission } => {
            errors::forbidden(permission.as_deref().or(own_permission), ids)
        }
        Effect::Unlicensed => errors::unlicensed(ids),
        Effect::Throttled { retry_after } => errors::throttled(ids).retry_after(*retry_after),
        Effect::ServerError {
            status,
            body,
            retry_after,
        } => errors::server_error(*status, *body, ids).retry_after(*retry_after),
        Effect::NotApplicable => errors::not_applicable(ids),
        Effect::Unauthorized => {
            errors::unauthorized("Lifetime validation failed, the token is expired.", ids)
        }
        Effect::HtmlPage => Answer::new(
            200,
            "text/html; charset=utf-8",
            b"<!doctype html><html><title>Maintenance</title><p>Come back later.</html>".to_vec(),
        ),
        Effect::Answer { status, body } => {
            Answer::new(*status, "application/json", body.clone().into_bytes())
        }
        _ => return None,
    })
}

/// Spoils a finished answer.
pub(crate) fn deface(mut answer: Answer, effect: Option<&Effect>) -> Answer {
    match effect {
        Some(Effect::TruncatedJson) => answer.body.truncate(answer.body.len() / 2),
        Some(Effect::ConnectionReset) => answer.delivery = Delivery::Reset,
        _ => {}
    }
    answer
}

/// The page that an effect asks for.
impl<'a> From<Option<&'a Effect>> for PageFault<'a> {
    fn from(effect: Option<&'a Effect>) -> Self {
        match effect {
            Some(Effect::EmptyPage) => Self::Empty,
            Some(Effect::RepeatedNextLink) => Self::LinkToItself,
            Some(Effect::ForeignNextLink { origin }) => Self::LinkElsewhere(origin),
            Some(Effect::RepeatedRow) => Self::RepeatedRow,
            Some(Effect::Padded { bytes }) => Self::Padded(*bytes),
            _ => Self::None,
        }
    }
}
