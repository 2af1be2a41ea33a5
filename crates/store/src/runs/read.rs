//! One run as screens see it: only of tenants that the user belongs to.

use atlas_domain::ids::{RunId, UserId};
use atlas_domain::inventory::TypeResult;
use atlas_domain::run::OperationRun;
use uuid::Uuid;

use super::row::RunRow;
use super::view::RunView;
use crate::error::StoreError;
use crate::inventory::results::{self, ResultRow};
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{RoleRow, statement};

statement! {
    struct FindView {
        run: Uuid,
        user: Uuid,
    }
    file: "runs/find_view",
    row: (RunRow, RoleRow),
    pieces: ["runs/pieces/columns"],
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

    /// The results of a run per policy type, by key. Types that this version does not know are left
    /// out. A view is of a run that its reader may see: nothing is checked again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_results<I>(&self, view: &RunView<I>) -> Result<Vec<TypeResult>, StoreError> {
        let run = view.run.id;
        let rows = self
            .read(async |connection| results::of_run(connection, run).await)
            .await?;
        ResultRow::into_results(rows)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<FindView as Statement>::INFO];
