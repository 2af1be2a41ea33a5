//! What is known of a request before anything is done for it.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};
use atlas_domain::clock::{Clock, Entropy};
use atlas_domain::ids::RequestId;
use atlas_store::Origin;
use atlas_telemetry::TraceContext;
use uuid::Uuid;

/// The header by which a request is named, in both directions.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// Characters of a program's name for itself that are kept.
const MAX_USER_AGENT: usize = 200;

/// A request that is answered as GET is, without the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadRequest;

/// The names of a request: ours, the caller's, and the trace that it belongs to; and where it came
/// from.
#[derive(Clone)]
pub(crate) struct RequestContext {
    /// Ours, for rows. The caller's own when that is a UUID.
    pub(crate) id: RequestId,
    /// What answers and the log call it: the caller's name for it when that is acceptable.
    pub(crate) shown_id: String,
    /// Our part of the caller's trace, or a trace that begins here.
    pub(crate) trace: TraceContext,
    /// The caller's address, behind proxies as [`crate::proxies`] reads it.
    pub(crate) address: Option<IpAddr>,
    /// The same with the caller's program, for the audit log.
    pub(crate) origin: Origin,
}

impl RequestContext {
    /// Reads `X-Request-Id` and `traceparent`; what is not acceptable is replaced, not refused.
    pub(crate) fn read(
        headers: &HeaderMap,
        address: Option<IpAddr>,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text(REQUEST_ID).filter(|id| is_acceptable(id));
        let id = given
            .and_then(|id| Uuid::try_parse(id).ok())
            .map_or_else(|| RequestId::mint(clock, entropy), RequestId::from_uuid);
        Self {
            id,
            shown_id: given.map_or_else(|| id.to_string(), str::to_owned),
            trace: text("traceparent")
                .and_then(TraceContext::parse)
                .map_or_else(|| TraceContext::mint(entropy), |trace| trace.child(entropy)),
            address,
            origin: Origin {
                address: address.map(|address| address.to_string()),
                user_agent: text(header::USER_AGENT.as_str()).map(shortened),
                request_name: given
                    .filter(|given| *given != id.to_string())
                    .map(str::to_owned),
            },
        }
    }
}

/// A header's text is ASCII without control characters.
fn shortened(user_agent: &str) -> String {
    user_agent.chars().take(MAX_USER_AGENT).collect()
}

/// `^[A-Za-z0-9._-]{8,64}$`: nothing that could break a log line or a header.
fn is_acceptable(id: &str) -> bool {
    (8..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_acceptable;

    #[test]
    fn request_ids_are_short_and_plain() {
        assert!(is_acceptable("build-42.a_B"));
        for bad in ["short", "", "with space", "ümlaut-ümlaut", &"a".repeat(65)] {
            assert!(!is_acceptable(bad), "{bad}");
        }
    }
}
