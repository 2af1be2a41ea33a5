//! The events of one run, for as long as the run is kept.

use atlas_domain::event::{EventType, REQUEUES};
use atlas_domain::ids::{EventId, RunId, TenantId};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::pages::{Standing, standing};
use super::{EventPlace, EventView, EventsError};
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// A place among the events of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunEventPlace {
    /// In the log.
    pub place: EventPlace,
    /// Sequence of the run's event that was read last. Absent where the place is from another list.
    pub sequence: Option<i32>,
}

/// Before the first event of a run.
const BEGINNING: RunEventPlace = RunEventPlace {
    place: EventPlace {
        position: 0,
        mark: 0,
    },
    sequence: Some(0),
};

/// After the last one.
const END: RunEventPlace = RunEventPlace {
    place: EventPlace {
        position: i64::MAX,
        mark: 0,
    },
    sequence: Some(i32::MAX),
};

/// An event of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEventView {
    /// As the log has it.
    pub event: EventView,
    /// Its number among the run's.
    pub sequence: i32,
}

/// A part of the events of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEventPage {
    /// In the order of the list.
    pub events: Vec<RunEventView>,
    /// Where to go on.
    pub next: RunEventPlace,
    /// Whether there is more already.
    pub more: bool,
}

statement! {
    struct OfRun {
        tenant: Uuid,
        run: Uuid,
        position: i64,
        seq: i32,
        limit: i64,
    }
    file: "events/of_run",
    row: RunEventRow,
    pieces: ["events/pieces/of_run", "events/pieces/run_event"],
    constants: [
        completed = EventType::RunCompleted.as_str(),
        requeued = EventType::RunRequeued.as_str(),
        requeues = REQUEUES,
    ],
}

statement! {
    struct OfRunBefore {
        tenant: Uuid,
        run: Uuid,
        position: i64,
        seq: i32,
        limit: i64,
    }
    file: "events/of_run_before",
    row: RunEventRow,
    pieces: ["events/pieces/of_run", "events/pieces/run_event"],
    constants: [
        completed = EventType::RunCompleted.as_str(),
        requeued = EventType::RunRequeued.as_str(),
        requeues = REQUEUES,
    ],
}

row! {
    struct RunEventRow {
        position: i64,
        mark: i64,
        seq: i32,
        id: Uuid,
        event_type: String,
        occurred_at: DateTime<Utc>,
        tenant_id: Uuid,
        run_id: Uuid,
        data: Value,
    }
}

statement! {
    struct CheckRunPlace {
        run: Uuid,
        seq: i32,
        position: i64,
    }
    file: "events/check_run_place",
    row: PlaceRow,
}

row! {
    struct PlaceRow {
        found: bool,
    }
}

impl From<RunEventRow> for RunEventView {
    fn from(row: RunEventRow) -> Self {
        Self {
            event: EventView {
                id: EventId::from_uuid(row.id),
                place: EventPlace {
                    position: row.position,
                    mark: row.mark,
                },
                event_type: row.event_type,
                occurred_at: row.occurred_at,
                tenant_id: TenantId::from_uuid(row.tenant_id),
                run_id: Some(RunId::from_uuid(row.run_id)),
                data: row.data,
            },
            sequence: row.seq,
        }
    }
}

impl RunEventView {
    /// Where a reader goes on after it.
    #[must_use]
    pub const fn place(&self) -> RunEventPlace {
        RunEventPlace {
            place: self.event.place,
            sequence: Some(self.sequence),
        }
    }
}

impl RunEventPage {
    /// Of rows of which the last one, if it is one too many, shows that there are more.
    fn of(rows: Vec<RunEventRow>, from: RunEventPlace, limit: u16) -> Self {
        let more = rows.len() > usize::from(limit);
        let shown = rows.into_iter().take(limit.into());
        let events: Vec<RunEventView> = shown.map(RunEventView::from).collect();
        Self {
            next: events.last().map_or(from, RunEventView::place),
            events,
            more,
        }
    }
}

impl Store {
    /// Events of a tenant's run in their order, with everything that was committed before this call.
    ///
    /// # Errors
    /// [`EventsError`].
    pub async fn run_events(
        &self,
        tenant: TenantId,
        run: RunId,
        after: Option<RunEventPlace>,
        limit: u16,
    ) -> Result<RunEventPage, EventsError> {
        self.number_events().await?;
        let after = after.unwrap_or(BEGINNING);
        if after != BEGINNING {
            self.check_run_place(run, after).await?;
        }
        let rows = self
            .fetch_all(&OfRun {
                tenant: tenant.into_uuid(),
                run: run.into_uuid(),
                position: after.place.position,
                // What the run has at the position of another list's event is that event.
                seq: after.sequence.unwrap_or(i32::MAX),
                limit: i64::from(limit) + 1,
            })
            .await?;
        Ok(RunEventPage::of(rows, after, limit))
    }

    /// The same before a place or, without one, from the last event on: newest first, and `next` is where
    /// to go on with what is older.
    ///
    /// # Errors
    /// [`EventsError`].
    pub async fn run_events_before(
        &self,
        tenant: TenantId,
        run: RunId,
        before: Option<RunEventPlace>,
        limit: u16,
    ) -> Result<RunEventPage, EventsError> {
        self.number_events().await?;
        if let Some(before) = before {
            self.check_run_place(run, before).await?;
        }
        let before = before.unwrap_or(END);
        let rows = self
            .fetch_all(&OfRunBefore {
                tenant: tenant.into_uuid(),
                run: run.into_uuid(),
                position: before.place.position,
                // What the run has at the position of another list's event is that event.
                seq: before.sequence.unwrap_or(0),
                limit: i64::from(limit) + 1,
            })
            .await?;
        Ok(RunEventPage::of(rows, before, limit))
    }

    /// A place that the log has not any more is one of this run's while the run has the event.
    async fn check_run_place(&self, run: RunId, after: RunEventPlace) -> Result<(), EventsError> {
        let place = after.place;
        let standing = self
            .read(async |connection| standing(connection, place).await)
            .await?;
        let is_known = match (standing, after.sequence) {
            (Standing::Kept, _) => true,
            (Standing::Foreign, _) | (Standing::Old, None) => false,
            (Standing::Old, Some(seq)) => {
                let check = CheckRunPlace {
                    run: run.into_uuid(),
                    seq,
                    position: place.position,
                };
                self.fetch_one(&check).await?.found
            }
        };
        if is_known {
            Ok(())
        } else {
            Err(EventsError::Gone)
        }
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <OfRun as Statement>::INFO,
    <OfRunBefore as Statement>::INFO,
    <CheckRunPlace as Statement>::INFO,
];
