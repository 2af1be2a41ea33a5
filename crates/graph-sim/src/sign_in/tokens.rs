//! Tokens that were issued: how long they are good, and what revokes them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::assertion::now;
use crate::answer::{Answer, random_bits};

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

/// The tokens of all tenants.
#[derive(Default)]
pub(super) struct Tokens {
    tokens: HashMap<String, Issued>,
    /// How many tokens each tenant's applications got.
    issued: HashMap<String, u64>,
    lifetime: Duration,
    /// When tokens of a tenant were revoked last, in seconds since 1970.
    revoked: HashMap<String, i64>,
}

impl Tokens {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            ..Self::default()
        }
    }

    /// Of tokens that are issued from now on.
    pub(super) const fn set_lifetime(&mut self, lifetime: Duration) {
        self.lifetime = lifetime;
    }

    /// Answers a request that was granted.
    pub(super) fn issue(&mut self, holder: Holder, form: &HashMap<String, String>) -> Answer {
        let token = format!("sim-{:032x}", random_bits());
        let now = Instant::now();
        // Long dead tokens are forgotten, so that a long-lived simulator does not grow.
        let kept = Duration::from_secs(3_600);
        self.tokens.retain(|_, one| one.until + kept > now);
        *self.issued.entry(holder.tenant.clone()).or_default() += 1;
        self.tokens.insert(
            token.clone(),
            Issued {
                holder,
                until: now + self.lifetime,
                knows_revocation: known_revocation(form),
            },
        );
        let body = json!({
            "token_type": "Bearer",
            "expires_in": self.lifetime.as_secs(),
            "ext_expires_in": self.lifetime.as_secs(),
            "access_token": token,
        });
        Answer::plain_json(200, &body)
    }

    /// Makes a token good that was signed elsewhere.
    pub(super) fn insert(&mut self, token: String, holder: Holder, lifetime: Duration) {
        let issued = Issued {
            holder,
            until: Instant::now() + lifetime,
            knows_revocation: now(),
        };
        self.tokens.insert(token, issued);
    }

    /// What the `Authorization` header is worth.
    pub(super) fn bearer(&self, authorization: Option<&str>) -> Bearer {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let Some(issued) = token.and_then(|token| self.tokens.get(token)) else {
            return Bearer::Unknown;
        };
        let holder = issued.holder.clone();
        if issued.until <= Instant::now() {
            return Bearer::Expired(holder);
        }
        match self.revoked.get(&holder.tenant) {
            Some(revoked) if issued.knows_revocation < *revoked => {
                Bearer::Challenged(holder, claims(*revoked))
            }
            _ => Bearer::Good(holder),
        }
    }

    pub(super) fn revoke(&mut self, tenant: &str) {
        self.tokens
            .retain(|_, issued| issued.holder.tenant != tenant);
    }

    /// Tokens of the tenant are no longer good until one is requested with the claims that the
    /// answers carry. Returns the claims.
    pub(super) fn challenge(&mut self, tenant: &str) -> String {
        let last = self.revoked.get(tenant).copied().unwrap_or(0);
        // Each is later than the one before.
        let revoked = now().max(last + 1);
        self.revoked.insert(tenant.to_owned(), revoked);
        claims(revoked)
    }

    pub(super) fn issued(&self, tenant: &str) -> u64 {
        self.issued.get(tenant).copied().unwrap_or(0)
    }
}

/// The claims that a token has to be asked for with after a revocation.
fn claims(revoked: i64) -> String {
    let value = revoked.to_string();
    json!({"access_token": {"nbf": {"essential": true, "value": value}}}).to_string()
}

/// The revocation that a request for a token knows of.
fn known_revocation(form: &HashMap<String, String>) -> i64 {
    let claims = form.get("claims").map_or("", String::as_str);
    let claims: Value = serde_json::from_str(claims).unwrap_or_default();
    let value = &claims["access_token"]["nbf"]["value"];
    value
        .as_str()
        .and_then(|value| value.parse().ok())
        .unwrap_or(0)
}
