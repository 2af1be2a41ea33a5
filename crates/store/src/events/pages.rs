//! The log of a tenant, of a user, or of several, in order.

use atlas_domain::ids::{EventId, RunId, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::{EventPlace, EventView, EventsError};
use crate::keyset::{Direction, ordered};
use crate::pool::Store;
use crate::schema::{event_numberings as numberings, events, memberships};

/// Whose events to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTopics {
    /// Those of a tenant, but for what is for a user alone.
    Tenant(TenantId),
    /// A user's: of runs that they started and of their notifications, in tenants that they belong to.
    User(UserId),
    /// Those of several tenants and users, for a process that passes them on. Whether a user still belongs
    /// to the tenant of an event is left to it.
    Several {
        tenants: Vec<TenantId>,
        users: Vec<UserId>,
    },
}

/// Which of them; an empty filter is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub types: Vec<String>,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventsFrom {
    /// With the oldest event that is kept.
    Start,
    /// With what comes after this call.
    Now,
    /// After an event that was read.
    After(EventPlace),
}

/// A part of the log; for streams, `E` is [`FollowedEvent`].
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage<E = EventView> {
    /// In the order of the log.
    pub events: Vec<E>,
    /// Where to go on: after the last event or, without more, at the end of the log as it was.
    pub next: EventPlace,
    /// Whether there is more already.
    pub more: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(Pg))]
struct Row {
    position: i64,
    mark: i64,
    id: Uuid,
    event_type: String,
    occurred_at: DateTime<Utc>,
    tenant_id: Uuid,
    run_id: Option<Uuid>,
    user_id: Option<Uuid>,
    personal: bool,
    data: Value,
}

/// An event with those whom it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowedEvent {
    pub event: EventView,
    /// The user whose log has it.
    pub user: Option<UserId>,
    /// Whether it is for that user alone: the log of the tenant does not have it.
    pub personal: bool,
}

impl From<Row> for FollowedEvent {
    fn from(row: Row) -> Self {
        Self {
            user: row.user_id.map(UserId::from_uuid),
            personal: row.personal,
            event: row.into(),
        }
    }
}

impl From<Row> for EventView {
    fn from(row: Row) -> Self {
        Self {
            id: EventId::from_uuid(row.id),
            place: row.place(),
            event_type: row.event_type,
            occurred_at: row.occurred_at,
            tenant_id: TenantId::from_uuid(row.tenant_id),
            run_id: row.run_id.map(RunId::from_uuid),
            data: row.data,
        }
    }
}

impl Row {
    const fn place(&self) -> EventPlace {
        EventPlace {
            position: self.position,
            mark: self.mark,
        }
    }
}

/// The last position that was given, with its mark.
async fn end(connection: &mut AsyncPgConnection) -> QueryResult<EventPlace> {
    let (position, mark) = numberings::table
        .select((numberings::last_position, numberings::mark))
        .order(numberings::last_position.desc())
        .first(connection)
        .await?;
    Ok(EventPlace { position, mark })
}

/// The position after which everything is kept, with its mark.
async fn beginning(connection: &mut AsyncPgConnection) -> QueryResult<EventPlace> {
    let (position, mark) = numberings::table
        .select((numberings::last_position, numberings::mark))
        .order(numberings::last_position)
        .first(connection)
        .await?;
    Ok(EventPlace { position, mark })
}

/// The mark of the numbering that gave a position.
async fn mark_of(connection: &mut AsyncPgConnection, position: i64) -> QueryResult<Option<i64>> {
    numberings::table
        .select(numberings::mark)
        .filter(numberings::last_position.ge(position))
        .order(numberings::last_position)
        .first(connection)
        .await
        .optional()
}

/// How a place stands to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Everything after it is kept.
    Kept,
    /// Events after it may have been deleted as too old.
    Old,
    /// It is of another history.
    Foreign,
}

pub(super) async fn standing(
    connection: &mut AsyncPgConnection,
    place: EventPlace,
) -> QueryResult<Standing> {
    if beginning(connection).await?.position > place.position {
        return Ok(Standing::Old);
    }
    Ok(match mark_of(connection, place.position).await? {
        Some(mark) if mark == place.mark => Standing::Kept,
        _ => Standing::Foreign,
    })
}

impl EventTopics {
    /// At most so many events after a position, up to another, from the one or from the other on.
    fn query(
        &self,
        filter: &EventFilter,
        (after, up_to): (i64, i64),
        direction: Direction,
        limit: i64,
    ) -> events::BoxedQuery<'static, Pg> {
        let mut query = events::table
            .filter(events::position.gt(after))
            .filter(events::position.le(up_to))
            .into_boxed()
            .order(ordered((events::position,), direction))
            .limit(limit);
        if !filter.types.is_empty() {
            query = query.filter(events::event_type.eq_any(filter.types.clone()));
        }
        match self {
            Self::Tenant(tenant) => query
                .filter(events::tenant_id.eq(tenant.into_uuid()))
                .filter(events::personal.eq(false)),
            Self::User(user) => query
                .filter(events::user_id.eq(user.into_uuid()))
                .filter(exists(
                    memberships::table
                        .filter(memberships::user_id.eq(user.into_uuid()))
                        .filter(memberships::tenant_id.eq(events::tenant_id)),
                )),
            Self::Several { tenants, users } => {
                let tenants = tenants.iter().map(|tenant| tenant.into_uuid());
                let users = users.iter().map(|user| Some(user.into_uuid()));
                let of_tenants = events::tenant_id
                    .eq_any(tenants.collect::<Vec<_>>())
                    .and(events::personal.eq(false));
                let of_users = events::user_id.eq_any(users.collect::<Vec<_>>());
                query.filter(of_tenants.nullable().or(of_users))
            }
        }
    }
}

impl Store {
    /// A part of the log, with everything that was committed before this call. A place is checked after
    /// the events were read, so that none was deleted between the two.
    ///
    /// # Errors
    /// [`EventsError`].
    pub async fn events(
        &self,
        topics: &EventTopics,
        filter: &EventFilter,
        from: EventsFrom,
        limit: u16,
    ) -> Result<EventPage, EventsError> {
        self.part_of_log(topics, filter, from, limit).await
    }

    /// The same for a process that passes events on, with those whom each is for.
    ///
    /// # Errors
    /// [`EventsError`].
    pub async fn followed_events(
        &self,
        topics: &EventTopics,
        from: EventsFrom,
        limit: u16,
    ) -> Result<EventPage<FollowedEvent>, EventsError> {
        let filter = EventFilter::default();
        self.part_of_log(topics, &filter, from, limit).await
    }

    /// What the log has before a place or, without one, at its end: newest first, and `next` is where to go
    /// on with what is older. Events that were deleted as too old are not there.
    ///
    /// # Errors
    /// [`EventsError`].
    pub async fn events_before(
        &self,
        topics: &EventTopics,
        filter: &EventFilter,
        before: Option<EventPlace>,
        limit: u16,
    ) -> Result<EventPage, EventsError> {
        self.number_events().await?;
        let (end, rows, standing) = self
            .read(async |connection| {
                let (beginning, end) = (beginning(connection).await?, end(connection).await?);
                let last = before.map_or(end.position, |place| place.position.saturating_sub(1));
                let part = (beginning.position, last);
                let newest_first = Direction::Descending;
                let query = topics.query(filter, part, newest_first, i64::from(limit) + 1);
                let rows: Vec<Row> = query.select(Row::as_select()).load(connection).await?;
                let standing = match before {
                    Some(place) => standing(connection, place).await?,
                    None => Standing::Kept,
                };
                Ok((end, rows, standing))
            })
            .await?;
        if standing == Standing::Foreign {
            return Err(EventsError::Gone);
        }
        let more = rows.len() > usize::from(limit);
        let shown = &rows[..rows.len().min(limit.into())];
        Ok(EventPage {
            next: shown.last().map_or(before.unwrap_or(end), Row::place),
            events: rows
                .into_iter()
                .take(limit.into())
                .map(EventView::from)
                .collect(),
            more,
        })
    }

    async fn part_of_log<E: From<Row>>(
        &self,
        topics: &EventTopics,
        filter: &EventFilter,
        from: EventsFrom,
        limit: u16,
    ) -> Result<EventPage<E>, EventsError> {
        self.number_events().await?;
        let (end, rows, standing) = self
            .read(async |connection| {
                let end = end(connection).await?;
                let (after, standing_of) = match from {
                    EventsFrom::Start => (beginning(connection).await?.position, None),
                    EventsFrom::Now => (end.position, None),
                    EventsFrom::After(place) => (place.position, Some(place)),
                };
                let part = (after, end.position);
                let oldest_first = Direction::Ascending;
                let query = topics.query(filter, part, oldest_first, i64::from(limit) + 1);
                let rows: Vec<Row> = query.select(Row::as_select()).load(connection).await?;
                let standing = match standing_of {
                    Some(place) => standing(connection, place).await?,
                    None => Standing::Kept,
                };
                Ok((end, rows, standing))
            })
            .await?;
        if standing != Standing::Kept {
            return Err(EventsError::Gone);
        }
        let more = rows.len() > usize::from(limit);
        let shown = &rows[..rows.len().min(limit.into())];
        let last = shown.last().filter(|_| more).map(Row::place);
        Ok(EventPage {
            next: last.unwrap_or(end),
            events: rows.into_iter().take(limit.into()).map(E::from).collect(),
            more,
        })
    }
}
