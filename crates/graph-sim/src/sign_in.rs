//! The sign-in service: tokens for applications and for users, and how others check those.

mod assertion;
mod keys;
mod refusal;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Query;
use serde_json::{Value, json};

use crate::answer::{Answer, random_bits};
use assertion::{Certificate, Expected, now};
use keys::Keys;

pub use assertion::FederatedCredential;
pub use keys::UserToken;
pub use refusal::SignInRefusal;

/// What tokens for Graph are for.
const GRAPH: &str = "https://graph.microsoft.com";
/// The one kind of assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The grant for tokens on behalf of a user.
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Who a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) tenant: String,
    pub(crate) application: String,
    /// A user is behind it.
    pub(crate) delegated: bool,
}

#[derive(Debug)]
struct Issued {
    holder: Holder,
    until: Instant,
    /// The revocation that the token's request knew of, in seconds since 1970.
    knows_revocation: i64,
}

/// What a bearer token is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    Good(Holder),
    /// It was good.
    Expired(Holder),
    /// It is good but for these claims, which a new one has to be asked for with.
    Challenged(Holder, String),
    /// Never issued, or revoked.
    Unknown,
}

/// Who may sign in.
#[derive(Clone)]
pub(crate) struct Application {
    /// The application's id, and others that may sign in with the same proofs.
    pub(crate) client_ids: Vec<String>,
    pub(crate) client_secret: String,
}

#[derive(Default)]
struct Inner {
    tokens: HashMap<String, Issued>,
    issued: HashMap<String, u64>,
    lifetime: Duration,
    /// When tokens of a tenant were revoked last, in seconds since 1970.
    revoked: HashMap<String, i64>,
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
            lifetime,
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
            Ok((holder, form)) => self.issue(holder, &form),
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

    fn issue(&self, holder: Holder, form: &Form) -> Answer {
        let token = format!("sim-{:032x}", random_bits());
        let now = Instant::now();
        let mut inner = self.lock();
        let lifetime = inner.lifetime;
        // Long dead tokens are forgotten, so that a long-lived simulator does not grow.
        let kept = Duration::from_secs(3_600);
        inner.tokens.retain(|_, one| one.until + kept > now);
        *inner.issued.entry(holder.tenant.clone()).or_default() += 1;
        inner.tokens.insert(
            token.clone(),
            Issued {
                holder,
                until: now + lifetime,
                knows_revocation: known_revocation(form),
            },
        );
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
        let Some(issued) = token.and_then(|token| inner.tokens.get(token)) else {
            return Bearer::Unknown;
        };
        let holder = issued.holder.clone();
        if issued.until <= Instant::now() {
            return Bearer::Expired(holder);
        }
        match inner.revoked.get(&holder.tenant) {
            Some(revoked) if issued.knows_revocation < *revoked => {
                Bearer::Challenged(holder, claims(*revoked))
            }
            _ => Bearer::Good(holder),
        }
    }

    pub(crate) fn revoke(&self, tenant: &str) {
        self.lock()
            .tokens
            .retain(|_, issued| issued.holder.tenant != tenant);
    }

    /// Tokens of the tenant are no longer good until one is asked for with the claims that the
    /// answers carry. Gives the claims.
    pub(crate) fn challenge(&self, tenant: &str) -> String {
        let mut inner = self.lock();
        let last = inner.revoked.get(tenant).copied().unwrap_or(0);
        // Each is later than the one before.
        let revoked = now().max(last + 1);
        inner.revoked.insert(tenant.to_owned(), revoked);
        claims(revoked)
    }

    pub(crate) fn issued(&self, tenant: &str) -> u64 {
        self.lock().issued.get(tenant).copied().unwrap_or(0)
    }

    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        self.lock().lifetime = lifetime;
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
            let life = u64::try_from(wanted.lifetime_seconds).unwrap_or(0);
            let issued = Issued {
                holder: Holder {
                    tenant: tenant.to_owned(),
                    application: self.application.client_ids[0].clone(),
                    delegated: true,
                },
                until: Instant::now() + Duration::from_secs(life),
                knows_revocation: now(),
            };
            self.lock().tokens.insert(token.clone(), issued);
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

/// The claims that a token has to be asked for with after a revocation.
fn claims(revoked: i64) -> String {
    let value = revoked.to_string();
    json!({"access_token": {"nbf": {"essential": true, "value": value}}}).to_string()
}

/// The revocation that a request for a token knows of.
fn known_revocation(form: &Form) -> i64 {
    let claims = form.get("claims").map_or("", String::as_str);
    let claims: Value = serde_json::from_str(claims).unwrap_or_default();
    let value = &claims["access_token"]["nbf"]["value"];
    value
        .as_str()
        .and_then(|value| value.parse().ok())
        .unwrap_or(0)
}
