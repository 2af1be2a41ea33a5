//! The current user.

use actix_web::{get, web};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::me::Me;

/// Get the current user
///
/// Returns the user of the API token. For roles and permissions, list the tenants.
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
    Ok(Answer::ok(Me {
        id: principal.user_id.into_uuid(),
        email: principal.email.clone(),
        display_name: principal.display_name.clone(),
        token_id: principal.token_id.into_uuid(),
        tenant_count: state.store.membership_count(principal.user_id).await?,
    }))
}
