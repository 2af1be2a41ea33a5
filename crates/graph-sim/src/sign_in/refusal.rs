//! Why a token endpoint refuses.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, random_guid};

/// Why a token endpoint refuses, with the number that Microsoft Entra documents for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInRefusal {
    /// 7000215: the secret is not the application's.
    SecretInvalid,
    /// 7000222: the secret expired.
    SecretExpired,
    /// 700016: the tenant does not know the application.
    ApplicationNotFound,
    /// 7000112: the application is disabled.
    ApplicationDisabled,
    /// 90002: there is no such tenant.
    TenantNotFound,
    /// 65001: nobody consented.
    ConsentMissing,
    /// 650052: the tenant has no subscription to the service.
    NotSubscribed,
    /// 53003: conditional access blocks the application.
    BlockedByConditionalAccess,
    /// 900144: the request lacks a parameter.
    ParameterMissing,
    /// 70011: the scope is not one.
    ScopeInvalid,
    /// 70003: the grant is of another kind.
    GrantUnsupported,
    /// 90033: the directory is busy.
    Busy,
    /// 50196: the client asks over and over.
    LoopDetected,
    /// 700027: the certificate is none of the application's, or the signature is not its own.
    AssertionInvalid,
    /// 700024: the assertion is not valid at this time, or for too long.
    AssertionNotInTime,
    /// 50027: the assertion is for somebody else, or says something else than it should.
    AssertionClaims,
    /// 70025: the application trusts no other issuer.
    NothingFederated,
    /// 700211: it does not trust the issuer of the token.
    IssuerUnknown,
    /// 700213: it does not trust the subject of the token.
    SubjectUnknown,
    /// 700212: the token is for another audience.
    AudienceUnknown,
    /// 90038: the tenant lives in a national cloud.
    NationalCloud,
    /// 900382: the application is of another cloud than the tenant.
    CrossCloud,
    /// 900023: the tenant is named by what is neither an id nor a domain name.
    TenantIdentifierInvalid,
    /// 5000224: the tenant was taken out of service.
    TenantUnavailable,
    /// 530035: the tenant's security defaults block the sign-in.
    BlockedBySecurityDefaults,
    /// 50173: the user's grant was revoked.
    GrantRevoked,
    /// 700082: the user's grant was not used for too long.
    GrantInactive,
    /// 500011: the resource is not known in the tenant.
    ResourceUnknown,
    /// 500133: the user's token expired.
    UserTokenExpired,
    /// 50013: the user's token is not one, or not for the application.
    UserTokenInvalid,
    /// 50076: the user has to do something, such as a second factor.
    InteractionRequired,
}

impl SignInRefusal {
    /// Status, `error`, number and sentence.
    const fn documented(self) -> (u16, &'static str, u32, &'static str) {
        match self {
            Self::SecretInvalid => (
                401,
                "invalid_client",
                7_000_215,
                "Invalid client secret provided.",
            ),
            Self::SecretExpired => (
                401,
                "invalid_client",
                7_000_222,
                "The provided client secret keys are expired.",
            ),
            Self::ApplicationNotFound => (
                400,
                "unauthorized_client",
                700_016,
                "Application was not found in the directory.",
            ),
            Self::ApplicationDisabled => (
                400,
                "unauthorized_client",
                7_000_112,
                "Application is disabled.",
            ),
            Self::TenantNotFound => (400, "invalid_request", 90_002, "Tenant not found."),
            Self::ConsentMissing => (
                400,
                "invalid_grant",
                65_001,
                "The administrator has not consented to use the application.",
            ),
            Self::NotSubscribed => (
                400,
                "invalid_resource",
                650_052,
                "The organization lacks a service principal for the service.",
            ),
            Self::BlockedByConditionalAccess => (
                400,
                "invalid_grant",
                53_003,
                "Access has been blocked by Conditional Access policies.",
            ),
            Self::ParameterMissing => (
                400,
                "invalid_request",
                900_144,
                "The request body lacks a required parameter.",
            ),
            Self::ScopeInvalid => (
                400,
                "invalid_scope",
                70_011,
                "The provided value for the input parameter 'scope' is not valid.",
            ),
            Self::GrantUnsupported => (
                400,
                "unsupported_grant_type",
                70_003,
                "The app requested an unsupported grant type.",
            ),
            Self::Busy => (
                503,
                "temporarily_unavailable",
                90_033,
                "A transient error has occurred. Please try again.",
            ),
            Self::AssertionInvalid => (
                401,
                "invalid_client",
                700_027,
                "The certificate with identifier used to sign the client assertion is not \
                 registered on application, or the signature is not valid.",
            ),
            Self::AssertionNotInTime => (
                401,
                "invalid_client",
                700_024,
                "Client assertion is not within its valid time range.",
            ),
            Self::AssertionClaims => (
                401,
                "invalid_client",
                50_027,
                "JWT token is invalid or malformed.",
            ),
            Self::NothingFederated => (
                401,
                "invalid_client",
                70_025,
                "The client application has no configured federated identity credentials.",
            ),
            Self::IssuerUnknown => (
                401,
                "invalid_client",
                700_211,
                "No matching federated identity record found for presented assertion issuer.",
            ),
            Self::SubjectUnknown => (
                401,
                "invalid_client",
                700_213,
                "No matching federated identity record found for presented assertion subject.",
            ),
            Self::AudienceUnknown => (
                401,
                "invalid_client",
                700_212,
                "No matching federated identity record found for presented assertion audience.",
            ),
            Self::NationalCloud => (
                400,
                "invalid_request",
                90_038,
                "The tenant is redirected to the National Cloud 'MicrosoftOnline.US'.",
            ),
            Self::CrossCloud => (
                400,
                "invalid_request",
                900_382,
                "Confidential Client is not supported in Cross Cloud request.",
            ),
            Self::TenantIdentifierInvalid => (
                400,
                "invalid_request",
                900_023,
                "Specified tenant identifier is neither a valid DNS name, nor a valid external \
                 domain.",
            ),
            Self::TenantUnavailable => (
                400,
                "invalid_request",
                5_000_224,
                "We are sorry, this resource is not available.",
            ),
            Self::BlockedBySecurityDefaults => (
                400,
                "invalid_grant",
                530_035,
                "Access has been blocked by security defaults.",
            ),
            Self::GrantRevoked => (
                400,
                "invalid_grant",
                50_173,
                "The provided grant has expired due to it being revoked, a fresh auth token is \
                 needed.",
            ),
            Self::GrantInactive => (
                400,
                "invalid_grant",
                700_082,
                "The refresh token has expired due to inactivity.",
            ),
            Self::ResourceUnknown => (
                400,
                "invalid_resource",
                500_011,
                "The resource principal was not found in the tenant.",
            ),
            Self::UserTokenExpired => (
                400,
                "invalid_grant",
                500_133,
                "Assertion is not within its valid time range.",
            ),
            Self::UserTokenInvalid => (
                400,
                "invalid_grant",
                50_013,
                "Assertion failed signature validation or is for another audience.",
            ),
            Self::InteractionRequired => (
                400,
                "interaction_required",
                50_076,
                "Due to a configuration change made by your administrator, you must use \
                 multi-factor authentication to access the resource.",
            ),
            Self::LoopDetected => (
                400,
                "invalid_grant",
                50_196,
                "The server terminated an operation because it met a client request loop.",
            ),
        }
    }

    /// The answer that says so.
    pub(crate) fn answer(self) -> Answer {
        let (status, error, number, sentence) = self.documented();
        let trace_id = random_guid();
        let correlation_id = random_guid();
        let time = DateTime::<Utc>::from(SystemTime::now()).format("%Y-%m-%d %H:%M:%SZ");
        let mut body = json!({
            "error": error,
            "error_description": format!(
                "AADSTS{number}: {sentence} Trace ID: {trace_id} \
                 Correlation ID: {correlation_id} Timestamp: {time}"
            ),
            "error_codes": [number],
            "timestamp": time.to_string(),
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        });
        if self == Self::InteractionRequired {
            body["suberror"] = json!("basic_action");
            body["claims"] =
                json!(r#"{"access_token":{"polids":{"essential":true,"values":["9ab03e19"]}}}"#);
        }
        Answer::plain_json(status, &body)
    }
}
