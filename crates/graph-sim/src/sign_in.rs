//! The token endpoint: client credentials for opaque tokens.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use actix_web::web::Query;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, random_bits, random_guid};

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
        let body = json!({
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
        Answer::plain_json(status, &body)
    }
}

/// Whose token is good for what.
#[derive(Debug)]
struct Issued {
    tenant: String,
    until: Instant,
}

/// What a bearer token is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// Good, for this tenant.
    Good(String),
    /// It was good for this tenant.
    Expired(String),
    /// Never issued, or revoked.
    Unknown,
}

/// Who may sign in.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

#[derive(Debug, Default)]
struct Inner {
    tokens: HashMap<String, Issued>,
    issued: HashMap<String, u64>,
    lifetime: Duration,
}

#[derive(Debug)]
pub(crate) struct SignIn {
    application: Application,
    tenants: Vec<String>,
    any_tenant: bool,
    inner: Mutex<Inner>,
}

impl SignIn {
    pub(crate) fn new(
        application: Application,
        tenants: Vec<String>,
        any_tenant: bool,
        lifetime: Duration,
    ) -> Self {
        let inner = Inner {
            lifetime,
            ..Inner::default()
        };
        Self {
            application,
            tenants,
            any_tenant,
            inner: Mutex::new(inner),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is such a tenant. The id is in lower case.
    pub(crate) fn knows(&self, tenant: &str) -> bool {
        let named = self.tenants.iter().any(|one| one == tenant);
        named || (self.any_tenant && uuid::Uuid::parse_str(tenant).is_ok())
    }

    /// Answers a request for a token.
    pub(crate) fn token(&self, tenant: &str, form: &[u8]) -> Answer {
        match self.check(tenant, form) {
            Ok(()) => self.issue(tenant),
            Err(refusal) => refusal.answer(),
        }
    }

    fn check(&self, tenant: &str, form: &[u8]) -> Result<(), SignInRefusal> {
        if !self.knows(tenant) {
            return Err(SignInRefusal::TenantNotFound);
        }
        let text = std::str::from_utf8(form).map_err(|_| SignInRefusal::ParameterMissing)?;
        let form = Query::<HashMap<String, String>>::from_query(text)
            .map_err(|_| SignInRefusal::ParameterMissing)?;
        let parameter = |name: &str| {
            form.get(name)
                .filter(|value| !value.is_empty())
                .ok_or(SignInRefusal::ParameterMissing)
        };
        if parameter("grant_type")? != "client_credentials" {
            return Err(SignInRefusal::GrantUnsupported);
        }
        if !parameter("scope")?.ends_with("/.default") {
            return Err(SignInRefusal::ScopeInvalid);
        }
        if !parameter("client_id")?.eq_ignore_ascii_case(&self.application.client_id) {
            return Err(SignInRefusal::ApplicationNotFound);
        }
        if *parameter("client_secret")? != self.application.client_secret {
            return Err(SignInRefusal::SecretInvalid);
        }
        Ok(())
    }

    fn issue(&self, tenant: &str) -> Answer {
        let token = format!("sim-{:032x}", random_bits());
        let now = Instant::now();
        let mut inner = self.lock();
        let lifetime = inner.lifetime;
        // Long dead tokens are forgotten, so that a long-lived simulator does not grow.
        let kept = Duration::from_secs(3_600);
        inner.tokens.retain(|_, one| one.until + kept > now);
        inner.tokens.insert(
            token.clone(),
            Issued {
                tenant: tenant.to_owned(),
                until: now + lifetime,
            },
        );
        *inner.issued.entry(tenant.to_owned()).or_default() += 1;
        drop(inner);
        let body = json!({
            "token_type": "Bearer",
            "expires_in": lifetime.as_secs(),
            "ext_expires_in": lifetime.as_secs(),
            "access_token": token,
        });
        Answer::plain_json(200, &body)
    }

    /// What the `Authorization` header is worth.
    pub(crate) fn bearer(&self, authorization: Option<&str>) -> Bearer {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let inner = self.lock();
        match token.and_then(|token| inner.tokens.get(token)) {
            None => Bearer::Unknown,
            Some(issued) if issued.until <= Instant::now() => {
                Bearer::Expired(issued.tenant.clone())
            }
            Some(issued) => Bearer::Good(issued.tenant.clone()),
        }
    }

    pub(crate) fn revoke(&self, tenant: &str) {
        self.lock()
            .tokens
            .retain(|_, issued| issued.tenant != tenant);
    }

    pub(crate) fn issued(&self, tenant: &str) -> u64 {
        self.lock().issued.get(tenant).copied().unwrap_or(0)
    }

    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        self.lock().lifetime = lifetime;
    }
}
