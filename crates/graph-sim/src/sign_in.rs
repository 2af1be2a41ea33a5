//! The sign-in service: tokens for applications and for users, and how others check those.

mod assertion;
mod keys;
mod refusal;
mod tokens;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use actix_web::web::Query;
use serde_json::Value;

use crate::answer::Answer;
use assertion::{Certificate, Expected, now};
use keys::Keys;
use tokens::Tokens;

pub use assertion::FederatedCredential;
pub use keys::UserToken;
pub use refusal::SignInRefusal;
pub(crate) use tokens::{Bearer, Holder};

/// What tokens for Graph are for.
const GRAPH: &str = "https://graph.microsoft.com";
/// The one kind of assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The grant for tokens on behalf of a user.
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Who may sign in.
#[derive(Clone)]
pub(crate) struct Application {
    /// The application's id, and others that may sign in with the same proofs.
    pub(crate) client_ids: Vec<String>,
    pub(crate) client_secret: String,
}

#[derive(Default)]
struct Inner {
    tokens: Tokens,
    certificates: Vec<Certificate>,
    federated: Vec<FederatedCredential>,
}

pub(crate) struct SignIn {
    application: Application,
    tenants: Vec<String>,
    any_tenant: bool,
    inner: Mutex<Inner>,
    /// Made when somebody needs them: that takes a moment.
    keys: OnceLock<Mutex<Keys>>,
}

/// A request for a token.
pub(crate) struct TokenRequest<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) form: &'a [u8],
    /// The address of the sign-in service, without a slash at the end.
    pub(crate) root: &'a str,
    /// The root of the Graph that the tenant's tokens are for.
    pub(crate) graph_root: &'a str,
}

type Form = HashMap<String, String>;

fn parameter<'a>(form: &'a Form, name: &str) -> Result<&'a str, SignInRefusal> {
    form.get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or(SignInRefusal::ParameterMissing)
}

impl SignIn {
    pub(crate) fn new(
        application: Application,
        tenants: Vec<String>,
        any_tenant: bool,
        lifetime: Duration,
    ) -> Self {
        let inner = Inner {
            tokens: Tokens::new(lifetime),
            ..Inner::default()
        };
        Self {
            application,
            tenants,
            any_tenant,
            inner: Mutex::new(inner),
            keys: OnceLock::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys
            .get_or_init(|| Mutex::new(Keys::generate()))
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is such a tenant. The id is in lower case.
    pub(crate) fn knows(&self, tenant: &str) -> bool {
        let named = self.tenants.iter().any(|one| one == tenant);
        named || (self.any_tenant && uuid::Uuid::parse_str(tenant).is_ok())
    }

    /// Answers a request for a token.
    pub(crate) fn token(&self, request: &TokenRequest<'_>) -> Answer {
        match self.check(request) {
            Ok((holder, form)) => self.lock().tokens.issue(holder, &form),
            Err(refusal) => refusal.answer(),
        }
    }

    fn check(&self, request: &TokenRequest<'_>) -> Result<(Holder, Form), SignInRefusal> {
        if !self.knows(request.tenant) {
            return Err(SignInRefusal::TenantNotFound);
        }
        let text =
            std::str::from_utf8(request.form).map_err(|_| SignInRefusal::ParameterMissing)?;
        let form = Query::<Form>::from_query(text)
            .map_err(|_| SignInRefusal::ParameterMissing)?
            .into_inner();
        let delegated = match parameter(&form, "grant_type")? {
            "client_credentials" => false,
            ON_BEHALF_OF => true,
            _ => return Err(SignInRefusal::GrantUnsupported),
        };
        Self::check_scope(parameter(&form, "scope")?, delegated, request.graph_root)?;
        let client_id = parameter(&form, "client_id")?;
        let known = self.application.client_ids.iter();
        let client_id = known
            .into_iter()
            .find(|one| one.eq_ignore_ascii_case(client_id))
            .ok_or(SignInRefusal::ApplicationNotFound)?;
        self.check_proof(&form, client_id, request)?;
        if delegated {
            self.check_user(&form, client_id, request)?;
        }
        let holder = Holder {
            tenant: request.tenant.to_owned(),
            application: client_id.clone(),
            delegated,
        };
        Ok((holder, form))
    }

    fn check_scope(scope: &str, delegated: bool, graph_root: &str) -> Result<(), SignInRefusal> {
        let resource = if delegated {
            // Several permissions of one resource.
            scope.split(' ').find_map(|one| one.rsplit_once('/'))
        } else {
            scope
                .rsplit_once('/')
                .filter(|(_, rest)| *rest == ".default")
        };
        let (resource, _) = resource.ok_or(SignInRefusal::ScopeInvalid)?;
        if resource == graph_root {
            Ok(())
        } else if graph_root.ends_with(".us") {
            Err(SignInRefusal::NationalCloud)
        } else {
            Err(SignInRefusal::ResourceUnknown)
        }
    }

    /// Whether the application proved itself.
    fn check_proof(
        &self,
        form: &Form,
        client_id: &str,
        request: &TokenRequest<'_>,
    ) -> Result<(), SignInRefusal> {
        if !form.contains_key("client_assertion") {
            return if *parameter(form, "client_secret")? == self.application.client_secret {
                Ok(())
            } else {
                Err(SignInRefusal::SecretInvalid)
            };
        }
        if parameter(form, "client_assertion_type")? != JWT_BEARER {
            return Err(SignInRefusal::AssertionClaims);
        }
        let endpoint = format!("{}/{}/oauth2/v2.0/token", request.root, request.tenant);
        let inner = self.lock();
        let expected = Expected {
            client_id,
            endpoint: &endpoint,
            certificates: &inner.certificates,
            federated: &inner.federated,
        };
        expected.check(parameter(form, "client_assertion")?)
    }

    /// Whether a user is behind the request, whose token is for the application.
    fn check_user(
        &self,
        form: &Form,
        client_id: &str,
        request: &TokenRequest<'_>,
    ) -> Result<(), SignInRefusal> {
        if parameter(form, "requested_token_use")? != "on_behalf_of" {
            return Err(SignInRefusal::ParameterMissing);
        }
        let claims = self
            .keys()
            .claims(parameter(form, "assertion")?)
            .ok_or(SignInRefusal::UserTokenInvalid)?;
        let audience = claims["aud"].as_str().unwrap_or_default();
        let for_us = audience
            .trim_start_matches("api://")
            .eq_ignore_ascii_case(client_id);
        let by_user = claims["scp"].is_string() && claims["tid"] == request.tenant;
        if !for_us || !by_user {
            return Err(SignInRefusal::UserTokenInvalid);
        }
        if claims["exp"].as_i64().is_none_or(|until| until <= now()) {
            return Err(SignInRefusal::UserTokenExpired);
        }
        Ok(())
    }

    /// What the `Authorization` header is worth.
    pub(crate) fn bearer(&self, authorization: Option<&str>) -> Bearer {
        self.lock().tokens.bearer(authorization)
    }

    pub(crate) fn revoke(&self, tenant: &str) {
        self.lock().tokens.revoke(tenant);
    }

    /// Tokens of the tenant are no longer good until one is requested with the claims that the
    /// answers carry. Returns the claims.
    pub(crate) fn challenge(&self, tenant: &str) -> String {
        self.lock().tokens.challenge(tenant)
    }

    /// How many tokens the tenant's applications got.
    pub(crate) fn issued(&self, tenant: &str) -> u64 {
        self.lock().tokens.issued(tenant)
    }

    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        self.lock().tokens.set_lifetime(lifetime);
    }

    /// Lets the application prove itself with this certificate too.
    pub(crate) fn add_certificate(&self, pem: &str) -> Result<(), &'static str> {
        let certificate = Certificate::read(pem)?;
        self.lock().certificates.push(certificate);
        Ok(())
    }

    /// Lets the application prove itself with tokens of this issuer too.
    pub(crate) fn trust(&self, credential: FederatedCredential) -> Result<(), &'static str> {
        match credential.problem() {
            Some(problem) => Err(problem),
            None => {
                self.lock().federated.push(credential);
                Ok(())
            }
        }
    }

    /// A token for a user. One that is for Graph is good there.
    pub(crate) fn user_token(&self, root: &str, tenant: &str, wanted: &UserToken) -> String {
        let claims = wanted.claims(root, tenant);
        let token = self.keys().sign(&claims).unwrap_or_default();
        if wanted.audience == GRAPH && !wanted.scopes.is_empty() {
            let lifetime = Duration::from_secs(u64::try_from(wanted.lifetime_seconds).unwrap_or(0));
            let holder = Holder {
                tenant: tenant.to_owned(),
                application: self.application.client_ids[0].clone(),
                delegated: true,
            };
            self.lock().tokens.insert(token.clone(), holder, lifetime);
        }
        token
    }

    pub(crate) fn rotate_keys(&self) {
        self.keys().rotate();
    }

    /// What is published about a tenant, or about all (`common`, `organizations`), at a path of
    /// the sign-in service; `None` for other paths.
    pub(crate) fn published(&self, root: &str, path: &str) -> Option<Answer> {
        let (tenant, rest) = path.strip_prefix('/')?.split_once('/')?;
        let tenant = tenant.to_ascii_lowercase();
        let of_all = ["common", "organizations"].contains(&tenant.as_str());
        let issuer = if of_all {
            format!("{root}/{{tenantid}}/v2.0")
        } else {
            format!("{root}/{tenant}/v2.0")
        };
        let body: &dyn Fn() -> Value = match rest {
            "v2.0/.well-known/openid-configuration" => &|| keys::discovery(root, &tenant, &issuer),
            "discovery/v2.0/keys" => &|| self.keys().published(&issuer),
            _ => return None,
        };
        Some(if of_all || self.knows(&tenant) {
            Answer::plain_json(200, &body())
        } else {
            SignInRefusal::TenantNotFound.answer()
        })
    }
}
