//! Faults: rules that say which requests go wrong, and how.

mod effect;
mod path;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use effect::{Effect, ErrorBody};
pub use path::PathMatch;

use crate::content::Rng;

/// The most bytes that an effect adds to a page or a row.
pub(crate) const MAX_PADDING: usize = 256 * 1024 * 1024;

/// What goes wrong, and with which requests.
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
        if let Some(problem) = self.effect.problem() {
            return Some(problem);
        }
        if self
            .probability
            .is_some_and(|one| !(0.0..=1.0).contains(&one))
        {
            return Some("a probability is from 0 to 1");
        }
        (self.nth == 0).then_some("requests are counted from 1")
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

    /// How many requests met the effects of all rules.
    pub(crate) fn struck(&self) -> u32 {
        self.lock().iter().map(|active| active.struck).sum()
    }

    /// The effect on this request, which is that of the first rule that is due. Every rule whose path
    /// and tenant match counts the request.
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
