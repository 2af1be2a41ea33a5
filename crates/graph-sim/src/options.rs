//! What a simulator is like.

use std::time::Duration;

use crate::content::Rng;
use crate::limits::PublishedLimits;
use crate::sign_in::FederatedCredential;
use crate::throttle::Throttle;

/// How long answers take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// Every answer.
    pub base: Duration,
    /// On top of it for each row that the answer holds.
    pub per_row: Duration,
    /// One answer in a hundred takes this much longer, or more; half of them a seventh of it or
    /// less.
    pub jitter: Duration,
    /// So many percent more for answers in which something is expanded.
    pub expand_percent: u32,
}

impl Latency {
    /// How long this answer takes. `bits` decide about the jitter.
    pub(crate) fn of(self, rows: usize, expands: bool, bits: u128) -> Duration {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let even = self.base.saturating_add(self.per_row.saturating_mul(rows));
        let even = if expands {
            even.saturating_mul(100 + self.expand_percent) / 100
        } else {
            even
        };
        if self.jitter.is_zero() {
            return even;
        }
        // Exponential: the hundredth part is over 4.6 times the mean.
        let bits = u64::try_from(bits >> 64).unwrap_or(0);
        let share = 1.0 - Rng::from_parts(&[bits]).share();
        even.saturating_add(self.jitter.mul_f64(-share.ln() / 100_f64.ln()))
    }
}

/// What a simulator is like.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// Decides, with the directory id and the size, what a tenant holds.
    pub seed: u64,
    /// How many objects a tenant holds over all collections. There is at least one for every
    /// policy type, so that a smaller number gives exactly one of each.
    pub size: usize,
    /// How many groups a directory has at least, beside what `size` gives it.
    pub groups: usize,
    /// How many policies of the settings catalog a tenant has at least, beside what `size` gives it
    /// and with those of endpoint security.
    pub catalog_policies: usize,
    /// How many settings each policy of the settings catalog and each compliance policy made from it
    /// has, up to 6,000; absent for 1 to 60.
    pub settings_per_policy: Option<usize>,
    /// Directory ids that exist.
    pub tenants: Vec<String>,
    /// Every GUID is the id of a directory that exists.
    pub any_tenant: bool,
    /// The application that may sign in to every tenant.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// How long tokens are good for; reported in whole seconds.
    pub token_lifetime: Duration,
    /// How long answers take.
    pub latency: Latency,
    /// Pages are no larger than this, whatever a collection allows and a caller asks for.
    pub max_page_size: Option<usize>,
    /// Limits on how often tenants may be asked, beside the published ones.
    pub throttles: Vec<Throttle>,
    /// What is done about the published limits.
    pub limits: PublishedLimits,
    /// Other applications that may sign in with the same proofs.
    pub other_client_ids: Vec<String>,
    /// Certificates, in PEM, that the application may prove itself with.
    pub certificates: Vec<String>,
    /// Issuers whose tokens the application may prove itself with.
    pub federated: Vec<FederatedCredential>,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            size: 300,
            groups: 0,
            catalog_policies: 0,
            settings_per_policy: None,
            tenants: Vec::new(),
            any_tenant: true,
            client_id: "00000000-0000-4000-8000-00000000c11e".to_owned(),
            client_secret: "simulator-secret".to_owned(),
            token_lifetime: Duration::from_secs(3_599),
            latency: Latency::default(),
            max_page_size: None,
            throttles: Vec::new(),
            limits: PublishedLimits::default(),
            other_client_ids: Vec::new(),
            certificates: Vec::new(),
            federated: Vec::new(),
        }
    }
}

/// Leaves the secret out.
impl std::fmt::Debug for SimulatorOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatorOptions")
            .field("seed", &self.seed)
            .field("size", &self.size)
            .field("groups", &self.groups)
            .field("catalog_policies", &self.catalog_policies)
            .field("settings_per_policy", &self.settings_per_policy)
            .field("tenants", &self.tenants)
            .field("any_tenant", &self.any_tenant)
            .field("client_id", &self.client_id)
            .field("token_lifetime", &self.token_lifetime)
            .field("latency", &self.latency)
            .field("max_page_size", &self.max_page_size)
            .field("throttles", &self.throttles)
            .field("limits", &self.limits)
            .field("other_client_ids", &self.other_client_ids)
            .field("federated", &self.federated)
            .finish_non_exhaustive()
    }
}
