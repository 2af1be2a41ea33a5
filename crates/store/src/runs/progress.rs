//! The progress of running runs, for whoever follows many of them.

use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::run::{OperationKind, Progress, Status};
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::row::to_progress;
use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::{memberships, operation_runs as runs};

/// The progress of a running run, with those whom it is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunningProgress {
    pub run: RunId,
    pub tenant: TenantId,
    /// The user who started the run, if the user belongs to the tenant.
    pub initiator: Option<UserId>,
    /// When it was reported.
    pub updated_at: DateTime<Utc>,
    pub progress: Progress,
}

type Row = (Uuid, Uuid, Uuid, bool, DateTime<Utc>, String, Option<Value>);

impl Store {
    /// The progress of all runs that run in these tenants or were started by these users.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn running_progress(
        &self,
        tenants: &[TenantId],
        users: &[UserId],
    ) -> Result<Vec<RunningProgress>, StoreError> {
        let tenants: Vec<Uuid> = tenants.iter().map(|tenant| tenant.into_uuid()).collect();
        let users: Vec<Uuid> = users.iter().map(|user| user.into_uuid()).collect();
        let belongs = exists(
            memberships::table
                .filter(memberships::user_id.eq(runs::initiator_id))
                .filter(memberships::tenant_id.eq(runs::tenant_id)),
        );
        let followed = runs::tenant_id
            .eq_any(tenants)
            .or(runs::initiator_id.eq_any(users));
        // Few runs are running, and an index has them alone.
        let rows: Vec<Row> = self
            .read(async |connection| {
                runs::table
                    .filter(runs::status.eq(Status::Running.as_str()))
                    .filter(runs::kind.eq_any(OperationKind::WORDS))
                    .filter(followed)
                    .select((
                        runs::id,
                        runs::tenant_id,
                        runs::initiator_id,
                        belongs,
                        runs::updated_at,
                        runs::kind,
                        runs::progress,
                    ))
                    .load(connection)
                    .await
            })
            .await?;
        let mut found = Vec::new();
        for (run, tenant, initiator, belongs, updated_at, kind, progress) in rows {
            if let Some(progress) = to_progress(&kind, progress)? {
                found.push(RunningProgress {
                    run: RunId::from_uuid(run),
                    tenant: TenantId::from_uuid(tenant),
                    initiator: belongs.then_some(UserId::from_uuid(initiator)),
                    updated_at,
                    progress,
                });
            }
        }
        Ok(found)
    }
}
