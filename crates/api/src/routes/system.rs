//! The API about itself. Needs no token and counts against no quota.

use actix_web::http::header;
use actix_web::{get, web};
use serde_json::json;

use crate::answer::Answer;
use crate::openapi::Description;
use crate::problem::{Problem, ProblemKind};
use crate::state::AppState;
use crate::wire::system::{Component, Health, ReadyReport, ReadyStatus};

/// Check liveness
///
/// The process answers. Nothing else is asked.
#[utoipa::path(
    tag = "system",
    security(()),
    responses((status = 200, description = "Alive.", body = Health)),
)]
#[get("/healthz")]
pub(crate) async fn get_health() -> Answer<Health> {
    Answer::ok(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Check readiness
///
/// Ready when the database answers with the schema of this version. Without the job queue the API
/// is degraded, which is still 200: everything can be read, and starts are refused with 503.
#[utoipa::path(
    tag = "system",
    security(()),
    responses((status = 200, description = "Ready or degraded.", body = ReadyReport)),
)]
#[get("/readyz")]
pub(crate) async fn get_readiness(
    state: web::Data<AppState>,
) -> Result<Answer<ReadyReport>, Problem> {
    let parts = state.readiness.parts().await;
    let components = vec![
        component("database", &parts.database),
        component("queue", &parts.queue),
    ];
    if let Err(reason) = &parts.database {
        return Err(
            Problem::new(ProblemKind::DependencyUnavailable, sentence(reason))
                .with("components", json!(components))
                .retry_after(2),
        );
    }
    let status = match parts.queue {
        Ok(()) => ReadyStatus::Ready,
        Err(_) => ReadyStatus::Degraded,
    };
    Ok(Answer::ok(ReadyReport { status, components }))
}

fn component(name: &'static str, state: &Result<(), String>) -> Component {
    Component {
        name,
        up: state.is_ok(),
        detail: state.as_ref().err().map(|reason| sentence(reason)),
    }
}

fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    letters
        .next()
        .map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
        .unwrap_or_default()
}

/// Get this document
///
/// The description of the API in OpenAPI 3.1.
#[utoipa::path(
    tag = "system",
    security(()),
    responses((status = 200, description = "The OpenAPI document.", body = Object)),
)]
#[get("/openapi.json")]
pub(crate) async fn get_openapi(
    description: web::Data<Description>,
) -> Answer<web::Data<Description>> {
    Answer::ok(description).header(header::CACHE_CONTROL, "public, max-age=300")
}
