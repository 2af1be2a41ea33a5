//! Who operates the installation.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use atlas_domain::access::Permission;
use atlas_domain::access::operator::{OperatorPermit, can_operate_installation};
use atlas_store::Principal;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use utoipa::IntoResponses;

use crate::access;
use crate::extract::actor::Actor;
use crate::problem::Problem;
use crate::refusals::{Responses, refusals};

/// A caller who may see and control the installation as a whole.
#[derive(Debug)]
pub(crate) struct Operator {
    permit: OperatorPermit,
    actor: Actor,
}

impl Operator {
    /// The proof of it.
    pub(crate) const fn permit(&self) -> &OperatorPermit {
        &self.permit
    }

    /// Who the caller is.
    pub(crate) const fn principal(&self) -> &Principal {
        self.actor.principal()
    }
}

/// The refusal of whatever takes an [`Operator`].
pub(crate) struct OperatorsOnly;

impl IntoResponses for OperatorsOnly {
    fn responses() -> Responses {
        refusals([access::refusal(Permission::CanOperateInstallation)])
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
                .map(|permit| Self { permit, actor })
                .map_err(|denied| access::not_permitted(denied.permission))
        }
        .boxed_local()
    }
}
