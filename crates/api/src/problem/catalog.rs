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

            /// A short summary, the same for every occurrence.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// What it means and what to do, for the page of the type.
            pub(crate) const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice),+ }
            }
        }
    };
}

problem_kinds! {
    /// The request cannot be read at all.
    MalformedRequest = "malformed-request", BAD_REQUEST, "The request is malformed",
        "The request is not valid HTTP, or its body is not valid JSON. Correct the request before you send it again.";
    /// A page of another origin may not do this.
    CrossOriginRefused = "cross-origin-refused", BAD_REQUEST, "Pages of this origin may not do this",
        "A browser asked whether a page of another origin may send a request, and it may not. The explanation names the origin, method or header that is not allowed. Origins are allowed by the operator of the installation, with ATLAS_CORS_ORIGINS.";
    /// The body did not come in time.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The request body did not arrive in time",
        "The body of a request has to arrive within ten seconds. The connection is closed; send the request again.";
    /// The address is too long.
    UriTooLong = "uri-too-long", URI_TOO_LONG, "The address is too long",
        "Addresses are limited to 32 KiB. Send fewer filters, or ask in several requests.";
    /// A field or parameter is not acceptable.
    ValidationFailed = "validation-failed", BAD_REQUEST, "The request is not valid",
        "The member errors lists each field that is not valid by its JSON pointer, and each query parameter by its name, with a stable code and an explanation.";
    /// The cursor belongs to another list.
    CursorMismatch = "cursor-mismatch", BAD_REQUEST, "The cursor belongs to another list",
        "A cursor continues the list that returned it. Repeat the request with the same filters, or start again without a cursor.";
    /// No usable token.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Authentication is required",
        "Send an API token in the header Authorization: Bearer. Tokens begin with tap_ and contain a checksum, so a mistyped token is rejected without a look-up.";
    /// The token's time is over.
    TokenExpired = "token-expired", UNAUTHORIZED, "The API token has expired",
        "Ask an operator of the installation for a new token.";
    /// The token was revoked, or its user disabled.
    TokenRevoked = "token-revoked", UNAUTHORIZED, "The API token was revoked",
        "The token was revoked or its user disabled. Ask an operator of the installation.";
    /// The role does not carry the permission.
    Forbidden = "forbidden", FORBIDDEN, "Permission denied",
        "You do not have the permission in required_permission. Permissions in a tenant come with your role there, which an owner of the tenant can change.";
    /// The caller's own token for Microsoft Graph is missing or not good.
    DelegatedTokenRequired = "delegated-token-required", FORBIDDEN, "A delegated token for Microsoft Graph is required",
        "A live search of the directory needs your own delegated token in the header that the member header names. Request the token from the tenant's directory with one of required_scopes. If the member claims is present, pass its value in the claims parameter of the token request. The token is used for this request only and is not stored.";
    /// The resource does not exist for the caller.
    NotFound = "not-found", NOT_FOUND, "Not found",
        "The resource does not exist, or it belongs to a tenant that you are not a member of. The response is the same in both cases.";
    /// The address does not support the method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed",
        "The Allow header lists the supported methods.";
    /// The header Idempotency-Key holds no key.
    IdempotencyKeyInvalid = "idempotency-key-invalid", BAD_REQUEST, "The idempotency key is not valid",
        "The header Idempotency-Key holds one value of 1 to 255 printable ASCII characters, such as a UUID that you make for each start.";
    /// The key belongs to another start.
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for another request",
        "You sent the key within the last 24 hours with another start: another tenant, selection, priority or run to repeat. The member first_seen_at is the time of that request. Send a new key with each start, and the same one only to repeat it.";
    /// The tenant is switched off.
    TenantDisabled = "tenant-disabled", CONFLICT, "The tenant is disabled",
        "An operator of the installation has disabled the tenant. Its stored data can still be read, but syncs and live searches are refused until it is enabled.";
    /// The tenant has no credentials.
    TenantNotConnected = "tenant-not-connected", CONFLICT, "The tenant is not connected",
        "No credentials for Microsoft Graph are stored for the tenant. An operator of the installation can store them with: atlas tenant credentials set.";
    /// The run has ended.
    RunAlreadyTerminal = "run-already-terminal", CONFLICT, "The run has ended",
        "A completed run cannot be cancelled. The member run shows its current state. To repeat the work, retry the run, which creates a new one.";
    /// The run has not ended.
    RunNotTerminal = "run-not-terminal", CONFLICT, "The run has not ended",
        "Only a completed run can be retried. The member run shows its current state: wait until it ends, or cancel it first.";
    /// There is nothing to retry.
    RunNotRetryable = "run-not-retryable", CONFLICT, "The run has nothing to retry",
        "With the scope failed_only, only policy types that the run failed to read are read again, and there are none. To read everything again, retry with the scope all.";
    /// Nothing is sent to the webhook.
    WebhookDisabled = "webhook-disabled", CONFLICT, "The webhook is disabled",
        "Nothing is sent to a webhook that is disabled. Enable it with PATCH /webhooks/{webhook_id}, and repeat the request.";
    /// Others wait to be sent.
    WebhookBusy = "webhook-busy", CONFLICT, "Too many requests of the webhook wait",
        "Tests and redeliveries are sent one after the other. Wait until those that you asked for are in the list of deliveries.";
    /// The log does not have it.
    EventNotKept = "event-not-kept", CONFLICT, "The event is not kept any more",
        "The log keeps events for 30 days, unless the installation is configured otherwise. Read the current state of what the event was about.";
    /// The user has too many.
    TooManyWebhooks = "too-many-webhooks", CONFLICT, "Too many webhooks",
        "One user may have 20 webhooks. Delete one, or let one webhook receive the events of all of your tenants.";
    /// No worker has published its key.
    WebhooksUnavailable = "webhooks-unavailable", SERVICE_UNAVAILABLE, "Webhooks are not available yet",
        "Workers publish the key for secrets of webhooks when they start, and none of this version has started yet. Retry after the number of seconds in Retry-After. If the problem persists, ask an operator of the installation whether workers run.";
    /// The log of events does not go on from a cursor.
    ResyncRequired = "resync-required", GONE, "The log does not continue from this cursor",
        "Events after the cursor were deleted because they are too old, or the database was restored to an earlier state, so that the list could not be complete. Read the current state of what you follow, such as runs and inventory, and begin again: without a cursor to read all events that are kept, or with from=now for those that follow.";
    /// The body is too long.
    PayloadTooLarge = "payload-too-large", PAYLOAD_TOO_LARGE, "The request body is too large",
        "Request bodies are limited to 64 KiB.";
    /// The body is not JSON.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The media type is not supported",
        "Send request bodies as application/json without compression. To send no body where it is optional, omit the Content-Type header too.";
    /// Too many requests.
    QuotaExceeded = "quota-exceeded", TOO_MANY_REQUESTS, "Too many requests",
        "Wait for the number of seconds in Retry-After. The headers RateLimit and RateLimit-Policy on every response report the remaining quota.";
    /// Too many exports at once.
    TooManyExports = "too-many-exports", TOO_MANY_REQUESTS, "Too many exports",
        "An export holds what it has not sent yet, so that each caller may have two under way. Read one of yours to its end, or end it, and start again after the number of seconds in Retry-After.";
    /// Too many streams at once.
    TooManyStreams = "too-many-streams", TOO_MANY_REQUESTS, "Too many streams",
        "A stream holds a connection for as long as it is open, so that each caller, and each process, may have only so many. Close one of yours, or follow several runs by one stream of their tenant or by your own, and try again after the number of seconds in Retry-After.";
    /// Microsoft Graph failed.
    UpstreamError = "upstream-error", BAD_GATEWAY, "Microsoft Graph did not answer",
        "Microsoft Graph could not be reached, or returned an error. Quote upstream_request_id, if it is present, when you contact Microsoft support. Stored data can still be read.";
    /// Microsoft Graph throttles.
    UpstreamThrottled = "upstream-throttled", SERVICE_UNAVAILABLE, "Microsoft Graph is throttling requests",
        "Wait for the number of seconds in Retry-After, which Microsoft Graph asked for. Stored data can still be read.";
    /// A defect.
    InternalError = "internal-error", INTERNAL_SERVER_ERROR, "Internal error",
        "The request failed because of a defect in the API. Report the request_id to the operator of the installation, who finds the cause in the log.";
    /// The request took too long.
    TimedOut = "timed-out", SERVICE_UNAVAILABLE, "The request timed out",
        "The request exceeded the time limit of the API. Repeating it is safe: a start joins the run if it was already recorded.";
    /// The database does not answer.
    DependencyUnavailable = "dependency-unavailable", SERVICE_UNAVAILABLE, "The database is not available",
        "The database does not respond, or its schema does not match this version. Retry after the number of seconds in Retry-After. If the problem persists, check /readyz.";
    /// The process was asked to stop: `/readyz` says so to load balancers, and new streams are refused.
    Stopping = "stopping", SERVICE_UNAVAILABLE, "The API is stopping",
        "This process was asked to stop and still answers requests for a moment. Send new requests to another one, or retry after the number of seconds in Retry-After.";
    /// Redis does not take the job.
    QueueUnavailable = "queue-unavailable", SERVICE_UNAVAILABLE, "The job queue is not available",
        "The run was recorded, but Redis did not accept its job, so it has ended as failed with the code dispatch_failed. The member links refers to it. Start again after the number of seconds in Retry-After.";
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
