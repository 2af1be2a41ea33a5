//! What control endpoints answer.
//!
//! Bodies are [`FaultRule`], [`GateRule`], a list of [`Throttle`], [`PublishedLimits`], a list of
//! [`TenantMode`], [`LatencySetting`], [`FederatedCredential`], [`UserToken`] and
//! [`MutationScript`].

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::faults::FaultRule;
use crate::gates::GateRule;
use crate::limits::PublishedLimits;
use crate::modes::TenantMode;
use crate::mutation::MutationScript;
use crate::options::Latency;
use crate::shared::Shared;
use crate::sign_in::{FederatedCredential, UserToken};
use crate::throttle::Throttle;

pub(super) fn problem(status: StatusCode, detail: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({"error": detail}))
}

/// There is no such control endpoint.
pub(crate) fn not_found() -> HttpResponse {
    problem(StatusCode::NOT_FOUND, "there is no such control endpoint")
}

fn found(value: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

pub(super) async fn health() -> HttpResponse {
    found(json!({"status": "ok"}))
}

pub(super) async fn get_log(shared: Data<Shared>) -> HttpResponse {
    found(json!({"entries": shared.log.entries()}))
}

pub(super) async fn clear_log(shared: Data<Shared>) -> HttpResponse {
    shared.log.clear();
    done()
}

pub(super) async fn get_faults(shared: Data<Shared>) -> HttpResponse {
    found(json!({"faults": shared.faults.rules()}))
}

pub(super) async fn add_fault(rule: Json<FaultRule>, shared: Data<Shared>) -> HttpResponse {
    match rule.problem() {
        Some(detail) => problem(StatusCode::BAD_REQUEST, detail),
        None => {
            shared.faults.add(rule.into_inner());
            done()
        }
    }
}

pub(super) async fn clear_faults(shared: Data<Shared>) -> HttpResponse {
    shared.faults.clear();
    done()
}

pub(super) async fn get_gates(shared: Data<Shared>) -> HttpResponse {
    found(json!({"gates": shared.gates.states()}))
}

pub(super) async fn add_gate(rule: Json<GateRule>, shared: Data<Shared>) -> HttpResponse {
    shared.gates.hold(rule.into_inner());
    done()
}

pub(super) async fn release_gates(shared: Data<Shared>) -> HttpResponse {
    shared.gates.release();
    done()
}

pub(super) async fn set_throttles(
    throttles: Json<Vec<Throttle>>,
    shared: Data<Shared>,
) -> HttpResponse {
    shared.throttles.set(throttles.into_inner());
    done()
}

pub(super) async fn clear_throttles(shared: Data<Shared>) -> HttpResponse {
    shared.throttles.set(Vec::new());
    done()
}

/// [`Latency`] in JSON, in microseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LatencySetting {
    base_us: u64,
    per_row_us: u64,
    jitter_us: u64,
    expand_percent: u32,
}

/// An answer to a setting that may make no sense.
fn accepted(outcome: Result<(), &'static str>) -> HttpResponse {
    outcome.map_or_else(
        |detail| problem(StatusCode::BAD_REQUEST, detail),
        |()| done(),
    )
}

pub(super) async fn get_limits(shared: Data<Shared>) -> HttpResponse {
    found(shared.limits.get())
}

pub(super) async fn set_limits(
    limits: Json<PublishedLimits>,
    shared: Data<Shared>,
) -> HttpResponse {
    accepted(match limits.problem() {
        Some(detail) => Err(detail),
        None => {
            shared.limits.set(limits.into_inner());
            Ok(())
        }
    })
}

pub(super) async fn traffic(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.traffic(tenant))
    })
}

pub(super) async fn clear_traffic(shared: Data<Shared>) -> HttpResponse {
    shared.tallies.clear();
    done()
}

pub(super) async fn connections(shared: Data<Shared>) -> HttpResponse {
    let opened = shared.connections.load(Ordering::Relaxed);
    found(json!({"opened": opened}))
}

pub(super) async fn get_modes(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.modes.of(tenant))
    })
}

pub(super) async fn set_modes(
    directory_id: Path<String>,
    modes: Json<BTreeSet<TenantMode>>,
    shared: Data<Shared>,
) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.modes.set(tenant, modes.into_inner());
        done()
    })
}

pub(super) async fn set_latency(
    latency: Json<LatencySetting>,
    shared: Data<Shared>,
) -> HttpResponse {
    shared.set_latency(Latency {
        base: Duration::from_micros(latency.base_us),
        per_row: Duration::from_micros(latency.per_row_us),
        jitter: Duration::from_micros(latency.jitter_us),
        expand_percent: latency.expand_percent,
    });
    done()
}

pub(super) async fn challenge(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.sign_in.challenge(tenant);
        done()
    })
}

pub(super) async fn add_certificate(pem: String, shared: Data<Shared>) -> HttpResponse {
    accepted(shared.sign_in.add_certificate(&pem))
}

pub(super) async fn trust(
    credential: Json<FederatedCredential>,
    shared: Data<Shared>,
) -> HttpResponse {
    accepted(shared.sign_in.trust(credential.into_inner()))
}

pub(super) async fn user_token(
    directory_id: Path<String>,
    wanted: Json<UserToken>,
    request: HttpRequest,
    shared: Data<Shared>,
) -> HttpResponse {
    let root = format!("http://{}", request.connection_info().host());
    about(&directory_id, &shared, |tenant| {
        found(json!({"access_token": shared.sign_in.user_token(&root, tenant, &wanted)}))
    })
}

pub(super) async fn rotate_keys(shared: Data<Shared>) -> HttpResponse {
    shared.sign_in.rotate_keys();
    done()
}

pub(super) async fn count_tokens(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    let tenant = directory_id.to_ascii_lowercase();
    found(json!({"issued": shared.sign_in.issued(&tenant)}))
}

pub(super) async fn revoke_tokens(
    directory_id: Path<String>,
    shared: Data<Shared>,
) -> HttpResponse {
    shared.sign_in.revoke(&directory_id.to_ascii_lowercase());
    done()
}

/// An answer about a tenant, if there is such a one.
fn about(
    directory_id: &str,
    shared: &Shared,
    answer: impl FnOnce(&str) -> HttpResponse,
) -> HttpResponse {
    let tenant = directory_id.to_ascii_lowercase();
    if shared.sign_in.knows(&tenant) {
        answer(&tenant)
    } else {
        problem(StatusCode::NOT_FOUND, "there is no such tenant")
    }
}

pub(super) async fn answer_key(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.answer_key(tenant))
    })
}

pub(super) async fn answer_links(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(json!({"links": shared.answer_links(tenant)}))
    })
}

pub(super) async fn groups(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(json!({"groups": shared.groups(tenant)}))
    })
}

pub(super) async fn expire_group_links(
    directory_id: Path<String>,
    shared: Data<Shared>,
) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.group_changes.expire(tenant);
        done()
    })
}

pub(super) async fn mark(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.mark(tenant);
        done()
    })
}

pub(super) async fn changes(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(json!({"changes": shared.changes_since_mark(tenant)}))
    })
}

pub(super) async fn mutate(
    directory_id: Path<String>,
    script: Json<MutationScript>,
    shared: Data<Shared>,
) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.mutate(tenant, &script))
    })
}
