//! Starts that arrive together share one statement, and each of them gets its own answer. What makes
//! the statement fail because of one of them is found by admitting each by itself.

use std::sync::Arc;

use atlas_domain::access::Role;
use atlas_domain::audit::AuditAction;
use atlas_domain::causes::Causes;
use serde_json::Value;
use uuid::Uuid;

use super::asked::{Admitted, Answer, AskedStart, CreatedRow, SharedStarts};
use super::row::RunRow;
use crate::access::role_names;
use crate::coalescer::Coalescer;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{PlaceRow, statement};

/// Starts that one statement admits at most.
const MOST: usize = 64;
/// Statements under way at most: while one of them is committed, another one works.
const AT_ONCE: usize = 2;
/// How long such a statement waits for whoever holds a row, before its starts are admitted one by one.
/// All of them wait for the one row.
const PATIENCE: &str = "200ms";

/// The starts that a statement admits, column by column.
#[derive(Debug, Default)]
struct Columns<'a> {
    tenants: Vec<Uuid>,
    initiators: Vec<Uuid>,
    kinds: Vec<&'static str>,
    identities: Vec<&'a str>,
    runs: Vec<Uuid>,
    lock_scopes: Vec<&'static str>,
    inputs: Vec<&'a Value>,
    verifies: Vec<Option<&'static str>>,
    retries: Vec<Option<Uuid>>,
    priorities: Vec<i16>,
    notifications: Vec<Uuid>,
    titles: Vec<&'a str>,
    bodies: Vec<&'a str>,
    audits: Vec<Uuid>,
    requests: Vec<Uuid>,
    request_names: Vec<Option<&'a str>>,
    addresses: Vec<Option<&'a str>>,
    user_agents: Vec<Option<&'a str>>,
}

statement! {
    struct AdmitAll<'a> {
        roles: &'a [&'static str],
        tenants: &'a [Uuid],
        initiators: &'a [Uuid],
        kinds: &'a [&'static str],
        identities: &'a [&'a str],
        runs: &'a [Uuid],
        lock_scopes: &'a [&'static str],
        inputs: &'a [&'a Value],
        verifies: &'a [Option<&'static str>],
        retries: &'a [Option<Uuid>],
        priorities: &'a [i16],
        notifications: &'a [Uuid],
        titles: &'a [&'a str],
        bodies: &'a [&'a str],
        audits: &'a [Uuid],
        requests: &'a [Uuid],
        request_names: &'a [Option<&'a str>],
        addresses: &'a [Option<&'a str>],
        user_agents: &'a [Option<&'a str>],
    }
    file: "runs/admit_all",
    row: (RunRow, (PlaceRow, CreatedRow)),
    pieces: ["runs/pieces/columns"],
    constants: [
        patience = PATIENCE,
        started = AuditAction::RunStarted.as_str(),
        joined = AuditAction::RunJoined.as_str(),
    ],
}

impl<'a> Columns<'a> {
    fn add(&mut self, store: &Store, start: &'a AskedStart) {
        self.tenants.push(start.tenant);
        self.initiators.push(start.initiator);
        self.kinds.push(start.kind.as_str());
        self.identities.push(start.identity.as_str());
        self.runs.push(start.run);
        self.lock_scopes.push(start.kind.lock_scope());
        self.inputs.push(&start.inputs);
        self.verifies.push(start.verify);
        self.retries.push(start.retry_of);
        self.priorities.push(start.priority);
        self.notifications.push(store.mint());
        self.titles.push(&start.message.title);
        self.bodies.push(&start.message.body);
        self.audits.push(store.mint());
        self.requests.push(start.request);
        self.request_names.push(start.request_name.as_deref());
        self.addresses.push(start.address.as_deref());
        self.user_agents.push(start.user_agent.as_deref());
    }

    fn statement(&'a self, roles: &'a [&'static str]) -> AdmitAll<'a> {
        AdmitAll {
            roles,
            tenants: &self.tenants,
            initiators: &self.initiators,
            kinds: &self.kinds,
            identities: &self.identities,
            runs: &self.runs,
            lock_scopes: &self.lock_scopes,
            inputs: &self.inputs,
            verifies: &self.verifies,
            retries: &self.retries,
            priorities: &self.priorities,
            notifications: &self.notifications,
            titles: &self.titles,
            bodies: &self.bodies,
            audits: &self.audits,
            requests: &self.requests,
            request_names: &self.request_names,
            addresses: &self.addresses,
            user_agents: &self.user_agents,
        }
    }
}

impl Store {
    /// Records or joins a run, with the starts that arrive at the same moment.
    pub(super) async fn admit_together(&self, start: AskedStart) -> Result<Admitted, StoreError> {
        match self.shared_starts().ask(start).await {
            Some(Answer::Admitted(admitted)) => admitted,
            Some(Answer::Alone(start)) => self.admit_alone(&start).await,
            None => Err(StoreError::Unavailable("the starts ended early".into())),
        }
    }

    fn shared_starts(&self) -> &SharedStarts {
        self.starts.get_or_init(|| {
            // The store that answers is another one: it would otherwise hold itself.
            let mut store = self.clone();
            store.starts = Arc::default();
            let [connections, _] = store.pools().map(|pool| pool.most);
            Coalescer::new(MOST, AT_ONCE.min(connections), move |starts| {
                let store = store.clone();
                async move { store.admit_all(starts).await }
            })
        })
    }

    /// As many answers as there are starts, in their order.
    async fn admit_all(&self, starts: Vec<AskedStart>) -> Vec<Answer> {
        if let [start] = &starts[..] {
            return vec![Answer::Admitted(self.admit_alone(start).await)];
        }
        let mut columns = Columns::default();
        for start in &starts {
            columns.add(self, start);
        }
        let roles = role_names(Role::that_may_sync());
        let rows = self.fetch_all(&columns.statement(&roles)).await;
        match rows.map_err(StoreError::of_all) {
            Ok(rows) => {
                let mut answers: Vec<Admitted> = starts.iter().map(|_| None).collect();
                for (run, (place, created)) in rows {
                    if let Some(answer) = answers.get_mut(place.index()) {
                        *answer = Some((run, created));
                    }
                }
                let admitted = |answer| Answer::Admitted(Ok(answer));
                answers.into_iter().map(admitted).collect()
            }
            Err(Ok(failure)) => {
                let failed = |_| Answer::Admitted(Err(failure()));
                starts.iter().map(failed).collect()
            }
            Err(Err(error)) => {
                tracing::debug!(error = %Causes(&error), "starts are admitted one by one");
                starts.into_iter().map(Answer::Alone).collect()
            }
        }
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<AdmitAll<'_> as Statement>::INFO];
