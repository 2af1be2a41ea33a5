//! Microsoft Graph's published limits: kept, or only counted.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::service::{DirectorySize, Limit, Service, service_of};

/// How refusals say when to come back, where they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitForm {
    /// Whole seconds, rounded up.
    Seconds,
    /// Seconds with three decimals.
    #[default]
    Decimal,
    /// A date.
    HttpDate,
    /// Not at all.
    Absent,
    /// As `RetryAfter`, in whole seconds, in the JSON that the error's message is.
    InMessage,
}

/// What is done about the published limits. They are always counted, and kept only when that is
/// asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublishedLimits {
    /// Requests over a limit are refused. They count all the same, as with the real service.
    pub enforce: bool,
    /// Windows and waits are so many times shorter.
    pub time_scale: f64,
    /// Limits are so many times smaller, but never under one.
    pub limit_scale: f64,
    /// How refusals say when to come back.
    pub wait: WaitForm,
    /// The size of tenants' directories.
    pub directory_size: DirectorySize,
}

impl Default for PublishedLimits {
    fn default() -> Self {
        Self {
            enforce: false,
            time_scale: 1.0,
            limit_scale: 1.0,
            wait: WaitForm::default(),
            directory_size: DirectorySize::default(),
        }
    }
}

impl PublishedLimits {
    /// Why they make no sense, if they do not.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let sound = |scale: f64| scale.is_finite() && scale > 0.0;
        (!sound(self.time_scale) || !sound(self.limit_scale))
            .then_some("a scale is a positive number")
    }

    fn limit(&self, service: Service) -> Limit {
        let limit = service.limit(self.directory_size);
        let smaller = |most: f64| (most / self.limit_scale).max(1.0);
        Limit {
            window_ms: limit.window_ms / self.time_scale,
            per_application: limit.per_application.map(smaller),
            per_tenant: limit.per_tenant.map(smaller),
            ..limit
        }
    }
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) application: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// `x-ms-throttle-priority: low` was sent: identity services refuse such requests first.
    pub(crate) low_priority: bool,
}

/// What a request is to the limits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Charge {
    pub(crate) service: Service,
    /// Resource units, where the service counts in them.
    pub(crate) units: Option<f64>,
    /// How much of the limit is used, with this request; 1 is all of it.
    pub(crate) share: f64,
    /// What one application may use up in the window.
    pub(crate) allowance: Option<f64>,
    pub(crate) window: Duration,
    /// It is over the published limit.
    pub(crate) over: bool,
    /// It is to be refused.
    pub(crate) refused: Option<Refusal>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// When to come back; absent when the service does not say.
    pub(crate) wait: Option<Duration>,
    pub(crate) form: WaitForm,
    /// `x-ms-throttle-scope`.
    pub(crate) scope: String,
}

/// Requests in a sliding window.
#[derive(Debug, Default)]
struct Window {
    arrivals: VecDeque<(Instant, f64)>,
    used: f64,
}

impl Window {
    fn add(&mut self, now: Instant, cost: f64, window: Duration) {
        while let Some((arrival, old)) = self.arrivals.front().copied() {
            if now.duration_since(arrival) < window {
                break;
            }
            self.used -= old;
            self.arrivals.pop_front();
        }
        self.arrivals.push_back((now, cost));
        self.used += cost;
    }

    /// How long until so much less is in the window that a request of this cost is let in.
    fn wait(&self, now: Instant, cost: f64, most: f64, window: Duration) -> Duration {
        let mut left = self.used + cost;
        for (arrival, old) in &self.arrivals {
            left -= old;
            if left <= most {
                return window.saturating_sub(now.duration_since(*arrival));
            }
        }
        window
    }
}

#[derive(Debug, Default)]
struct Inner {
    published: PublishedLimits,
    /// By service, tenant and application; without application, of the whole tenant.
    windows: HashMap<(Service, String, Option<String>), Window>,
}

#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<Inner>);

impl Limits {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, published: PublishedLimits) {
        let mut inner = self.lock();
        inner.published = published;
        inner.windows.clear();
    }

    pub(crate) fn get(&self) -> PublishedLimits {
        self.lock().published.clone()
    }

    /// Counts a request.
    pub(crate) fn charge(&self, asking: Asking<'_>, now: Instant) -> Charge {
        let mut inner = self.lock();
        let service = service_of(asking.path);
        let limit = inner.published.limit(service);
        let cost = if limit.in_units {
            crate::service::cost(asking.path, asking.query)
        } else {
            1.0
        };
        let window = Duration::from_secs_f64(limit.window_ms / 1_000.0);
        let mut charge = Charge {
            service,
            units: limit.in_units.then_some(cost),
            share: 0.0,
            allowance: limit.per_application,
            window,
            over: false,
            refused: None,
        };
        let scopes = [
            (Some(asking.application), limit.per_application),
            (None, limit.per_tenant),
        ];
        for (application, most) in scopes {
            let Some(most) = most else { continue };
            let key = (
                service,
                asking.tenant.to_owned(),
                application.map(str::to_owned),
            );
            let seen = inner.windows.entry(key).or_default();
            seen.add(now, cost, window);
            let share = seen.used / most;
            let wait = seen.wait(now, cost, most, window);
            charge.share = charge.share.max(share);
            charge.over |= share > 1.0;
            // Who says that a request can wait, waits first.
            let allowed = if limit.in_units && asking.low_priority {
                0.9
            } else {
                1.0
            };
            if inner.published.enforce && share > allowed {
                let form = inner.published.wait;
                let scope = application.map_or("Tenant", |_| "Tenant_Application");
                charge.refused = Some(Refusal {
                    wait: (limit.reports_wait && form != WaitForm::Absent).then_some(wait),
                    form,
                    scope: format!(
                        "{scope}/Read/{}/{}",
                        application.unwrap_or(asking.application),
                        asking.tenant
                    ),
                });
            }
        }
        charge
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    const APPS: &str = "/beta/deviceAppManagement/mobileApps";
    const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";

    fn asking<'a>(application: &'a str, path: &'a str) -> Asking<'a> {
        Asking {
            tenant: "t",
            application,
            path,
            query: "",
            low_priority: false,
        }
    }

    fn enforced() -> Limits {
        let limits = Limits::default();
        limits.set(PublishedLimits {
            enforce: true,
            ..PublishedLimits::default()
        });
        limits
    }

    fn refused(limits: &Limits, asking: Asking<'_>, now: Instant, times: usize) -> usize {
        (0..times)
            .filter(|_| limits.charge(asking, now).refused.is_some())
            .count()
    }

    #[test]
    fn an_application_has_a_thousand_requests_in_twenty_seconds_and_a_tenant_two_thousand() {
        let limits = enforced();
        let now = Instant::now();
        assert_eq!(refused(&limits, asking("a", APPS), now, 1_003), 3);
        let other = "/beta/deviceManagement/configurationPolicies";
        assert_eq!(refused(&limits, asking("a", other), now, 1_000), 0);
        assert_eq!(refused(&limits, asking("b", APPS), now, 1_000), 3);
        let elsewhere = Asking {
            tenant: "u",
            ..asking("a", APPS)
        };
        assert_eq!(refused(&limits, elsewhere, now, 1_000), 0);
        let later = now + Duration::from_secs(20);
        assert_eq!(refused(&limits, asking("a", APPS), later, 1_000), 0);
    }

    #[test]
    fn who_waits_as_asked_is_let_in_and_who_comes_early_waits_longer() {
        let limits = enforced();
        let now = Instant::now();
        for second in 0..1_000 {
            let at = now + Duration::from_millis(second);
            assert_eq!(refused(&limits, asking("a", APPS), at, 1), 0);
        }
        let at = now + Duration::from_secs(10);
        let wait = limits
            .charge(asking("a", APPS), at)
            .refused
            .unwrap()
            .wait
            .unwrap();
        assert_eq!(wait, Duration::from_millis(10_001), "two have to leave");
        let early = at + wait - Duration::from_millis(5);
        assert_eq!(refused(&limits, asking("a", APPS), early, 1), 1);
        assert_eq!(
            refused(&limits, asking("a", APPS), at + wait, 1),
            1,
            "it counted"
        );
        let later = at + Duration::from_secs(30);
        assert_eq!(refused(&limits, asking("a", APPS), later, 1), 0);
    }

    #[test]
    fn conditional_access_takes_one_a_second_of_all_and_does_not_say_when_to_come_back() {
        let limits = enforced();
        let now = Instant::now();
        assert_eq!(refused(&limits, asking("a", POLICIES), now, 1), 0);
        let refusal = limits.charge(asking("b", POLICIES), now).refused.unwrap();
        assert_eq!(refusal.wait, None);
        assert!(refusal.scope.starts_with("Tenant/"));
        let soon = now + Duration::from_millis(999);
        assert_eq!(refused(&limits, asking("b", POLICIES), soon, 1), 1);
        let later = now + Duration::from_secs(1);
        assert_eq!(
            refused(&limits, asking("b", POLICIES), later, 1),
            1,
            "it counted"
        );
    }

    #[test]
    fn scales_make_windows_shorter_and_limits_smaller() {
        let limits = Limits::default();
        limits.set(PublishedLimits {
            enforce: true,
            time_scale: 200.0,
            limit_scale: 100.0,
            ..PublishedLimits::default()
        });
        let now = Instant::now();
        assert_eq!(refused(&limits, asking("a", APPS), now, 12), 2);
        let later = now + Duration::from_millis(100);
        assert_eq!(refused(&limits, asking("a", APPS), later, 10), 0);
    }

    #[test]
    fn limits_that_are_not_kept_are_counted() {
        let limits = Limits::default();
        let now = Instant::now();
        limits.charge(asking("a", POLICIES), now);
        let second = limits.charge(asking("a", POLICIES), now);
        assert!(second.over && second.refused.is_none());
        let low = Asking {
            low_priority: true,
            ..asking("a", "/v1.0/groups")
        };
        assert_eq!(limits.charge(low, now).units, Some(1.0));
    }
}
