//! What goes wrong, by rule.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::content::Rng;
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
    /// Whole seconds, not in a header but as `RetryAfter` in the JSON that the message of the
    /// error is. Only in answers with status 429 and in nested server errors.
    InMessage(u32),
}

impl RetryAfter {
    /// How long a caller who understands it waits at least.
    pub(crate) fn length(self) -> Option<Duration> {
        let seconds = |seconds: u32| Some(Duration::from_secs(u64::from(seconds)));
        match self {
            Self::Absent => None,
            Self::Seconds(wait) | Self::InMessage(wait) => seconds(wait),
            Self::Decimal(wait) => Duration::try_from_secs_f64(wait).ok(),
            // A date has no fractions.
            Self::HttpDate(wait) => seconds(wait.saturating_sub(1)),
        }
    }
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
    /// Status 410 or 400 for pages that a link leads to: the walk has to begin again. Does nothing
    /// to first pages.
    PageGone {
        /// 410 or 400.
        status: u16,
    },
    /// 504 when something is expanded on more rows than this.
    ExpandTimesOut {
        /// As many still work.
        rows: usize,
    },
    /// `$top` is not looked at.
    TopIgnored,
    /// 400 for requests with `$top`.
    TopRejected,
    /// Pages hold no more rows than this, whatever `$top` says.
    TopClamped {
        /// How many.
        rows: usize,
    },
    /// The first row has an enumeration member that nobody knows.
    UnknownEnum,
    /// The first row is of a type that nobody knows.
    UnknownType,
    /// The first row has no name.
    NullName,
    /// The rows have names that are hard on programs: other directions, invisible and combining
    /// characters, nothing but blanks, thousands of characters.
    OddNames,
    /// The first row has a member twice, with different values.
    DuplicateKeys,
    /// The first row has so many bytes in one of its members; at most 256 MiB.
    HugeRow {
        /// How many.
        bytes: usize,
    },
    /// The right answer as plain text.
    WrongContentType,
    /// The right answer, compressed with gzip.
    Gzip,
    /// The right answer, in so many pieces with a pause before each.
    SlowBody {
        /// How many.
        pieces: usize,
        /// How long a pause is.
        milliseconds: u64,
    },
    /// 401 that asks for a token with other claims. Tokens that are asked for without those are
    /// answered the same from then on.
    ClaimsChallenge,
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
    /// How likely it is that it strikes, from 0 to 1; absent for certain. A request that it spares
    /// counts as matching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Decides which requests those are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seed: u64,
    /// What it does.
    pub effect: Effect,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference to the member"
)]
const fn is_zero(seed: &u64) -> bool {
    *seed == 0
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
            probability: None,
            seed: 0,
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

    /// Strikes requests with this probability, from 0 to 1, decided by the seed.
    #[must_use]
    pub fn probably(mut self, probability: f64, seed: u64) -> Self {
        self.probability = Some(probability);
        self.seed = seed;
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
            Effect::PageGone { status } if !matches!(status, 400 | 410) => {
                Some("pages are gone with status 400 or 410")
            }
            Effect::SlowBody { pieces: 0, .. } => Some("a body comes in at least one piece"),
            _ if self
                .probability
                .is_some_and(|one| !(0.0..=1.0).contains(&one)) =>
            {
                Some("a probability is from 0 to 1")
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
            let spared = rule.probability.is_some_and(|probability| {
                let mut rng = Rng::from_parts(&[rule.seed, u64::from(active.matched)]);
                rng.share() >= probability
            });
            let due = active.matched >= rule.nth
                && rule.count.is_none_or(|count| active.struck < count)
                && !spared;
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

    #[test]
    fn a_probability_spares_some_and_the_seed_says_which() {
        let strikes = |seed: u64| -> Vec<bool> {
            let faults = Faults::default();
            let rule = FaultRule::always(PathMatch::prefix("/"), Effect::HtmlPage);
            faults.add(rule.probably(0.3, seed));
            (0..1_000)
                .map(|_| faults.strike("/x", None).is_some())
                .collect()
        };
        let count = strikes(1).iter().filter(|struck| **struck).count();
        assert!((200..400).contains(&count), "{count}");
        assert_eq!(strikes(1), strikes(1));
        assert_ne!(strikes(1), strikes(2));
    }
}
