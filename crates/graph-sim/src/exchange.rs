//! One request to Graph from arrival to answer, whether it came by itself or in a batch.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::web::Bytes;

use crate::answer::{Answer, Delivery, Ids, random_bits, random_guid};
use crate::audit::AuditLog;
use crate::deface::{compressed_blanks, deface};
use crate::faults::Effect;
use crate::graph::{self, GraphRequest, PageFault, audit_events, by_ids, errors, group_changes};
use crate::limits::{Asking, Charge, Refusal, WaitForm};
use crate::modes::TenantMode;
use crate::request_log::{LogEntry, Underway};
use crate::retry_after::RetryAfter;
use crate::shared::Shared;
use crate::sign_in::{Bearer, Holder};

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
            Bearer::Good(holder) | Bearer::Expired(holder) | Bearer::Challenged(holder, _) => {
                Some(&holder.tenant)
            }
            Bearer::Unknown => None,
        }
    }
}

/// A request as it came in, by itself or in a batch.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    pub(crate) method: Method,
    /// With the version.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Empty where none came.
    pub(crate) body: Bytes,
}

impl IncomingRequest {
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

    /// The ids of a request in a batch, which has the client's of the batch if none of its own.
    pub(crate) fn ids_in(&self, batch: &Ids) -> Ids {
        let own = self.ids();
        Ids {
            client_request: own.client_request.or_else(|| batch.client_request.clone()),
            ..own
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

/// Takes as long as the answer is to take that was begun at this time. Making it is a part of that.
pub(crate) async fn take_time(
    shared: &Shared,
    asked: &IncomingRequest,
    rows: usize,
    begun: Instant,
) {
    let latency = shared
        .latency()
        .of(rows, expands(&asked.query), random_bits());
    let left = latency.saturating_sub(begun.elapsed());
    if !left.is_zero() {
        tokio::time::sleep(left).await;
    }
}

fn expands(query: &str) -> bool {
    query.contains("$expand=") || query.contains("%24expand=")
}

/// Answers a request in a batch: with the latency of its rows, and in the log. `None` when the
/// answer is to be missing.
pub(crate) async fn part(
    shared: &Shared,
    caller: &Caller,
    asked: &IncomingRequest,
    batch: &Ids,
) -> Option<Answer> {
    let tenant = caller.tenant();
    let mut underway = asked.begin(
        shared,
        tenant,
        caller.user_agent.as_deref(),
        Some(&batch.request),
    );
    let effect = meet(shared, &asked.path, tenant).await;
    let begun = Instant::now();
    let answer = graph(shared, caller, asked, effect.as_ref(), &asked.ids_in(batch));
    if matches!(effect, Some(Effect::MissingResponse)) {
        return None;
    }
    take_time(shared, asked, answer.rows, begun).await;
    underway.answered(answer.status, answer.header("Retry-After"));
    Some(answer)
}

/// Whose token lets the request in.
pub(crate) fn admit<'a>(caller: &'a Caller, ids: &Ids) -> Result<&'a Holder, Box<Answer>> {
    let refusal = match &caller.bearer {
        Bearer::Good(holder) => return Ok(holder),
        Bearer::Challenged(_, claims) => errors::claims_challenge(claims, ids),
        Bearer::Expired(_) => {
            errors::unauthorized("Lifetime validation failed, the token is expired.", ids)
        }
        Bearer::Unknown => errors::unauthorized("Access token is empty or cannot be read.", ids),
    };
    Err(refusal.into())
}

/// Answers a request that is no batch, and counts it.
pub(crate) fn graph(
    shared: &Shared,
    caller: &Caller,
    asked: &IncomingRequest,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Answer {
    let holder = match admit(caller, ids) {
        Ok(holder) => holder,
        Err(refusal) => return *refusal,
    };
    let low_priority = asked.header("x-ms-throttle-priority") == Some("low");
    let asking = Asking {
        tenant: &holder.tenant,
        application: &holder.application,
        path: &asked.path,
        query: &asked.query,
        low_priority,
    };
    let charge = shared.limits.charge(asking, Instant::now());
    let request = format!("{} {}?{}", asked.method, asked.path, asked.query);
    let tally = shared
        .tallies
        .arrived(&holder.tenant, request, &charge, Instant::now());
    let mut answer = respond(shared, caller, asked, holder, &charge, effect, ids);
    if let Some(units) = charge.units {
        answer
            .headers
            .push(("x-ms-resource-unit", format!("{units}")));
    }
    if charge.share >= 0.8 {
        let share = charge.share.min(1.8);
        answer
            .headers
            .push(("x-ms-throttle-limit-percentage", format!("{share:.2}")));
    }
    shared
        .tallies
        .answered(tally, answer.status, answer.wait, Instant::now());
    answer
}

fn respond(
    shared: &Shared,
    caller: &Caller,
    asked: &IncomingRequest,
    holder: &Holder,
    charge: &Charge,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Answer {
    let tenant = &holder.tenant;
    if let Some(refusal) = &charge.refused {
        return over_limit(refusal, ids);
    }
    if let Some(wait) = shared.throttles.refuse(&asked.path, tenant, Instant::now()) {
        return throttled(wait, ids);
    }
    if let Some(answer) = shared.modes.refusal(tenant, &asked.path, ids) {
        return answer;
    }
    if matches!(effect, Some(Effect::ClaimsChallenge)) {
        return errors::claims_challenge(&shared.sign_in.challenge(tenant), ids);
    }
    let permission = graph::permissions(&asked.path).first().copied();
    if let Some(answer) = effect.and_then(|effect| at_once(effect, permission, ids)) {
        return answer;
    }
    if let Some(answer) = effect.and_then(|effect| on_query(effect, &asked.query, ids)) {
        return answer;
    }
    let by_ids = by_ids::is_path(&asked.path);
    let method = if by_ids { Method::POST } else { Method::GET };
    if asked.method != method {
        return errors::method_not_allowed(ids);
    }
    let has = |name: &str, wanted: &str| {
        asked
            .header(name)
            .is_some_and(|value| value.to_ascii_lowercase().contains(wanted))
    };
    let request = GraphRequest {
        directory: shared.directory(tenant),
        tenant,
        seed: shared.seed,
        max_page_size: shared.max_page_size,
        path: &asked.path,
        query: &asked.query,
        base: caller.base.clone(),
        delegated: holder.delegated,
        unknown_members: has("prefer", "include-unknown-enum-members"),
        eventual: has("consistencylevel", "eventual"),
        fault: PageFault::from(effect),
        settings_shrink_pages: shared.modes.has(tenant, &TenantMode::SettingsShrinkPages),
        ids,
    };
    let answer = if group_changes::is_path(&asked.path) {
        let minimal = has("prefer", "return=minimal");
        shared.group_changes.answer(&request, minimal)
    } else if let Some(log) = AuditLog::of_path(&asked.path) {
        let rows = shared.audit_rows(tenant, log);
        audit_events::answer(&request, rows, !shared.audit().unordered)
    } else if by_ids {
        by_ids::answer(&request, &asked.body)
    } else {
        graph::answer(&request)
    };
    match effect {
        Some(Effect::ExpandTimesOut { rows }) if answer.rows > *rows && expands(&asked.query) => {
            errors::server_error(504, crate::faults::ErrorBody::Empty, ids)
        }
        _ => deface(answer, effect, ids),
    }
}

/// 429 by a published limit.
fn over_limit(refusal: &Refusal, ids: &Ids) -> Answer {
    let whole = |wait: Duration| {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    };
    let mut answer = match (refusal.wait, refusal.form) {
        (None, _) => errors::throttled(ids),
        (Some(wait), WaitForm::Decimal | WaitForm::Absent) => throttled(Some(wait), ids),
        (Some(wait), WaitForm::Seconds) => {
            errors::throttled(ids).retry_after(RetryAfter::Seconds(whole(wait)))
        }
        // A date has no fractions: one more second, so that it is not too early.
        (Some(wait), WaitForm::HttpDate) => {
            errors::throttled(ids).retry_after(RetryAfter::HttpDate(whole(wait) + 1))
        }
        (Some(wait), WaitForm::InMessage) => {
            let wait = RetryAfter::InMessage(whole(wait));
            errors::throttled_with(wait, ids)
        }
    };
    answer
        .headers
        .push(("x-ms-throttle-scope", refusal.scope.clone()));
    answer.headers.push((
        "x-ms-throttle-information",
        "ResourceUnitLimitExceeded".to_owned(),
    ));
    answer
}

/// 429, with the wait if it is given.
pub(crate) fn throttled(wait: Option<Duration>, ids: &Ids) -> Answer {
    let wait = wait.map_or(RetryAfter::Absent, |wait| {
        RetryAfter::Decimal((wait.as_secs_f64() * 1_000.0).ceil() / 1_000.0)
    });
    errors::throttled_with(wait, ids)
}

/// The answer of an effect on requests that ask for something.
fn on_query(effect: &Effect, query: &str, ids: &Ids) -> Option<Answer> {
    let has = |name: &str| query.split('&').any(|part| part.starts_with(name));
    match effect {
        Effect::TopRejected if has("$top=") || has("%24top=") => Some(errors::bad_request(
            "The query parameter '$top' is not supported.",
            ids,
        )),
        Effect::PageGone { status } if has("$skiptoken=") => Some(errors::page_gone(*status, ids)),
        Effect::PageTokenExpired if has("$skiptoken=") => Some(errors::page_token_expired(ids)),
        _ => None,
    }
}

/// The answer of an effect that needs no page.
pub(crate) fn at_once(effect: &Effect, own_permission: Option<&str>, ids: &Ids) -> Option<Answer> {
    Some(match effect {
        Effect::Forbidden { permission } => {
            errors::forbidden(permission.as_deref().or(own_permission), ids)
        }
        Effect::Unlicensed => errors::unlicensed(ids),
        Effect::Throttled { retry_after } => errors::throttled_with(*retry_after, ids),
        Effect::ServerError {
            status,
            body,
            retry_after,
        } => errors::server_error_with(*status, *body, *retry_after, ids),
        Effect::NotApplicable => errors::not_applicable(ids),
        Effect::Unauthorized => {
            errors::unauthorized("Lifetime validation failed, the token is expired.", ids)
        }
        Effect::RefusedByService => errors::refused_by_service(ids),
        Effect::ErrorWithOk => Answer {
            status: 200,
            ..errors::failed_in_stream(ids)
        },
        Effect::HtmlPage => Answer::new(
            200,
            "text/html; charset=utf-8",
            b"<!doctype html><html><title>Maintenance</title><p>Come back later.</html>".to_vec(),
        ),
        Effect::CompressedBlanks { bytes } => {
            let mut answer = Answer::new(200, "application/json", compressed_blanks(*bytes));
            answer.headers.push(("Content-Encoding", "gzip".to_owned()));
            answer
        }
        Effect::EndlessBody => {
            let mut answer = Answer::new(200, "application/json", Vec::new());
            answer.delivery = Delivery::Endless;
            answer
        }
        Effect::Answer { status, body } => {
            Answer::new(*status, "application/json", body.clone().into_bytes())
        }
        _ => return None,
    })
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
            Some(Effect::TopIgnored) => Self::TopIgnored,
            Some(Effect::TopClamped { rows }) => Self::TopClamped(*rows),
            Some(Effect::CutList { rows }) => Self::Cut(*rows),
            Some(Effect::Endless) => Self::Endless,
            _ => Self::None,
        }
    }
}
