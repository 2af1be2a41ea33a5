//! Who operates the installation.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use atlas_domain::access::Permission;
use atlas_domain::access::operator::{NotOperator, OperatorPermit, can_operate_installation};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use utoipa::IntoResponses;

use crate::extract::actor::Actor;
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};

/// A caller who may look at the installation as a whole.
#[derive(Debug)]
pub(crate) struct Operator {
    permit: OperatorPermit,
}

impl Operator {
    /// The proof of it.
    pub(crate) const fn permit(&self) -> &OperatorPermit {
        &self.permit
    }
}

/// The refusal of everybody else.
fn not_permitted(refused: NotOperator) -> Problem {
    Problem::new(
        ProblemKind::Forbidden,
        "Only operators of the installation may look at its queues and workers.",
    )
    .with("required_permission", refused.permission.as_str())
}

/// The refusal of whatever takes an [`Operator`].
pub(crate) struct OperatorsOnly;

impl IntoResponses for OperatorsOnly {
    fn responses() -> Responses {
        let refused = NotOperator {
            permission: Permission::CanOperateInstallation,
        };
        refusals([
            Refusal::new("OperatorsOnly", "You are no operator of the installation.")
                .with(not_permitted(refused)),
        ])
    }
}

impl FromRequest for Operator {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let actor = Actor::of(&request).await?;
            can_operate_installation(actor.principal().is_operator)
                .map(|permit| Self { permit })
                .map_err(not_permitted)
        }
        .boxed_local()
    }
}
