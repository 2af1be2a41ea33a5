//! Tickets for streams.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{post, web};
use atlas_domain::access::stream_ticket;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::stream::StreamTicket;

/// How long a ticket is valid.
const LIFE: Duration = Duration::from_secs(30);

/// Issue a stream ticket
///
/// Issues a ticket that opens one stream within 30 seconds, for `EventSource` in browsers, which sends no
/// header: add it to the address of a stream as `ticket`. The stream ends when the token of this request
/// stops being valid.
#[utoipa::path(
    tag = "me",
    responses((
        status = 201,
        description = "The ticket.",
        body = StreamTicket,
        example = StreamTicket::example,
    )),
)]
#[post("/me/stream-tickets")]
pub(crate) async fn issue_stream_ticket(
    actor: Actor,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<StreamTicket>, Problem> {
    query.finish()?;
    let ticket = stream_ticket::StreamTicket::mint(&*state.entropy);
    let token = actor.principal().token_id;
    let hash = ticket.hash();
    let issued = state.store.issue_stream_ticket(token, &hash, LIFE);
    let expires_at = issued.await?;
    let ticket = ticket.reveal().to_owned();
    let answer = Answer::created(StreamTicket { ticket, expires_at });
    Ok(answer.header(header::CACHE_CONTROL, "no-store"))
}
