//! One run as screens see it: only of tenants that the user belongs to.

use atlas_domain::ids::{RunId, UserId};
use atlas_domain::inventory::TypeResult;
use atlas_domain::run::OperationRun;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::row::RunRow;
use super::view::RunView;
use crate::error::StoreError;
use crate::inventory::results::{self, ResultRow};
use crate::pool::Store;
use crate::schema::{memberships, operation_runs};
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

statement! {
    struct FindView {
        run: Uuid,
        user: Uuid,
    }
    file: "runs/find_view",
    row: (RunRow, RoleRow),
    pieces: ["runs/pieces/columns"],
}

row! {
    struct RoleRow {
        role: String,
    }
}

impl Store {
    /// One run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run(&self, user: UserId, run: RunId) -> Result<Option<OperationRun>, StoreError> {
        let view = self.run_view(user, run).await?;
        Ok(view.map(|view| view.run))
    }

    /// One run, with the role of its reader.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_view(&self, user: UserId, run: RunId) -> Result<Option<RunView>, StoreError> {
        let row = self
            .fetch_optional(&FindView {
                run: run.into_uuid(),
                user: user.into_uuid(),
            })
            .await?;
        row.map(|(run, RoleRow { role })| RunView::from_row(run, &role))
            .transpose()
    }

    /// The results of a run per policy type, by key; `None` when the user cannot see the run. Types
    /// that this version does not know are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_results(
        &self,
        user: UserId,
        run: RunId,
    ) -> Result<Option<Vec<TypeResult>>, StoreError> {
        let visible = operation_runs::table
            .inner_join(memberships::table.on(memberships::tenant_id.eq(operation_runs::tenant_id)))
            .filter(memberships::user_id.eq(user.into_uuid()))
            .filter(operation_runs::id.eq(run.into_uuid()))
            .count();
        let rows = self
            .read(async |connection| {
                if visible.get_result::<i64>(connection).await? == 0 {
                    return Ok(None);
                }
                results::of_run(connection, run).await.map(Some)
            })
            .await?;
        rows.map(ResultRow::into_results).transpose()
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<FindView as Statement>::INFO];
