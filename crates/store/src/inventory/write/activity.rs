//! Who changed items: events of Microsoft Graph's audit logs, and the changes that they explain.

use std::collections::BTreeMap;

use atlas_domain::failure::Failure;
use atlas_domain::ids::{ChangeId, TenantId};
use atlas_domain::inventory::actor::{
    ActivityEvent, ActivityLog, Actor, ChangeActor, MadeBy, attribute,
};
use atlas_domain::run::Lease;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{BATCH, HeldRow, WriteError};
use crate::error::StoreError;
use crate::pool::Store;
use crate::runs::to_json;
use crate::schema::activity_logs;
use crate::statement::{row, statement};

/// Changes of this age are looked at again: events become visible minutes late, rarely hours.
const LOOKED_AGAIN: &str = "1 day";
/// Changes that one call looks at, the newest ones.
const MOST_CHANGES: &str = "20000";
/// Ids of so many characters are those of one object.
const DISTINCTIVE: &str = "16";
/// Objects of events that one statement stores at most.
const OBJECTS_AT_ONCE: usize = 1_000;

statement! {
    struct StoreActivity<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        log: &'a str,
        read_to: Option<DateTime<Utc>>,
        objects: Vec<&'a str>,
        times: Vec<DateTime<Utc>>,
        ids: Vec<&'a str>,
        creates: Vec<bool>,
        activities: Vec<&'a str>,
        actor_kinds: Vec<&'a str>,
        actor_ids: Vec<Option<&'a str>>,
        actor_names: Vec<Option<&'a str>>,
    }
    file: "inventory/store_activity",
    row: HeldRow,
    pieces: ["inventory/pieces/guard"],
}

statement! {
    struct EventsOfChanges {
        tenant: Uuid,
        run: Uuid,
    }
    file: "inventory/events_of_changes",
    row: EventRow,
    constants: [
        looked_again = LOOKED_AGAIN,
        most_changes = MOST_CHANGES,
        distinctive = DISTINCTIVE,
    ],
}

row! {
    struct EventRow {
        occurred_at: DateTime<Utc>,
        id: Uuid,
        at: DateTime<Utc>,
        activity: String,
        actor_kind: String,
        actor_id: Option<String>,
        actor_name: Option<String>,
    }
}

statement! {
    struct Attribute<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        times: Vec<DateTime<Utc>>,
        ids: Vec<Uuid>,
        attributions: Vec<&'a str>,
        actors: Vec<Value>,
        keyed: Vec<Uuid>,
        keys: Vec<String>,
    }
    file: "inventory/attribute",
    row: HeldRow,
    pieces: ["inventory/pieces/guard"],
}

statement! {
    struct RecordUnreadLogs<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        unread: Value,
    }
    file: "inventory/record_unread_logs",
    row: HeldRow,
    pieces: ["inventory/pieces/guard"],
}

/// What a change is found by.
type Place = (DateTime<Utc>, ChangeId);

impl Store {
    /// How far the tenant's logs were read, as far as they ever were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn activity_logs(
        &self,
        tenant: TenantId,
    ) -> Result<BTreeMap<ActivityLog, DateTime<Utc>>, StoreError> {
        let query = activity_logs::table
            .filter(activity_logs::tenant_id.eq(tenant.into_uuid()))
            .select((activity_logs::log, activity_logs::read_to));
        let rows: Vec<(String, DateTime<Utc>)> = self
            .read(async |connection| query.load(connection).await)
            .await?;
        let logs = rows.into_iter().map(|(log, read_to)| {
            let log = log
                .parse()
                .map_err(|error| StoreError::corrupt("activity log", error))?;
            Ok((log, read_to))
        });
        logs.collect()
    }

    /// Stores the events of a log that concern items, and that it was read up to `read_to`.
    ///
    /// # Errors
    /// [`WriteError`]; then the log counts as read no further than before.
    pub async fn store_activity(
        &self,
        lease: &Lease,
        log: ActivityLog,
        events: &[ActivityEvent],
        read_to: Option<DateTime<Utc>>,
    ) -> Result<(), WriteError> {
        let rows: Vec<(&str, &ActivityEvent)> = events
            .iter()
            .flat_map(|event| event.objects.iter().map(move |id| (id.as_str(), event)))
            .collect();
        let mut parts = rows.chunks(OBJECTS_AT_ONCE);
        // The last statement says how far the log was read, also when it stores nothing else.
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            self.store_events(lease, log, part, None).await?;
        }
        if last.is_empty() && read_to.is_none() {
            return Ok(());
        }
        self.store_events(lease, log, last, read_to).await
    }

    async fn store_events(
        &self,
        lease: &Lease,
        log: ActivityLog,
        rows: &[(&str, &ActivityEvent)],
        read_to: Option<DateTime<Utc>>,
    ) -> Result<(), WriteError> {
        let actors = || rows.iter().map(|(_, event)| &event.by.actor);
        let row = self
            .fetch_one(&StoreActivity {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                log: log.as_str(),
                read_to,
                objects: rows.iter().map(|(id, _)| *id).collect(),
                times: rows.iter().map(|(_, event)| event.by.at).collect(),
                ids: rows.iter().map(|(_, event)| event.id.as_str()).collect(),
                creates: rows.iter().map(|(_, event)| event.creates).collect(),
                activities: rows
                    .iter()
                    .map(|(_, event)| event.by.activity.as_str())
                    .collect(),
                actor_kinds: actors().map(|actor| actor.kind.as_str()).collect(),
                actor_ids: actors().map(|actor| actor.id.as_deref()).collect(),
                actor_names: actors().map(|actor| actor.name.as_deref()).collect(),
            })
            .await?;
        row.check()
    }

    /// Gives changes of the last day the actors that stored events name: those without one, and those
    /// of whose items this run read further events. Returns how many changes have actors by that.
    ///
    /// # Errors
    /// [`WriteError`]; what was written before stays written.
    pub async fn attribute_changes(&self, lease: &Lease) -> Result<usize, WriteError> {
        let rows = self
            .fetch_all(&EventsOfChanges {
                tenant: lease.tenant_id.into_uuid(),
                run: lease.run_id.into_uuid(),
            })
            .await?;
        let mut changes: BTreeMap<Place, Vec<ChangeActor>> = BTreeMap::new();
        for row in rows {
            let change = (row.occurred_at, ChangeId::from_uuid(row.id));
            changes.entry(change).or_default().push(row.actor()?);
        }
        let count = changes.len();
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            let batch: Vec<_> = changes.by_ref().take(BATCH).collect();
            self.write_actors(lease, batch).await?;
        }
        Ok(count)
    }

    async fn write_actors(
        &self,
        lease: &Lease,
        changes: Vec<(Place, Vec<ChangeActor>)>,
    ) -> Result<(), WriteError> {
        let mut statement = Attribute {
            tenant: lease.tenant_id.into_uuid(),
            scope: lease.kind.lock_scope(),
            fence: lease.fence,
            token: lease.token.into_uuid(),
            times: Vec::with_capacity(changes.len()),
            ids: Vec::with_capacity(changes.len()),
            attributions: Vec::with_capacity(changes.len()),
            actors: Vec::with_capacity(changes.len()),
            keyed: Vec::new(),
            keys: Vec::new(),
        };
        for ((occurred_at, id), events) in changes {
            let MadeBy { attributed, actors } = attribute(events);
            for key in actors.iter().flat_map(|one| one.actor.keys()) {
                statement.keyed.push(id.into_uuid());
                statement.keys.push(key);
            }
            statement.times.push(occurred_at);
            statement.ids.push(id.into_uuid());
            statement.attributions.push(attributed.as_str());
            statement.actors.push(to_json(&actors));
        }
        self.fetch_one(&statement).await?.check()
    }

    /// Records why the run could not read logs, which is shown with its results.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn record_unread_logs(
        &self,
        lease: &Lease,
        unread: &BTreeMap<ActivityLog, Failure>,
    ) -> Result<(), WriteError> {
        let row = self
            .fetch_one(&RecordUnreadLogs {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                unread: to_json(unread),
            })
            .await?;
        row.check()
    }
}

impl EventRow {
    fn actor(self) -> Result<ChangeActor, StoreError> {
        let kind = self
            .actor_kind
            .parse()
            .map_err(|error| StoreError::corrupt("actor", error))?;
        Ok(ChangeActor {
            actor: Actor {
                kind,
                id: self.actor_id,
                name: self.actor_name,
            },
            at: self.at,
            activity: self.activity,
        })
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <StoreActivity<'_> as crate::statement::Statement>::INFO,
    <EventsOfChanges as crate::statement::Statement>::INFO,
    <Attribute<'_> as crate::statement::Statement>::INFO,
    <RecordUnreadLogs<'_> as crate::statement::Statement>::INFO,
];
