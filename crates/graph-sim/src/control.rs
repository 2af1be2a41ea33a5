//! The control endpoints, for programs in other processes: what [`crate::Simulator`] offers, as
//! JSON under `/_sim/`.
//!
//! | method and path | does |
//! | --- | --- |
//! | `GET health` | answers when the simulator serves |
//! | `GET`, `DELETE log` | the request log; empties it |
//! | `GET`, `POST`, `DELETE faults` | the rules and what they struck; adds one; removes all |
//! | `GET`, `POST`, `DELETE gates` | closed gates and who waits; adds one; opens all |
//! | `PUT`, `DELETE throttles` | replaces the limits; removes them |
//! | `GET`, `PUT limits` | what is done about Graph's published limits |
//! | `GET traffic/{directory_id}`, `DELETE traffic` | how its clients behaved; begins anew |
//! | `GET connections` | how many were ever opened |
//! | `GET`, `PUT modes/{directory_id}` | what the tenant lacks, and what is peculiar about it |
//! | `PUT latency` | how long answers take |
//! | `POST challenge/{directory_id}` | tokens are good no longer, until one is asked for with claims |
//! | `POST certificates` | lets the application prove itself with the certificate, in PEM |
//! | `POST federated` | lets it prove itself with tokens of an issuer |
//! | `POST user-tokens/{directory_id}` | a token for a user |
//! | `POST keys/rotate` | signs those with another key |
//! | `GET`, `DELETE tokens/{directory_id}` | how many were issued; revokes them |
//! | `GET answer-key/{directory_id}` | what a correct client must have stored |
//! | `GET links/{directory_id}` | every link that it must have stored |
//! | `GET groups/{directory_id}` | the groups that it must know, as rows |
//! | `POST expire-group-links/{directory_id}` | links for later changes of groups are good no longer |
//! | `POST mark/{directory_id}` | marks the tenant's state |
//! | `GET changes/{directory_id}` | what it must have found out since the mark |
//! | `POST mutate/{directory_id}` | changes the tenant, and says what changed |
//!
//! Bodies are [`FaultRule`], [`GateRule`], a list of [`Throttle`], [`PublishedLimits`], a list of
//! [`TenantMode`], [`LatencySetting`], [`FederatedCredential`], [`UserToken`] and
//! [`MutationScript`].

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, JsonConfig, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, error};
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

pub(crate) fn configure(config: &mut ServiceConfig) {
    let json = JsonConfig::default().error_handler(|failure, _| {
        let answer = problem(StatusCode::BAD_REQUEST, &failure.to_string());
        error::InternalError::from_response(failure, answer).into()
    });
    config.app_data(json).service(
        web::scope("/_sim")
            .route("/health", web::get().to(health))
            .service(
                web::resource("/log")
                    .route(web::get().to(get_log))
                    .route(web::delete().to(clear_log)),
            )
            .service(
                web::resource("/faults")
                    .route(web::get().to(get_faults))
                    .route(web::post().to(add_fault))
                    .route(web::delete().to(clear_faults)),
            )
            .service(
                web::resource("/gates")
                    .route(web::get().to(get_gates))
                    .route(web::post().to(add_gate))
                    .route(web::delete().to(release_gates)),
            )
            .service(
                web::resource("/throttles")
                    .route(web::put().to(set_throttles))
                    .route(web::delete().to(clear_throttles)),
            )
            .service(
                web::resource("/limits")
                    .route(web::get().to(get_limits))
                    .route(web::put().to(set_limits)),
            )
            .service(web::resource("/traffic").route(web::delete().to(clear_traffic)))
            .route("/traffic/{directory_id}", web::get().to(traffic))
            .route("/connections", web::get().to(connections))
            .service(
                web::resource("/modes/{directory_id}")
                    .route(web::get().to(get_modes))
                    .route(web::put().to(set_modes)),
            )
            .route("/latency", web::put().to(set_latency))
            .route("/challenge/{directory_id}", web::post().to(challenge))
            .route("/certificates", web::post().to(add_certificate))
            .route("/federated", web::post().to(trust))
            .route("/user-tokens/{directory_id}", web::post().to(user_token))
            .route("/keys/rotate", web::post().to(rotate_keys))
            .service(
                web::resource("/tokens/{directory_id}")
                    .route(web::get().to(count_tokens))
                    .route(web::delete().to(revoke_tokens)),
            )
            .route("/answer-key/{directory_id}", web::get().to(answer_key))
            .route("/links/{directory_id}", web::get().to(answer_links))
            .route("/groups/{directory_id}", web::get().to(groups))
            .route(
                "/expire-group-links/{directory_id}",
                web::post().to(expire_group_links),
            )
            .route("/mark/{directory_id}", web::post().to(mark))
            .route("/changes/{directory_id}", web::get().to(changes))
            .route("/mutate/{directory_id}", web::post().to(mutate)),
    );
}

fn problem(status: StatusCode, detail: &str) -> HttpResponse {
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

async fn health() -> HttpResponse {
    found(json!({"status": "ok"}))
}

async fn get_log(shared: Data<Shared>) -> HttpResponse {
    found(json!({"entries": shared.log.entries()}))
}

async fn clear_log(shared: Data<Shared>) -> HttpResponse {
    shared.log.clear();
    done()
}

async fn get_faults(shared: Data<Shared>) -> HttpResponse {
    found(json!({"faults": shared.faults.rules()}))
}

async fn add_fault(rule: Json<FaultRule>, shared: Data<Shared>) -> HttpResponse {
    match rule.problem() {
        Some(detail) => problem(StatusCode::BAD_REQUEST, detail),
        None => {
            shared.faults.add(rule.into_inner());
            done()
        }
    }
}

async fn clear_faults(shared: Data<Shared>) -> HttpResponse {
    shared.faults.clear();
    done()
}

async fn get_gates(shared: Data<Shared>) -> HttpResponse {
    found(json!({"gates": shared.gates.states()}))
}

async fn add_gate(rule: Json<GateRule>, shared: Data<Shared>) -> HttpResponse {
    shared.gates.hold(rule.into_inner());
    done()
}

async fn release_gates(shared: Data<Shared>) -> HttpResponse {
    shared.gates.release();
    done()
}

async fn set_throttles(throttles: Json<Vec<Throttle>>, shared: Data<Shared>) -> HttpResponse {
    shared.throttles.set(throttles.into_inner());
    done()
}

async fn clear_throttles(shared: Data<Shared>) -> HttpResponse {
    shared.throttles.set(Vec::new());
    done()
}

/// [`Latency`] in JSON, in microseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LatencySetting {
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

async fn get_limits(shared: Data<Shared>) -> HttpResponse {
    found(shared.limits.get())
}

async fn set_limits(limits: Json<PublishedLimits>, shared: Data<Shared>) -> HttpResponse {
    accepted(match limits.problem() {
        Some(detail) => Err(detail),
        None => {
            shared.limits.set(limits.into_inner());
            Ok(())
        }
    })
}

async fn traffic(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.traffic(tenant))
    })
}

async fn clear_traffic(shared: Data<Shared>) -> HttpResponse {
    shared.tallies.clear();
    done()
}

async fn connections(shared: Data<Shared>) -> HttpResponse {
    let opened = shared.connections.load(Ordering::Relaxed);
    found(json!({"opened": opened}))
}

async fn get_modes(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.modes.of(tenant))
    })
}

async fn set_modes(
    directory_id: Path<String>,
    modes: Json<BTreeSet<TenantMode>>,
    shared: Data<Shared>,
) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.modes.set(tenant, modes.into_inner());
        done()
    })
}

async fn set_latency(latency: Json<LatencySetting>, shared: Data<Shared>) -> HttpResponse {
    shared.set_latency(Latency {
        base: Duration::from_micros(latency.base_us),
        per_row: Duration::from_micros(latency.per_row_us),
        jitter: Duration::from_micros(latency.jitter_us),
        expand_percent: latency.expand_percent,
    });
    done()
}

async fn challenge(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.sign_in.challenge(tenant);
        done()
    })
}

async fn add_certificate(pem: String, shared: Data<Shared>) -> HttpResponse {
    accepted(shared.sign_in.add_certificate(&pem))
}

async fn trust(credential: Json<FederatedCredential>, shared: Data<Shared>) -> HttpResponse {
    accepted(shared.sign_in.trust(credential.into_inner()))
}

async fn user_token(
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

async fn rotate_keys(shared: Data<Shared>) -> HttpResponse {
    shared.sign_in.rotate_keys();
    done()
}

async fn count_tokens(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    let tenant = directory_id.to_ascii_lowercase();
    found(json!({"issued": shared.sign_in.issued(&tenant)}))
}

async fn revoke_tokens(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
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

async fn answer_key(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.answer_key(tenant))
    })
}

async fn answer_links(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(json!({"links": shared.answer_links(tenant)}))
    })
}

async fn groups(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(json!({"groups": shared.groups(tenant)}))
    })
}

async fn expire_group_links(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.group_changes.expire(tenant);
        done()
    })
}

async fn mark(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        shared.mark(tenant);
        done()
    })
}

async fn changes(directory_id: Path<String>, shared: Data<Shared>) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(json!({"changes": shared.changes_since_mark(tenant)}))
    })
}

async fn mutate(
    directory_id: Path<String>,
    script: Json<MutationScript>,
    shared: Data<Shared>,
) -> HttpResponse {
    about(&directory_id, &shared, |tenant| {
        found(shared.mutate(tenant, &script))
    })
}
