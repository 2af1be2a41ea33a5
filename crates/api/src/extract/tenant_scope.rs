//! Which tenant, for whom.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use atlas_domain::access::{Membership, PermissionDenied};
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{TenantId, UserId};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::access::Attempt;
use crate::context::RequestContext;
use crate::extract::actor::Actor;
use crate::extract::path::path_id;
use crate::problem::Problem;
use crate::state::AppState;

/// The tenant in the path, which the caller belongs to. A tenant that the caller does not belong to
/// is refused like one that does not exist.
#[derive(Debug)]
pub(crate) struct TenantScope {
    membership: Membership,
}

impl TenantScope {
    /// The tenant.
    pub(crate) const fn tenant_id(&self) -> TenantId {
        self.membership.tenant_id
    }

    /// The caller.
    pub(crate) const fn user_id(&self) -> UserId {
        self.membership.user_id
    }

    /// The permit that `decide` gives the caller. A refusal is recorded as `denied`.
    pub(crate) async fn permit<P>(
        &self,
        decide: impl Fn(&Membership) -> Result<P, PermissionDenied>,
        denied: AuditAction,
        state: &AppState,
        context: &RequestContext,
    ) -> Result<P, Problem> {
        let attempt = Attempt {
            member: self.membership,
            denied,
            target_kind: "tenant",
            target_id: self.membership.tenant_id.to_string(),
        };
        attempt.permit(decide, state, context).await
    }
}

impl FromRequest for TenantScope {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let actor = Actor::of(&request).await?;
            let tenant: TenantId = path_id(&request, "tenant_id")?;
            let Some(state) = request.app_data::<web::Data<AppState>>() else {
                return Err(Problem::internal());
            };
            let membership = state.store.membership(tenant, actor.user_id()).await?;
            membership
                .map(|membership| Self { membership })
                .ok_or_else(Problem::not_found)
        }
        .boxed_local()
    }
}
