//! The current user.

use actix_web::{get, web};
use chrono::DateTime;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::me::{Me, MyTenant};

/// Tenants at most.
const MOST_TENANTS: i64 = 1000;

/// Get the current user
///
/// Returns the user of the API token, with the role and permissions in each tenant. The entity tag does
/// not depend on `server_time`.
#[utoipa::path(
    tag = "me",
    responses((
        status = 200,
        description = "The current user.",
        body = Me,
        example = Me::example,
    )),
)]
#[get("/me")]
pub(crate) async fn get_me(
    actor: Actor,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Me>, Problem> {
    query.finish()?;
    let principal = actor.principal();
    let user = principal.user_id;
    let tenants = state.store.memberships(user, MOST_TENANTS).await?;
    let tenant_count = match i64::try_from(tenants.len()) {
        Ok(count) if count < MOST_TENANTS => count,
        _ => state.store.membership_count(user).await?,
    };
    let me = Me {
        id: user.into_uuid(),
        email: principal.email.clone(),
        display_name: principal.display_name.clone(),
        token_id: principal.token_id.into_uuid(),
        tenant_count,
        operator: principal.is_operator,
        tenants: tenants.into_iter().map(MyTenant::from).collect(),
        server_time: state.clock.now(),
    };
    Ok(Answer::ok(me).tagged_by(|me| Me {
        server_time: DateTime::UNIX_EPOCH,
        ..me.clone()
    }))
}
