//! The delivery log, and what owners ask to be sent.

use atlas_domain::ids::{DeliveryId, EventId, TenantId, UserId, WebhookId};
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::StoreError;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{events, webhook_deliveries as deliveries, webhook_endpoints as endpoints};
use crate::statement::statement;
#[cfg(test)]
use crate::statement::{Info, Statement};

/// Requests of one endpoint that wait at most.
const MAX_REQUESTS: i64 = 20;

/// An attempt as the owner of the endpoint sees it.
#[derive(Debug, Clone)]
pub struct DeliveryView {
    pub id: DeliveryId,
    /// A word of [`atlas_domain::webhook::DeliveryCause`].
    pub cause: String,
    pub event_id: Option<EventId>,
    pub event_type: Option<String>,
    pub tenant_id: Option<TenantId>,
    /// Which attempt of its event it was, from 1.
    pub attempt: i32,
    /// A word of [`atlas_domain::webhook::DeliveryOutcome`].
    pub outcome: String,
    /// Of HTTP, if there was an answer.
    pub status: Option<i32>,
    /// A sentence on the outcome.
    pub detail: String,
    pub took_ms: i32,
    pub at: DateTime<Utc>,
    /// When the next attempt is due, if there is one.
    pub next_at: Option<DateTime<Utc>>,
}

/// Why nothing was asked for.
#[derive(Debug, thiserror::Error)]
pub enum WebhookRequestError {
    /// The user has no such endpoint, or it has no such delivery.
    #[error("the user has no such webhook or delivery")]
    Unknown,
    /// Nothing is sent to the endpoint.
    #[error("the webhook is disabled")]
    Disabled,
    /// The log does not have the event any more.
    #[error("the event is not kept any more")]
    EventGone,
    /// Others wait.
    #[error("{MAX_REQUESTS} requests of the webhook wait already")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

statement! {
    struct Request {
        id: Uuid,
        endpoint: Uuid,
        event: Uuid,
        position: Option<i64>,
        most: i64,
    }
    file: "webhooks/request",
    row: (),
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    cause: String,
    event_id: Option<Uuid>,
    event_type: Option<String>,
    tenant_id: Option<Uuid>,
    attempt: i32,
    outcome: String,
    status: Option<i32>,
    detail: String,
    took_ms: i32,
    at: DateTime<Utc>,
    next_at: Option<DateTime<Utc>>,
}

impl From<Row> for DeliveryView {
    fn from(row: Row) -> Self {
        Self {
            id: DeliveryId::from_uuid(row.id),
            cause: row.cause,
            event_id: row.event_id.map(EventId::from_uuid),
            event_type: row.event_type,
            tenant_id: row.tenant_id.map(TenantId::from_uuid),
            attempt: row.attempt,
            outcome: row.outcome,
            status: row.status,
            detail: row.detail,
            took_ms: row.took_ms,
            at: row.at,
            next_at: row.next_at,
        }
    }
}

impl Store {
    /// Attempts of an endpoint of the user, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhook_deliveries(
        &self,
        user: UserId,
        endpoint: WebhookId,
        page: PageRequest<(DateTime<Utc>, DeliveryId)>,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        let owned = endpoints::table
            .filter(endpoints::id.eq(deliveries::endpoint_id))
            .filter(endpoints::user_id.eq(user.into_uuid()));
        let key = (deliveries::at, deliveries::id);
        let direction = page.reads(Direction::Descending);
        let mut query = deliveries::table
            .filter(deliveries::endpoint_id.eq(endpoint.into_uuid()))
            .filter(exists(owned))
            .select(Row::as_select())
            .into_boxed()
            .order(ordered(key, direction))
            .limit(page.limit);
        if let Some((at, id)) = page.key() {
            query = query.filter(beyond(key, (*at, id.into_uuid()), direction));
        }
        let rows: Vec<Row> = self
            .read(async |connection| query.load(connection).await)
            .await?;
        let rows = page.in_list_order(rows);
        Ok(rows.into_iter().map(DeliveryView::from).collect())
    }

    /// Asks for a test of an endpoint of the user, and returns the identifier of its event.
    ///
    /// # Errors
    /// [`WebhookRequestError`].
    pub async fn request_webhook_test(
        &self,
        user: UserId,
        endpoint: WebhookId,
    ) -> Result<EventId, WebhookRequestError> {
        self.check_enabled(user, endpoint).await?;
        let event = EventId::from_uuid(self.mint());
        self.request(endpoint, event, None).await
    }

    /// Asks for the event of a delivery once more, and returns the identifier of the event.
    ///
    /// # Errors
    /// [`WebhookRequestError`].
    pub async fn request_redelivery(
        &self,
        user: UserId,
        endpoint: WebhookId,
        delivery: DeliveryId,
    ) -> Result<EventId, WebhookRequestError> {
        self.check_enabled(user, endpoint).await?;
        let of_delivery = deliveries::table
            .find(delivery.into_uuid())
            .filter(deliveries::endpoint_id.eq(endpoint.into_uuid()))
            .select((deliveries::event_id, deliveries::position));
        let found: Option<(Option<Uuid>, Option<i64>)> = self
            .read(async |connection| of_delivery.first(connection).await.optional())
            .await?;
        let (event, position) = found.ok_or(WebhookRequestError::Unknown)?;
        let Some((event, position)) = event.zip(position) else {
            return Err(WebhookRequestError::EventGone);
        };
        let kept = diesel::select(exists(
            events::table.find(position).filter(events::id.eq(event)),
        ));
        let kept: bool = self
            .read(async |connection| kept.get_result(connection).await)
            .await?;
        if !kept {
            return Err(WebhookRequestError::EventGone);
        }
        self.request(endpoint, EventId::from_uuid(event), Some(position))
            .await
    }

    async fn check_enabled(
        &self,
        user: UserId,
        endpoint: WebhookId,
    ) -> Result<(), WebhookRequestError> {
        let webhook = self.webhook(user, endpoint).await?;
        let webhook = webhook.ok_or(WebhookRequestError::Unknown)?;
        match webhook.disabled_at {
            Some(_) => Err(WebhookRequestError::Disabled),
            None => Ok(()),
        }
    }

    async fn request(
        &self,
        endpoint: WebhookId,
        event: EventId,
        position: Option<i64>,
    ) -> Result<EventId, WebhookRequestError> {
        let request = Request {
            id: self.mint(),
            endpoint: endpoint.into_uuid(),
            event: event.into_uuid(),
            position,
            most: MAX_REQUESTS,
        };
        match self.execute(&request).await {
            Ok(0) => Err(WebhookRequestError::TooMany),
            Ok(_) => Ok(event),
            Err(error) if error.is_about_something_gone() => Err(WebhookRequestError::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<Request as Statement>::INFO];
