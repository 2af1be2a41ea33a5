//! Which tenant, for whom.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use atlas_domain::access::Membership;
use atlas_domain::ids::{TenantId, UserId};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::access::MemberScope;
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
}

impl MemberScope for TenantScope {
    fn membership(&self) -> Membership {
        self.membership
    }

    fn target(&self) -> (&'static str, String) {
        ("tenant", self.membership.tenant_id.to_string())
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
            let store = &AppState::of(&request)?.store;
            let membership = store.membership(tenant, actor.user_id()).await?;
            membership
                .map(|membership| Self { membership })
                .ok_or_else(Problem::not_found)
        }
        .boxed_local()
    }
}
