//! Gates: requests that match one wait until it opens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::faults::PathMatch;

/// Which requests wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateRule {
    /// The path, with the version.
    pub path: PathMatch,
    /// Only requests of this tenant.
    #[serde(default)]
    pub tenant: Option<String>,
    /// So many matching requests pass before the gate closes.
    #[serde(default)]
    pub after: u32,
}

impl GateRule {
    /// Holds every request that matches.
    #[must_use]
    pub fn new(path: PathMatch) -> Self {
        Self {
            path,
            tenant: None,
            after: 0,
        }
    }

    /// Lets so many pass first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Holds only requests of this tenant.
    #[must_use]
    pub fn for_tenant(mut self, directory_id: &str) -> Self {
        self.tenant = Some(directory_id.to_ascii_lowercase());
        self
    }
}

impl From<PathMatch> for GateRule {
    fn from(path: PathMatch) -> Self {
        Self::new(path)
    }
}

/// A gate that was set up. It stays closed until it is released, also when this is dropped.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rule: GateRule,
    /// Requests that met the gate so far, as far as they were to be let through.
    met: Mutex<u32>,
    waiting: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// How many requests stand at it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        *self.0.waiting.borrow()
    }

    /// Waits until at least so many requests stand at it.
    pub async fn wait_for(&self, requests: usize) {
        let mut waiting = self.0.waiting.subscribe();
        // The sender lives as long as the gate, so this cannot fail.
        waiting.wait_for(|count| *count >= requests).await.ok();
    }

    /// Waits until somebody stands at it.
    pub async fn someone_waiting(&self) {
        self.wait_for(1).await;
    }

    /// Waits until nobody stands at it: all passed or gave up.
    pub async fn nobody_waiting(&self) {
        let mut waiting = self.0.waiting.subscribe();
        waiting.wait_for(|count| *count == 0).await.ok();
    }

    /// Opens it for good.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    fn is_open(&self) -> bool {
        *self.0.open.borrow()
    }

    fn holds(&self, path: &str, tenant: Option<&str>) -> bool {
        let rule = &self.0.rule;
        let for_tenant = rule.tenant.as_deref().is_none_or(|one| Some(one) == tenant);
        if self.is_open() || !for_tenant || !rule.path.matches(path) {
            return false;
        }
        let mut met = self.0.met.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = *met >= rule.after;
        *met = met.saturating_add(1);
        holds
    }
}

/// A gate as the control endpoint shows it.
#[derive(Debug, Serialize)]
pub(crate) struct GateState {
    #[serde(flatten)]
    rule: GateRule,
    waiting: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Gates(Mutex<Vec<Gate>>);

impl Gates {
    fn lock(&self) -> MutexGuard<'_, Vec<Gate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hold(&self, mut rule: GateRule) -> Gate {
        rule.tenant = rule.tenant.map(|tenant| tenant.to_ascii_lowercase());
        let gate = Gate(Arc::new(Inner {
            rule,
            met: Mutex::default(),
            waiting: watch::Sender::new(0),
            open: watch::Sender::new(false),
        }));
        let mut gates = self.lock();
        gates.retain(|gate| !gate.is_open());
        gates.push(gate.clone());
        gate
    }

    /// Opens all gates.
    pub(crate) fn release(&self) {
        for gate in self.lock().drain(..) {
            gate.release();
        }
    }

    pub(crate) fn states(&self) -> Vec<GateState> {
        let gates = self.lock();
        let closed = gates.iter().filter(|gate| !gate.is_open());
        closed
            .map(|gate| GateState {
                rule: gate.0.rule.clone(),
                waiting: gate.waiting(),
            })
            .collect()
    }

    /// Stands at every gate that holds the request until it opens.
    pub(crate) async fn pass(&self, path: &str, tenant: Option<&str>) {
        let mut held: Vec<Gate> = self.lock().clone();
        held.retain(|gate| gate.holds(path, tenant));
        for gate in held {
            let mut open = gate.0.open.subscribe();
            let _standing = Standing::at(&gate);
            open.wait_for(|open| *open).await.ok();
        }
    }
}

/// Counts a request that stands at a gate, until it passes or its caller goes away.
struct Standing<'a>(&'a Gate);

impl<'a> Standing<'a> {
    fn at(gate: &'a Gate) -> Self {
        gate.0.waiting.send_modify(|count| *count += 1);
        Self(gate)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.0.waiting.send_modify(|count| *count -= 1);
    }
}
