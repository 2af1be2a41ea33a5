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
//! | `GET`, `DELETE tokens/{directory_id}` | how many were issued; revokes them |
//! | `GET answer-key/{directory_id}` | what a correct client must have stored |
//! | `GET links/{directory_id}` | every link that it must have stored |
//! | `POST mark/{directory_id}` | marks the tenant's state |
//! | `GET changes/{directory_id}` | what it must have found out since the mark |
//! | `POST mutate/{directory_id}` | changes the tenant, and says what changed |
//!
//! Bodies are [`FaultRule`], [`GateRule`], a list of [`Throttle`] and [`MutationScript`].

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, JsonConfig, Path, ServiceConfig};
use actix_web::{HttpResponse, error};
use serde::Serialize;
use serde_json::json;

use crate::faults::FaultRule;
use crate::gates::GateRule;
use crate::mutation::MutationScript;
use crate::simulator::Shared;
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
                web::resource("/tokens/{directory_id}")
                    .route(web::get().to(count_tokens))
                    .route(web::delete().to(revoke_tokens)),
            )
            .route("/answer-key/{directory_id}", web::get().to(answer_key))
            .route("/links/{directory_id}", web::get().to(answer_links))
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
