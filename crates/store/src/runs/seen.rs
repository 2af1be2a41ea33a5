//! Rows of runs for screens: of tenants that the reader belongs to, with what the reader is there.

use atlas_domain::access::Role;
use atlas_domain::ids::UserId;
use atlas_domain::run::{OperationKind, OperationRun, RunInputs, Status};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Jsonb, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::row::RunRow;
use crate::access::parse_role;
use crate::error::StoreError;
use crate::functions::statement_timestamp;
use crate::schema::{memberships, operation_runs, queue_controls, tenants, users};
use crate::within::within;

/// A run, and what its reader is in its tenant. In lists `I` is [`OperationKind`].
#[derive(Debug, Clone, PartialEq)]
pub struct SeenRun<I = RunInputs> {
    /// The run.
    pub run: OperationRun<I>,
    /// The reader's role, which says what the reader may do with the run.
    pub role: Role,
}

/// A run's row, and its reader's role.
pub(super) type SeenRow = (RunRow, String);

/// A query for the keys of runs: when they were recorded, and their ids.
pub(super) type Keys = Box<dyn QueryFragment<Pg> + Send>;

/// A query for keys, to which the builder can add conditions.
pub(super) type BoxedKeys = operation_runs::BoxedQuery<'static, Pg, (Timestamptz, SqlUuid)>;

/// What [`Keys`] select.
pub(super) const KEY: (operation_runs::created_at, operation_runs::id) =
    (operation_runs::created_at, operation_runs::id);

diesel::alias!(users as requesters: Requesters, operation_runs as others: Others);

/// The runs with these keys that the user may see, newest first, without what they were asked with.
pub(super) async fn seen(
    connection: &mut AsyncPgConnection,
    user: UserId,
    keys: Keys,
    limit: i64,
) -> QueryResult<Vec<SeenRow>> {
    let is_queued = || operation_runs::status.eq(Status::Queued.as_str());
    let requester = requesters.field(users::id).nullable();
    let tenant_runs = others
        .filter(
            others
                .field(operation_runs::tenant_id)
                .eq(operation_runs::tenant_id),
        )
        .filter(
            others
                .field(operation_runs::lock_scope)
                .eq(operation_runs::lock_scope),
        )
        .filter(
            others
                .field(operation_runs::status)
                .eq(Status::Running.as_str()),
        );
    let pause = queue_controls::table.filter(queue_controls::kind.eq(operation_runs::kind));
    operation_runs::table
        .inner_join(tenants::table)
        .inner_join(users::table.on(users::id.eq(operation_runs::initiator_id)))
        .inner_join(memberships::table.on(memberships::tenant_id.eq(operation_runs::tenant_id)))
        .left_join(requesters.on(requester.eq(operation_runs::cancel_requested_by)))
        .filter(memberships::user_id.eq(user.into_uuid()))
        .filter(within(KEY, keys))
        .order((operation_runs::created_at.desc(), operation_runs::id.desc()))
        .limit(limit)
        .select((
            (
                operation_runs::id,
                operation_runs::tenant_id,
                tenants::name,
                operation_runs::kind,
                None::<Value>.into_sql::<Nullable<Jsonb>>(),
                operation_runs::initiator_id,
                users::display_name,
                operation_runs::retry_of,
                operation_runs::attempt,
                operation_runs::failures,
                operation_runs::max_failures,
                operation_runs::created_at,
                operation_runs::updated_at,
                operation_runs::started_at,
                operation_runs::progress,
                operation_runs::error,
                operation_runs::status,
                operation_runs::outcome,
                operation_runs::not_before,
                operation_runs::expires_at,
                operation_runs::wait_reason,
                operation_runs::worker_id,
                operation_runs::heartbeat_at,
                operation_runs::lease_expires_at,
                operation_runs::counts,
                operation_runs::completed_at,
                operation_runs::cancel_requested_at,
                operation_runs::cancel_requested_by,
                requesters.field(users::display_name).nullable(),
                operation_runs::cancel_reason,
                operation_runs::cancel_deadline_at,
                operation_runs::not_before.gt(statement_timestamp()),
                is_queued().and(exists(tenant_runs)),
                is_queued().and(exists(pause)),
            ),
            memberships::role,
        ))
        .load(connection)
        .await
}

impl SeenRun {
    pub(super) fn from_row((row, role): SeenRow) -> Result<Self, StoreError> {
        Ok(Self {
            run: row.into_run()?,
            role: parse_role(&role)?,
        })
    }
}

impl SeenRun<OperationKind> {
    pub(super) fn from_listed((row, role): SeenRow) -> Result<Self, StoreError> {
        Ok(Self {
            run: row.into_listed()?,
            role: parse_role(&role)?,
        })
    }
}
