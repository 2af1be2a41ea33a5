//! Which run, for whom.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use atlas_domain::access::{Membership, PermissionDenied};
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RunId, UserId};
use atlas_store::RunView;
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::access::Attempt;
use crate::context::RequestContext;
use crate::extract::actor::Actor;
use crate::extract::path::path_id;
use crate::problem::Problem;
use crate::state::AppState;

/// The run in the path, of a tenant that the caller belongs to. A run of another tenant is refused like
/// one that does not exist.
pub(crate) struct RunScope {
    user: UserId,
    view: RunView,
}

impl RunScope {
    /// The run.
    pub(crate) const fn run_id(&self) -> RunId {
        self.view.run.id
    }

    /// The caller.
    pub(crate) const fn user_id(&self) -> UserId {
        self.user
    }

    /// The run as it was when the request came, with the caller's role in its tenant.
    pub(crate) fn into_view(self) -> RunView {
        self.view
    }

    /// The permit that `decide` gives the caller in the run's tenant. A refusal is recorded as `denied`.
    pub(crate) async fn permit<P>(
        &self,
        decide: impl Fn(&Membership) -> Result<P, PermissionDenied>,
        denied: AuditAction,
        state: &AppState,
        context: &RequestContext,
    ) -> Result<P, Problem> {
        let attempt = Attempt {
            member: Membership {
                tenant_id: self.view.run.tenant_id,
                user_id: self.user,
                role: self.view.role,
            },
            denied,
            target_kind: "operation_run",
            target_id: self.view.run.id.to_string(),
        };
        attempt.permit(decide, state, context).await
    }
}

impl FromRequest for RunScope {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let user = Actor::of(&request).await?.user_id();
            let run: RunId = path_id(&request, "run_id")?;
            let Some(state) = request.app_data::<web::Data<AppState>>() else {
                return Err(Problem::internal());
            };
            let view = state.store.run_view(user, run).await?;
            let view = view.ok_or_else(Problem::not_found)?;
            Ok(Self { user, view })
        }
        .boxed_local()
    }
}
