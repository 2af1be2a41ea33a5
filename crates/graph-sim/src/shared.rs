//! What all requests and the handles of one simulator share.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use chrono::TimeDelta;
use serde_json::Value;

use crate::answer_key::{self, AnswerChange, AnswerKey, AnswerLink};
use crate::answer_values::{self, AnswerValue};
use crate::audit::{self, AuditBehaviour, AuditLog, Recording};
use crate::content::places;
use crate::directory::Directory;
use crate::faults::Faults;
use crate::gates::Gates;
use crate::graph::group_changes::{self, GroupChanges};
use crate::history::{AnswerVersion, History};
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
    catalog_policies: usize,
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
    audit: Mutex<AuditBehaviour>,
    directories: Mutex<HashMap<String, Tenant>>,
}

/// What a tenant holds now, what it held before, and the round of changes at the mark.
struct Tenant {
    now: Directory,
    history: History,
    mark: usize,
}

impl Tenant {
    fn at(&self, round: usize) -> Directory {
        if round >= self.history.rounds() {
            self.now.clone()
        } else {
            self.history.at(round)
        }
    }
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
            catalog_policies: options.catalog_policies,
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
            audit: Mutex::default(),
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
        directory.cuts_settings = self.modes.has(&tenant, &TenantMode::SettingsCutInLists);
        directory.lists_scripts = self.modes.has(&tenant, &TenantMode::ScriptsInLists);
        directory
    }

    fn change<T>(&self, tenant: &str, change: impl FnOnce(&mut Tenant) -> T) -> T {
        let tenant = tenant.to_ascii_lowercase();
        let mut directories = self.directories();
        let tenant = directories.entry(tenant).or_insert_with_key(|tenant| {
            let mut now = Directory::generate(self.seed, tenant, self.size);
            now.fill_up(places::GROUPS, self.groups);
            now.fill_up(places::CONFIGURATION_POLICIES, self.catalog_policies);
            now.settings = self.settings;
            let history = History::new(now.clone());
            Tenant {
                now,
                history,
                mark: 0,
            }
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
        self.change(tenant, |tenant| tenant.mark = tenant.history.rounds());
    }

    pub(crate) fn rounds(&self, tenant: &str) -> usize {
        self.change(tenant, |tenant| tenant.history.rounds())
    }

    /// What a tenant held after a round.
    pub(crate) fn directory_at(&self, tenant: &str, round: usize) -> Directory {
        self.with_ids(tenant, self.change(tenant, |tenant| tenant.at(round)))
    }

    pub(crate) fn changes_since_mark(&self, tenant: &str) -> Vec<AnswerChange> {
        let of = |tenant: &mut Tenant| (tenant.mark, tenant.history.rounds());
        let (mark, now) = self.change(tenant, of);
        self.changes_between(tenant, mark, now)
    }

    pub(crate) fn changes_between(
        &self,
        tenant: &str,
        from: usize,
        to: usize,
    ) -> Vec<AnswerChange> {
        let (old, new) = (
            self.directory_at(tenant, from),
            self.directory_at(tenant, to),
        );
        let mut changes = answer_key::changes(&old, &new);
        self.change(tenant, |tenant| {
            tenant.history.name_actors(&mut changes, from, to);
        });
        changes.into_iter().map(|(.., change)| change).collect()
    }

    pub(crate) fn versions(&self, tenant: &str) -> Vec<AnswerVersion> {
        let name = tenant;
        self.change(tenant, |tenant| {
            let view = |directory| self.with_ids(name, directory);
            tenant.history.versions(view)
        })
    }

    pub(crate) fn mutate(
        &self,
        tenant: &str,
        script: &MutationScript,
    ) -> BTreeMap<String, Changes> {
        let now = self.directory(tenant);
        let behaviour = self.audit();
        self.change(tenant, |tenant| {
            tenant.now.odd_ids = now.odd_ids;
            let began = SystemTime::now();
            let report = mutation::mutate(&mut tenant.now, script);
            let took = TimeDelta::from_std(began.elapsed().unwrap_or_default());
            let began = script.at.unwrap_or_else(|| began.into());
            let places: Vec<_> = report.done.iter().map(|(place, _)| *place).collect();
            tenant.history.record(&tenant.now, &places);
            let recording = Recording {
                directory: &tenant.now,
                behaviour,
                round: tenant.history.rounds(),
                actor: script.actor.as_ref(),
                began,
                ended: began + took.unwrap_or_default(),
            };
            let done = report.done.into_iter();
            let done: Vec<_> = done
                .filter_map(|(place, operation)| Some((place, operation?)))
                .collect();
            let events = recording.events(&done);
            tenant.history.events.extend(events);
            report.changes
        })
    }

    pub(crate) fn set_audit(&self, behaviour: AuditBehaviour) {
        *self.audit.lock().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    pub(crate) fn audit(&self) -> AuditBehaviour {
        *self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of an audit log that a tenant shows now.
    pub(crate) fn audit_rows(&self, tenant: &str, log: AuditLog) -> Vec<Value> {
        let behaviour = self.audit();
        self.change(tenant, |tenant| {
            audit::rows(&tenant.history.events, log, behaviour, SystemTime::now())
        })
    }

    pub(crate) fn show_audit_events(&self, tenant: &str) {
        let now = SystemTime::now();
        self.change(tenant, |tenant| {
            for event in &mut tenant.history.events {
                event.show(now);
            }
        });
    }
}
