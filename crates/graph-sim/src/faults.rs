//! What goes wrong, by rule.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::sign_in::SignInRefusal;

/// Which paths a rule is for. Paths begin with the version (`/beta/deviceManagement`) or, at a
/// token endpoint, with the directory id. The query plays no part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMatch {
    /// This path.
    Exact(String),
    /// This path and all under it. `/` is every path.
    Prefix(String),
    /// Paths that end like this, such as `/oauth2/v2.0/token`.
    Suffix(String),
}

impl PathMatch {
    /// This path.
    #[must_use]
    pub fn exact(path: &str) -> Self {
        Self::Exact(path.to_owned())
    }

    /// This path and all under it.
    #[must_use]
    pub fn prefix(path: &str) -> Self {
        Self::Prefix(path.to_owned())
    }

    /// Every token endpoint.
    #[must_use]
    pub fn token_endpoint() -> Self {
        Self::Suffix("/oauth2/v2.0/token".to_owned())
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Suffix(suffix) => path.ends_with(suffix.as_str()),
        }
    }
}

/// How an answer says when to come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Not at all.
    #[default]
    Absent,
    /// Whole seconds.
    Seconds(u32),
    /// Seconds with three decimals, which Graph has been seen to send.
    Decimal(f64),
    /// A date so many seconds from now, in the form of RFC 9110.
    HttpDate(u32),
}

/// The body of a server error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// None, as gateways answer.
    #[default]
    Empty,
    /// Graph's error whose message is JSON again, as Intune answers.
    NestedJson,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// 403 that names the permission; the collection's own when none is given.
    Forbidden {
        /// The permission to name.
        #[serde(default)]
        permission: Option<String>,
    },
    /// 403 of a feature that the tenant has no licence for.
    Unlicensed,
    /// 429.
    Throttled {
        /// When to come back.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// A server error.
    ServerError {
        /// 500 to 599.
        status: u16,
        /// What it carries.
        #[serde(default)]
        body: ErrorBody,
        /// When to come back.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// 400 "Request not applicable to target tenant.", as tenants without Intune answer.
    NotApplicable,
    /// 401, as if the token had expired.
    Unauthorized,
    /// 200 with the first half of the body and a matching `Content-Length`.
    TruncatedJson,
    /// 200, half of the body, then the connection ends.
    ConnectionReset,
    /// 200 with a web page.
    HtmlPage,
    /// A page without rows that links to the page that should have been there.
    EmptyPage,
    /// A page that links to itself.
    RepeatedNextLink,
    /// A page that links elsewhere.
    ForeignNextLink {
        /// Scheme, host and port of the link, such as `http://127.0.0.1:9`.
        origin: String,
    },
    /// A page that begins with the last row of the page before it. Does nothing to first pages.
    RepeatedRow,
    /// A page with so many bytes of padding in an annotation.
    Padded {
        /// How many; at most 256 MiB are sent.
        bytes: usize,
    },
    /// The right answer, later.
    Delayed {
        /// How much later.
        milliseconds: u64,
    },
    /// A batch's answer does not have the one to this request. Nothing outside of batches.
    MissingResponse,
    /// A token endpoint refuses. Nothing elsewhere.
    SignIn {
        /// Why.
        refusal: SignInRefusal,
    },
    /// Any answer.
    Answer {
        /// 200 to 599.
        status: u16,
        /// The body, sent as `application/json`.
        body: String,
    },
}

/// When what goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// For requests to these paths.
    pub path: PathMatch,
    /// Only for this tenant.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The first matching request that it strikes, counted from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many requests it strikes, from that one on; `null` for all.
    #[serde(default = "once")]
    pub count: Option<u32>,
    /// What it does.
    pub effect: Effect,
}

const fn one() -> u32 {
    1
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "serde asks for the type of the member"
)]
const fn once() -> Option<u32> {
    Some(1)
}

impl FaultRule {
    /// Strikes the first matching request.
    #[must_use]
    pub fn once(path: PathMatch, effect: Effect) -> Self {
        Self {
            path,
            tenant: None,
            nth: 1,
            count: Some(1),
            effect,
        }
    }

    /// Strikes every matching request.
    #[must_use]
    pub fn always(path: PathMatch, effect: Effect) -> Self {
        Self::once(path, effect).times(None)
    }

    /// Strikes so many requests; `None` for all.
    #[must_use]
    pub fn times(mut self, count: Option<u32>) -> Self {
        self.count = count;
        self
    }

    /// Begins with this matching request, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// Strikes only this tenant.
    #[must_use]
    pub fn for_tenant(mut self, directory_id: &str) -> Self {
        self.tenant = Some(directory_id.to_ascii_lowercase());
        self
    }

    /// Why the rule makes no sense, if it does not.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match &self.effect {
            Effect::ServerError { status, .. } if !(500..600).contains(status) => {
                Some("the status of a server error is 500 to 599")
            }
            Effect::Answer { status, .. } if !(200..600).contains(status) => {
                Some("the status of an answer is 200 to 599")
            }
            Effect::Throttled { retry_after } | Effect::ServerError { retry_after, .. } if matches!(retry_after, RetryAfter::Decimal(s) if !s.is_finite() || *s < 0.0) => {
                Some("a wait is not negative")
            }
            _ if self.nth == 0 => Some("requests are counted from 1"),
            _ => None,
        }
    }
}

/// A rule with what it did so far, as the control endpoint shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ActiveRule {
    rule: FaultRule,
    /// Requests that matched.
    matched: u32,
    /// Requests that it struck.
    struck: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<ActiveRule>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Vec<ActiveRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, mut rule: FaultRule) {
        rule.tenant = rule.tenant.map(|tenant| tenant.to_ascii_lowercase());
        self.lock().push(ActiveRule {
            rule,
            matched: 0,
            struck: 0,
        });
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn rules(&self) -> Vec<ActiveRule> {
        self.lock().clone()
    }

    /// How many requests were struck by all rules.
    pub(crate) fn struck(&self) -> u32 {
        self.lock().iter().map(|active| active.struck).sum()
    }

    /// What strikes this request. Every rule that matches counts it; the first that is due strikes.
    pub(crate) fn strike(&self, path: &str, tenant: Option<&str>) -> Option<Effect> {
        let mut effect = None;
        for active in self.lock().iter_mut() {
            let rule = &active.rule;
            let for_tenant = rule.tenant.as_deref().is_none_or(|one| Some(one) == tenant);
            if !rule.path.matches(path) || !for_tenant {
                continue;
            }
            active.matched = active.matched.saturating_add(1);
            let due =
                active.matched >= rule.nth && rule.count.is_none_or(|count| active.struck < count);
            if due && effect.is_none() {
                active.struck += 1;
                effect = Some(rule.effect.clone());
            }
        }
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_at_a_segment() {
        let prefix = PathMatch::prefix("/beta/deviceManagement");
        assert!(prefix.matches("/beta/deviceManagement"));
        assert!(prefix.matches("/beta/deviceManagement/intents"));
        assert!(!prefix.matches("/beta/deviceManagementPartners"));
        assert!(PathMatch::prefix("/").matches("/v1.0/groups"));
    }

    #[test]
    fn a_rule_strikes_from_the_nth_request_on_and_so_often_as_it_says() {
        let faults = Faults::default();
        let rule = FaultRule::once(PathMatch::prefix("/beta"), Effect::HtmlPage)
            .nth(2)
            .times(Some(2))
            .for_tenant("T");
        faults.add(rule);
        let strikes = |tenant| faults.strike("/beta/x", Some(tenant)).is_some();
        assert!(!strikes("other"));
        assert_eq!(
            [strikes("t"), strikes("t"), strikes("t"), strikes("t")],
            [false, true, true, false]
        );
        assert_eq!(faults.struck(), 2);
    }
}
