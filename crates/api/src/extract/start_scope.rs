//! Which tenant a run is started on, for whom.

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

/// As [`TenantScope`](super::tenant_scope::TenantScope), with a membership that a start may have looked
/// up a moment ago: admission checks it again. Nothing is refused because of one.
#[derive(Debug)]
pub(crate) struct StartScope {
    membership: Membership,
    /// Whether the membership was looked up for another request.
    remembered: bool,
}

impl StartScope {
    /// What was read of the request; or why it could not be, to a caller who still is a member.
    pub(crate) async fn or_now<T>(
        &self,
        read: Result<T, Problem>,
        state: &AppState,
    ) -> Result<T, Problem> {
        match read {
            Ok(value) => Ok(value),
            Err(problem) => {
                self.now(state).await?;
                Err(problem)
            }
        }
    }
}

impl MemberScope for StartScope {
    fn membership(&self) -> Membership {
        self.membership
    }

    fn target(&self) -> (&'static str, String) {
        ("tenant", self.membership.tenant_id.to_string())
    }

    async fn now(&self, state: &AppState) -> Result<Membership, Problem> {
        if self.remembered {
            look_up(self.membership.tenant_id, self.membership.user_id, state).await
        } else {
            Ok(self.membership)
        }
    }
}

/// The membership as it is now, which later starts remember.
async fn look_up(
    tenant_id: TenantId,
    user_id: UserId,
    state: &AppState,
) -> Result<Membership, Problem> {
    state.memberships.remove(&(user_id, tenant_id));
    let membership = state
        .store
        .membership_with_others(tenant_id, user_id)
        .await?;
    let membership = membership.ok_or_else(Problem::not_found)?;
    state.memberships.put((user_id, tenant_id), membership.role);
    Ok(membership)
}

impl FromRequest for StartScope {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let user_id = Actor::of(&request).await?.user_id();
            let tenant_id: TenantId = path_id(&request, "tenant_id")?;
            let state = AppState::of(&request)?;
            let role = state.memberships.get(&(user_id, tenant_id));
            let membership = match role {
                Some(role) => Membership {
                    tenant_id,
                    user_id,
                    role,
                },
                None => look_up(tenant_id, user_id, state).await?,
            };
            Ok(Self {
                membership,
                remembered: role.is_some(),
            })
        }
        .boxed_local()
    }
}
