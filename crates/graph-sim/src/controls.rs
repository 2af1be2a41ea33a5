//! What a simulator can be asked and made to do, whether by the program that holds it or over HTTP:
//! `control.rs` gives each method its path.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use crate::answer_key::{self, AnswerChange, AnswerKey, AnswerLink};
use crate::answer_values::{self, AnswerValue};
use crate::audit::AuditBehaviour;
use crate::faults::FaultRule;
use crate::gates::{Gate, GateRule};
use crate::history::{self, AnswerObject, AnswerVersion};
use crate::limits::PublishedLimits;
use crate::modes::TenantMode;
use crate::mutation::{Changes, MutationScript};
use crate::options::Latency;
use crate::request_log::LogEntry;
use crate::shared::Shared;
use crate::sign_in::FederatedCredential;
use crate::throttle::Throttle;
use crate::traffic::Traffic;

/// The controls of a simulator.
#[derive(Clone)]
pub struct Controls(pub(crate) Arc<Shared>);

impl Controls {
    /// What a correct client must have stored for a tenant after reading everything.
    #[must_use]
    pub fn answer_key(&self, directory_id: &str) -> AnswerKey {
        self.0.answer_key(directory_id)
    }

    /// Every link that a correct client must have stored for a tenant after reading everything,
    /// also what has to be expanded or read by itself.
    #[must_use]
    pub fn answer_links(&self, directory_id: &str) -> Vec<AnswerLink> {
        self.0.answer_links(directory_id)
    }

    /// Every value that a correct client must have stored of what objects say beside their rows:
    /// settings, administrative templates, intents, messages, items of policy sets, and scripts.
    #[must_use]
    pub fn answer_values(&self, directory_id: &str) -> Vec<AnswerValue> {
        self.0.answer_values(directory_id)
    }

    /// The groups that a correct client must know after reading them, as rows of the list.
    #[must_use]
    pub fn groups(&self, directory_id: &str) -> Vec<Value> {
        self.0.groups(directory_id)
    }

    /// Makes every link expire that was given for later changes of the tenant's groups.
    pub fn expire_group_links(&self, directory_id: &str) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.group_changes.expire(&tenant);
    }

    /// How many times the tenant was changed. What it held after each is known.
    #[must_use]
    pub fn rounds(&self, directory_id: &str) -> usize {
        self.0.rounds(directory_id)
    }

    /// What a correct client must have stored after so many rounds of changes.
    #[must_use]
    pub fn answer_key_at(&self, directory_id: &str, round: usize) -> AnswerKey {
        answer_key::answer_key(&self.0.directory_at(directory_id, round))
    }

    /// The values that it must have stored after so many rounds.
    #[must_use]
    pub fn answer_values_at(&self, directory_id: &str, round: usize) -> Vec<AnswerValue> {
        answer_values::values(&self.0.directory_at(directory_id, round))
    }

    /// An object as it was after so many rounds, unless it was not there.
    #[must_use]
    pub fn answer_object_at(
        &self,
        directory_id: &str,
        policy_type: &str,
        id: &str,
        round: usize,
    ) -> Option<AnswerObject> {
        let directory = self.0.directory_at(directory_id, round);
        history::object(&directory, policy_type, id)
    }

    /// The versions of all objects that a client must know that read everything after each round.
    #[must_use]
    pub fn answer_versions(&self, directory_id: &str) -> Vec<AnswerVersion> {
        self.0.versions(directory_id)
    }

    /// What a correct client must have found out that read everything after `from` and after `to`
    /// rounds.
    #[must_use]
    pub fn changes_between(&self, directory_id: &str, from: usize, to: usize) -> Vec<AnswerChange> {
        self.0.changes_between(directory_id, from, to)
    }

    /// Changes how audit events are shown.
    ///
    /// # Panics
    /// When it makes no sense, such as a percentage over 100.
    pub fn set_audit(&self, behaviour: AuditBehaviour) {
        let problem = behaviour.problem();
        assert!(problem.is_none(), "{problem:?}: {behaviour:?}");
        self.0.set_audit(behaviour);
    }

    /// Shows the tenant's audit events that are late or held, but not those that are absent.
    pub fn show_audit_events(&self, directory_id: &str) {
        self.0.show_audit_events(directory_id);
    }

    /// Marks the tenant's state: later changes are reported from here. Without a mark they are reported
    /// from the beginning.
    pub fn mark(&self, directory_id: &str) {
        self.0.mark(directory_id);
    }

    /// What a correct client must have found out that read everything at the mark and now.
    #[must_use]
    pub fn changes_since_mark(&self, directory_id: &str) -> Vec<AnswerChange> {
        self.0.changes_since_mark(directory_id)
    }

    /// Changes a tenant, and says per policy type what changed.
    pub fn mutate(&self, directory_id: &str, script: &MutationScript) -> BTreeMap<String, Changes> {
        self.0.mutate(directory_id, script)
    }

    /// Makes something go wrong. Rules stay until they are cleared, also when they are used up.
    ///
    /// # Panics
    /// When the rule makes no sense, such as a server error with status 200.
    pub fn fault(&self, rule: FaultRule) {
        let problem = rule.problem();
        assert!(problem.is_none(), "{problem:?}: {rule:?}");
        self.0.faults.add(rule);
    }

    /// Makes nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// How many requests met a fault since the last clearing.
    #[must_use]
    pub fn faults_struck(&self) -> u32 {
        self.0.faults.struck()
    }

    /// Makes requests wait until the gate is released.
    pub fn hold(&self, rule: impl Into<GateRule>) -> Gate {
        self.0.gates.hold(rule.into())
    }

    /// Opens all gates.
    pub fn release_all(&self) {
        self.0.gates.release();
    }

    /// Replaces the limits on how often tenants may be asked.
    pub fn set_throttles(&self, throttles: Vec<Throttle>) {
        self.0.throttles.set(throttles);
    }

    /// Changes what is done about the published limits, and begins to count them anew.
    ///
    /// # Panics
    /// When a scale is not positive.
    pub fn set_limits(&self, limits: PublishedLimits) {
        let problem = limits.problem();
        assert!(problem.is_none(), "{problem:?}: {limits:?}");
        self.0.limits.set(limits);
    }

    /// What the tenant's clients asked since the last clearing, of which service, and whether they
    /// waited when they were asked to.
    #[must_use]
    pub fn traffic(&self, directory_id: &str) -> Traffic {
        self.0.traffic(&directory_id.to_ascii_lowercase())
    }

    /// Begins to count traffic anew.
    pub fn clear_traffic(&self) {
        self.0.tallies.clear();
    }

    /// How many connections were ever opened.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// Replaces what the tenant lacks.
    pub fn set_modes(&self, directory_id: &str, modes: impl IntoIterator<Item = TenantMode>) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.modes.set(&tenant, modes.into_iter().collect());
    }

    /// Makes the tenant's tokens good no longer, until one is asked for with the claims that the
    /// answers carry (continuous access evaluation).
    pub fn challenge_tokens(&self, directory_id: &str) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.sign_in.challenge(&tenant);
    }

    /// Lets the application prove itself with a certificate, in PEM, too.
    ///
    /// # Panics
    /// When it is none with an RSA key.
    pub fn add_certificate(&self, pem: &str) {
        let added = self.0.sign_in.add_certificate(pem);
        assert_eq!(added, Ok(()));
    }

    /// Lets the application prove itself with tokens of an issuer too.
    ///
    /// # Panics
    /// When the issuer's key is none of RSA in PEM.
    pub fn trust(&self, credential: FederatedCredential) {
        assert_eq!(self.0.sign_in.trust(credential), Ok(()));
    }

    /// Signs tokens for users with the other published key, and replaces the one that signed.
    pub fn rotate_keys(&self) {
        self.0.sign_in.rotate_keys();
    }

    /// Changes how long answers take.
    pub fn set_latency(&self, latency: Latency) {
        self.0.set_latency(latency);
    }

    /// Changes how long new tokens are good for.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.0.sign_in.set_lifetime(lifetime);
    }

    /// Makes the tenant's tokens worthless.
    pub fn revoke_tokens(&self, directory_id: &str) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.sign_in.revoke(&tenant);
    }

    /// How many tokens were issued for the tenant.
    #[must_use]
    pub fn issued_tokens(&self, directory_id: &str) -> u64 {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.sign_in.issued(&tenant)
    }

    /// The last 200,000 requests to Graph and to token endpoints, in the order in which they ended.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.0.log.entries()
    }

    /// Empties the log and forgets the maxima.
    pub fn clear_log(&self) {
        self.0.log.clear();
    }

    /// The most requests of the tenant, to Graph and for tokens, that were underway at one time.
    #[must_use]
    pub fn max_concurrent(&self, directory_id: &str) -> usize {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.log.max_concurrent(&tenant)
    }
}
