//! Which run, for whom.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use atlas_domain::access::Membership;
use atlas_domain::ids::{RunId, UserId};
use atlas_store::RunView;
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::access::MemberScope;
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

    /// The run as it was when the request came, with the caller's role in its tenant.
    pub(crate) const fn view(&self) -> &RunView {
        &self.view
    }

    /// The same, for an answer.
    pub(crate) fn into_view(self) -> RunView {
        self.view
    }
}

impl MemberScope for RunScope {
    fn membership(&self) -> Membership {
        Membership {
            tenant_id: self.view.run.tenant_id,
            user_id: self.user,
            role: self.view.role,
        }
    }

    fn target(&self) -> (&'static str, String) {
        ("operation_run", self.view.run.id.to_string())
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
            let view = AppState::of(&request)?.store.run_view(user, run).await?;
            let view = view.ok_or_else(Problem::not_found)?;
            Ok(Self { user, view })
        }
        .boxed_local()
    }
}
