//! Routes that answer with what a control returns.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, Route};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::controls::Controls;

/// What a control returns, as an answer.
pub(super) trait Reply {
    fn reply(self) -> HttpResponse;
}

impl Reply for () {
    fn reply(self) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

impl Reply for Value {
    fn reply(self) -> HttpResponse {
        HttpResponse::Ok().json(self)
    }
}

impl<T: Serialize> Reply for Json<T> {
    fn reply(self) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

/// A setting that may make no sense.
impl Reply for Result<(), &'static str> {
    fn reply(self) -> HttpResponse {
        match self {
            Ok(()) => ().reply(),
            Err(detail) => problem(StatusCode::BAD_REQUEST, detail),
        }
    }
}

pub(super) fn problem(status: StatusCode, detail: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({"error": detail}))
}

/// There is no such control endpoint.
pub(crate) fn not_found() -> HttpResponse {
    problem(StatusCode::NOT_FOUND, "there is no such control endpoint")
}

/// Of the whole simulator.
pub(super) fn of_all<R: Reply + 'static>(control: fn(&Controls) -> R) -> Route {
    Route::new().to(move |controls: Data<Controls>| answered(control(&controls)))
}

/// Of the whole simulator, with a body in JSON.
pub(super) fn of_all_with<B, R>(control: fn(&Controls, B) -> R) -> Route
where
    B: DeserializeOwned + 'static,
    R: Reply + 'static,
{
    Route::new().to(move |body: Json<B>, controls: Data<Controls>| {
        answered(control(&controls, body.into_inner()))
    })
}

/// Of a tenant that there is.
pub(super) fn of_tenant<R: Reply + 'static>(control: fn(&Controls, &str) -> R) -> Route {
    Route::new().to(move |tenant: Path<String>, controls: Data<Controls>| {
        answered(known(&tenant, &controls).map(|tenant| control(&controls, &tenant)))
    })
}

/// Of a tenant that there is, with a body in JSON.
pub(super) fn of_tenant_with<B, R>(control: fn(&Controls, &str, B) -> R) -> Route
where
    B: DeserializeOwned + 'static,
    R: Reply + 'static,
{
    Route::new().to(
        move |tenant: Path<String>, body: Json<B>, controls: Data<Controls>| {
            let tenant = known(&tenant, &controls);
            answered(tenant.map(|tenant| control(&controls, &tenant, body.into_inner())))
        },
    )
}

/// The tenant in the form in which it is known.
pub(super) fn known(tenant: &str, controls: &Controls) -> Option<String> {
    let tenant = tenant.to_ascii_lowercase();
    controls.0.sign_in.knows(&tenant).then_some(tenant)
}

impl<R: Reply> Reply for Option<R> {
    /// Without the tenant there is no answer about it.
    fn reply(self) -> HttpResponse {
        self.map_or_else(
            || problem(StatusCode::NOT_FOUND, "there is no such tenant"),
            R::reply,
        )
    }
}

async fn answered(reply: impl Reply) -> HttpResponse {
    reply.reply()
}
