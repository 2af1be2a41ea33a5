//! Who operates the installation.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use atlas_domain::access::operator::{NotOperator, OperatorPermit, can_operate_installation};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::extract::actor::Actor;
use crate::problem::{Problem, ProblemKind};

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
pub(crate) fn not_permitted(refused: NotOperator) -> Problem {
    Problem::new(
        ProblemKind::Forbidden,
        "Only operators of the installation may look at its queues and workers.",
    )
    .with("required_permission", refused.permission.as_str())
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
