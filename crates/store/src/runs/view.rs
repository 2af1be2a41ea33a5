//! Rows of runs for screens: of tenants that the reader belongs to, with the reader's role.

use std::collections::HashMap;

use atlas_domain::access::Role;
use atlas_domain::run::{OperationKind, OperationRun, RunInputs, Status};
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::row::RunRow;
use crate::access::parse_role;
use crate::error::StoreError;
use crate::functions::statement_timestamp;
use crate::keyset::{Direction, ordered};
use crate::schema::{operation_runs, queue_controls, tenants, users};

/// A run, with the role of its reader. In lists `I` is [`OperationKind`].
#[derive(Debug, Clone, PartialEq)]
pub struct RunView<I = RunInputs> {
    pub run: OperationRun<I>,
    /// The reader's role, which says what the reader may do with the run.
    pub role: Role,
}

/// The tenants that a reader belongs to, with the reader's role in each.
pub(super) type Roles = HashMap<Uuid, String>;

/// A query for runs, or for some of their columns.
pub(super) type Runs<S = operation_runs::SqlType> = operation_runs::BoxedQuery<'static, Pg, S>;

/// A query for the keys of runs: when they were recorded, and their ids.
pub(super) type Keys = Runs<(Timestamptz, SqlUuid)>;

/// What it selects.
pub(super) const KEY: (operation_runs::created_at, operation_runs::id) =
    (operation_runs::created_at, operation_runs::id);

diesel::alias!(users as requesters: Requesters, operation_runs as others: Others);

/// The runs with these keys, in this direction by their times, without what they were asked with.
///
/// The keys and the reader's roles were found by statements of their own, and who asked for a run to
/// be cancelled is named by a subquery: planning takes longer with every table that is joined, and
/// soon longer than reading.
pub(super) async fn listed(
    connection: &mut AsyncPgConnection,
    keys: Vec<(DateTime<Utc>, Uuid)>,
    direction: Direction,
) -> QueryResult<Vec<RunRow>> {
    let is_queued = || operation_runs::status.eq(Status::Queued.as_str());
    let requester = operation_runs::cancel_requested_by;
    let requester_name = requesters
        .filter(requester.is_not_null())
        .filter(requesters.field(users::id).nullable().eq(requester))
        .select(requesters.field(users::display_name))
        .single_value();
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
        .filter(operation_runs::id.eq_any(keys.into_iter().map(|(_, id)| id)))
        .order(ordered(KEY, direction))
        .select((
            operation_runs::id,
            operation_runs::tenant_id,
            tenants::name,
            operation_runs::kind,
            None::<Value>.into_sql::<Nullable<Jsonb>>(),
            None::<String>.into_sql::<Nullable<Text>>(),
            operation_runs::initiator_id,
            users::display_name,
            operation_runs::retry_of,
            operation_runs::scheduled,
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
            requester_name,
            operation_runs::cancel_reason,
            operation_runs::cancel_deadline_at,
            operation_runs::not_before.gt(statement_timestamp()),
            is_queued().and(exists(tenant_runs)),
            is_queued().and(exists(pause)),
            operation_runs::priority,
        ))
        .load(connection)
        .await
}

impl RunView {
    pub(super) fn from_row(row: RunRow, role: &str) -> Result<Self, StoreError> {
        Ok(Self {
            run: row.into_run()?,
            role: parse_role(role)?,
        })
    }
}

impl RunView<OperationKind> {
    /// `None` for a run of another tenant.
    pub(super) fn from_listed(row: RunRow, roles: &Roles) -> Result<Option<Self>, StoreError> {
        let Some(role) = roles.get(&row.tenant_id()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            run: row.into_listed()?,
            role: parse_role(role)?,
        }))
    }
}
