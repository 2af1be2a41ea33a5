//! What all requests and the handles of one simulator share.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::answer_key::{self, AnswerChange, AnswerKey, AnswerLink};
use crate::answer_values::{self, AnswerValue};
use crate::directory::Directory;
use crate::faults::Faults;
use crate::gates::Gates;
use crate::graph::group_changes::{self, GroupChanges};
use crate::limits::Limits;
use crate::modes::{Modes, TenantMode};
use crate::mutation::{self, Changes, MutationScript};
use crate::options::{Latency, SimulatorOptions};
use crate::request_log::RequestLog;
use crate::sign_in::{Application, SignIn};
use crate::throttle::Throttles;
use crate::traffic::{Tallies, Traffic};

/// What requests and the handle share.
pub(crate) struct Shared {
    pub(crate) seed: u64,
    size: usize,
    groups: usize,
    settings: Option<usize>,
    pub(crate) max_page_size: Option<usize>,
    pub(crate) sign_in: SignIn,
    pub(crate) log: RequestLog,
    pub(crate) gates: Gates,
    pub(crate) faults: Faults,
    pub(crate) throttles: Throttles,
    pub(crate) limits: Limits,
    pub(crate) tallies: Tallies,
    pub(crate) modes: Modes,
    pub(crate) group_changes: GroupChanges,
    /// Connections that were ever opened.
    pub(crate) connections: AtomicU64,
    latency: Mutex<Latency>,
    directories: Mutex<HashMap<String, Tenant>>,
}

/// What a tenant holds now, and what it held at the mark.
struct Tenant {
    now: Directory,
    mark: Directory,
}

impl Shared {
    /// # Errors
    /// When a certificate or a key is none.
    pub(crate) fn new(options: SimulatorOptions) -> io::Result<Self> {
        let tenants = options.tenants.iter();
        let throttles = Throttles::default();
        throttles.set(options.throttles);
        let limits = Limits::default();
        limits.set(options.limits);
        let mut client_ids = vec![options.client_id];
        client_ids.extend(options.other_client_ids);
        let sign_in = SignIn::new(
            Application {
                client_ids,
                client_secret: options.client_secret,
            },
            tenants.map(|tenant| tenant.to_ascii_lowercase()).collect(),
            options.any_tenant,
            options.token_lifetime,
        );
        let invalid = |problem| io::Error::new(io::ErrorKind::InvalidInput, problem);
        for pem in &options.certificates {
            sign_in.add_certificate(pem).map_err(invalid)?;
        }
        for credential in options.federated {
            sign_in.trust(credential).map_err(invalid)?;
        }
        Ok(Self {
            seed: options.seed,
            size: options.size,
            groups: options.groups,
            settings: options.settings_per_policy,
            max_page_size: options.max_page_size,
            sign_in,
            log: RequestLog::new(),
            gates: Gates::default(),
            faults: Faults::default(),
            throttles,
            limits,
            tallies: Tallies::default(),
            modes: Modes::default(),
            group_changes: GroupChanges::default(),
            connections: AtomicU64::new(0),
            latency: Mutex::new(options.latency),
            directories: Mutex::default(),
        })
    }

    pub(crate) fn traffic(&self, tenant: &str) -> Traffic {
        Traffic {
            peak_concurrency: self.log.max_concurrent(tenant),
            ..self.tallies.of(tenant)
        }
    }

    pub(crate) fn set_latency(&self, latency: Latency) {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    pub(crate) fn latency(&self) -> Latency {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn directories(&self) -> MutexGuard<'_, HashMap<String, Tenant>> {
        self.directories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What a tenant holds now.
    pub(crate) fn directory(&self, tenant: &str) -> Directory {
        self.with_ids(tenant, self.change(tenant, |tenant| tenant.now.clone()))
    }

    /// The directory with the ids that the tenant's modes give it.
    fn with_ids(&self, tenant: &str, mut directory: Directory) -> Directory {
        let tenant = tenant.to_ascii_lowercase();
        directory.odd_ids = self.modes.has(&tenant, &TenantMode::OddIds);
        directory.lists_scripts = self.modes.has(&tenant, &TenantMode::ScriptsInLists);
        directory
    }

    fn change<T>(&self, tenant: &str, change: impl FnOnce(&mut Tenant) -> T) -> T {
        let tenant = tenant.to_ascii_lowercase();
        let mut directories = self.directories();
        let tenant = directories.entry(tenant).or_insert_with_key(|tenant| {
            let mut now = Directory::generate(self.seed, tenant, self.size);
            now.add_groups(self.groups);
            now.settings = self.settings;
            let mark = now.clone();
            Tenant { now, mark }
        });
        change(tenant)
    }

    pub(crate) fn answer_key(&self, tenant: &str) -> AnswerKey {
        answer_key::answer_key(&self.directory(tenant))
    }

    pub(crate) fn answer_links(&self, tenant: &str) -> Vec<AnswerLink> {
        answer_key::links(&self.directory(tenant))
    }

    pub(crate) fn answer_values(&self, tenant: &str) -> Vec<AnswerValue> {
        answer_values::values(&self.directory(tenant))
    }

    pub(crate) fn groups(&self, tenant: &str) -> Vec<Value> {
        group_changes::rows(&self.directory(tenant))
    }

    pub(crate) fn mark(&self, tenant: &str) {
        self.change(tenant, |tenant| tenant.mark = tenant.now.clone());
    }

    pub(crate) fn changes_since_mark(&self, tenant: &str) -> Vec<AnswerChange> {
        let (mark, now) = self.change(tenant, |tenant| (tenant.mark.clone(), tenant.now.clone()));
        answer_key::changes(&self.with_ids(tenant, mark), &self.with_ids(tenant, now))
    }

    pub(crate) fn mutate(
        &self,
        tenant: &str,
        script: &MutationScript,
    ) -> BTreeMap<String, Changes> {
        let now = self.directory(tenant);
        self.change(tenant, |tenant| {
            tenant.now.odd_ids = now.odd_ids;
            mutation::mutate(&mut tenant.now, script)
        })
    }
}
