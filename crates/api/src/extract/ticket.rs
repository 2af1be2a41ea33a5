//! Tickets in the address of a stream, where a browser cannot send a header.

use actix_web::HttpRequest;
use atlas_domain::access::stream_ticket::StreamTicket;
use url::form_urlencoded;

/// The parameter.
pub(crate) const TICKET: &str = "ticket";

/// The routes that take tickets; on all others the parameter is unknown.
const ROUTES: [&str; 3] = [
    "/tenants/{tenant_id}/stream",
    "/me/stream",
    "/operation-runs/{run_id}/stream",
];

/// A ticket that the request presents, or that it is none; nothing where tickets are not taken.
pub(super) fn presented(request: &HttpRequest) -> Option<Option<StreamTicket>> {
    let route = request.match_pattern()?;
    if !ROUTES.contains(&route.as_str()) {
        return None;
    }
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let (_, text) = pairs.find(|(name, _)| name == TICKET)?;
    Some(StreamTicket::parse(&text).ok())
}
