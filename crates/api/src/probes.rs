//! What load balancers and orchestrators ask. Needs no token, counts against no quota, and is not part
//! of the description: callers of the API do not ask it.

use actix_web::{get, web};
use atlas_store::schema_version;
use serde_json::json;

use crate::answer::Answer;
use crate::problem::{Problem, ProblemKind};
use crate::state::AppState;
use crate::wire::probe::{Component, Health, ReadyReport, ReadyStatus, Version};

/// Registers the probes.
pub(crate) fn register(config: &mut web::ServiceConfig) {
    config
        .service(get_health)
        .service(get_readiness)
        .service(get_version);
}

/// The process answers. Nothing else is asked.
#[get("/healthz")]
async fn get_health() -> Answer<Health> {
    Answer::ok(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Which program answers, and which schema it is made for: for whoever installs a new version.
#[get("/version")]
async fn get_version() -> Answer<Version> {
    Answer::ok(Version {
        program: "atlas-api",
        version: env!("CARGO_PKG_VERSION"),
        schema_version: schema_version(),
    })
}

/// Ready when the database answers with a schema that this version works with. Without the job queue
/// the API is degraded, which is still 200: everything can be read, and starts are refused with 503.
#[get("/readyz")]
async fn get_readiness(state: web::Data<AppState>) -> Result<Answer<ReadyReport>, Problem> {
    if state.readiness.is_stopping() {
        let problem = Problem::new(ProblemKind::Stopping, "The API was asked to stop.");
        return Err(problem.retry_after(2));
    }
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
