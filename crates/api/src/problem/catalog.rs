//! Every problem that the API can answer with: its slug, status, title and explanation.

use actix_web::http::StatusCode;

macro_rules! problem_kinds {
    ($($(#[$doc:meta])+ $name:ident = $slug:literal, $status:ident, $title:literal, $advice:literal;)+) => {
        /// What went wrong, as a caller can branch on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ProblemKind { $($(#[$doc])+ $name,)+ }

        impl ProblemKind {
            /// Every kind.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The last segment of the type's address.
            pub(crate) const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug),+ }
            }

            /// The status that it is answered with.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// A few words, the same for every occurrence.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// What it means and what to do, for the type's page.
            pub(crate) const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice),+ }
            }
        }
    };
}

problem_kinds! {
    /// The request cannot be read at all.
    MalformedRequest = "malformed-request", BAD_REQUEST, "The request cannot be read",
        "The request is not valid HTTP or its body is not valid JSON. Correct it; sending it again unchanged fails again.";
    /// A field or parameter is not acceptable.
    ValidationFailed = "validation-failed", BAD_REQUEST, "A part of the request is not valid",
        "The member errors names each bad field by a JSON pointer, or each bad query parameter by its name, with a stable code and a sentence.";
    /// The cursor belongs to another list.
    CursorMismatch = "cursor-mismatch", BAD_REQUEST, "The cursor belongs to another list",
        "A cursor continues the list that it came from. Keep every filter as it was, or begin again without a cursor.";
    /// No usable token.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid API token is needed",
        "Send the header Authorization: Bearer followed by an API token. Tokens begin with tap_ and carry a checksum, so a mistyped one is refused at once.";
    /// The token's time is over.
    TokenExpired = "token-expired", UNAUTHORIZED, "The API token has expired",
        "Ask an operator of the installation for a new token.";
    /// The token was taken back.
    TokenRevoked = "token-revoked", UNAUTHORIZED, "The API token was revoked",
        "The token was revoked or its user disabled. Ask an operator of the installation.";
    /// The role does not carry the permission.
    Forbidden = "forbidden", FORBIDDEN, "Your role does not permit this",
        "You belong to the tenant, but your role does not carry the permission that required_permission names. An owner of the tenant can change your role.";
    /// The caller's own token for Microsoft Graph is missing or not good.
    DelegatedTokenRequired = "delegated-token-required", FORBIDDEN, "Your own token for Microsoft Graph is needed",
        "What the directory shows to you can only be asked with your own delegated token, in the header that the member header names. Get one from the tenant's directory with one of required_scopes. When the member claims is there, pass it on as the claims parameter of the token request. The token is used once and kept nowhere.";
    /// Nothing is there, or nothing that the caller may know of.
    NotFound = "not-found", NOT_FOUND, "There is nothing here",
        "The address names nothing, or something of a tenant that you do not belong to: the two are answered alike.";
    /// The address does not know the method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed here",
        "The header Allow lists the methods that this address knows.";
    /// The tenant is switched off.
    TenantDisabled = "tenant-disabled", CONFLICT, "The tenant is disabled",
        "An operator has switched the tenant off. What was read before stays readable; syncs are refused until it is switched on.";
    /// The tenant has no credentials.
    TenantNotConnected = "tenant-not-connected", CONFLICT, "The tenant is not connected",
        "No credentials for Microsoft Graph are stored for the tenant. An operator of the installation stores them with the atlas command.";
    /// The run has ended.
    RunAlreadyTerminal = "run-already-terminal", CONFLICT, "The run has ended",
        "A run that has ended stays as it is and cannot be cancelled. The member run shows it; a retry asks for the same work again, as a new run.";
    /// The run has not ended.
    RunNotTerminal = "run-not-terminal", CONFLICT, "The run has not ended",
        "Only a run that has ended can be repeated. The member run shows it: follow it to its end, or cancel it first.";
    /// Nothing of the run failed.
    RunNotRetryable = "run-not-retryable", CONFLICT, "Nothing of the run failed",
        "The scope failed_only asks for what the run failed to read, and there is nothing of that kind. To read everything again, retry with the scope all.";
    /// The body is too long.
    PayloadTooLarge = "payload-too-large", PAYLOAD_TOO_LARGE, "The request body is too large",
        "Bodies may have 64 KiB at most.";
    /// The body is not JSON.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body's media type is not supported",
        "Send bodies as application/json, not compressed. Where a body is optional, leave out the body and the header.";
    /// Too many requests.
    QuotaExceeded = "quota-exceeded", TOO_MANY_REQUESTS, "Too many requests",
        "Wait as many seconds as Retry-After says. The headers RateLimit and RateLimit-Policy show on every answer how much is left.";
    /// Microsoft Graph failed.
    UpstreamError = "upstream-error", BAD_GATEWAY, "Microsoft Graph did not answer",
        "Microsoft Graph could not be reached, or answered with an error. The member upstream_request_id, when it is there, is what Microsoft's support asks for. Stored data stays readable.";
    /// Microsoft Graph throttles.
    UpstreamThrottled = "upstream-throttled", SERVICE_UNAVAILABLE, "Microsoft Graph asks to slow down",
        "Wait as many seconds as Retry-After says: it is what Microsoft Graph asked for. Stored data stays readable.";
    /// A defect.
    InternalError = "internal-error", INTERNAL_SERVER_ERROR, "The API failed",
        "A defect in the API. The log holds the cause under the request_id of the problem; give it to whoever runs the installation.";
    /// The request took too long.
    TimedOut = "timed-out", SERVICE_UNAVAILABLE, "The request took too long",
        "The API gave up on the request. Reading again is safe; starting again joins the run if it was recorded.";
    /// The database does not answer.
    DependencyUnavailable = "dependency-unavailable", SERVICE_UNAVAILABLE, "A part that the API needs is not available",
        "The database does not answer, or its schema is not that of this version. Try again after Retry-After; if it stays, look at /readyz.";
    /// Redis does not take the job.
    QueueUnavailable = "queue-unavailable", SERVICE_UNAVAILABLE, "The run could not be handed to the workers",
        "The run was recorded and has ended as failed with the code dispatch_failed, because Redis did not take its job. The member links leads to it. Start again after Retry-After.";
}

impl ProblemKind {
    /// The slug with underscores: the member `code`.
    pub(crate) fn code(self) -> String {
        self.slug().replace('-', "_")
    }

    /// The kind with this slug.
    pub(crate) fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    /// What a status means when somebody else than a handler has answered with it.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::TOO_MANY_REQUESTS => Self::QuotaExceeded,
            status if status.is_client_error() => Self::MalformedRequest,
            _ => Self::InternalError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_are_found_again() {
        for &kind in ProblemKind::ALL {
            assert_eq!(ProblemKind::find(kind.slug()), Some(kind));
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
        }
        assert_eq!(ProblemKind::find("nonsense"), None);
    }
}
