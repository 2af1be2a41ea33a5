//! Connections for reads that are ready before the first one is needed.

use atlas_domain::ids::{TenantId, UserId};
use diesel::result::QueryResult;
use diesel_async::AsyncPgConnection;
use futures::future::try_join_all;
use uuid::Uuid;

use crate::error::StoreError;
use crate::inventory::ItemFilter;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::runs::RunFilter;

impl Store {
    /// Opens all connections for reads, and plans a list of runs and one of items on each. The server
    /// collects what it has to know about a table for each connection anew, and a caller would wait for
    /// that longer than for the list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_reads(&self) -> Result<(), StoreError> {
        let opening = (0..self.reads.status().max_size).map(|_| self.reads.get());
        for mut connection in try_join_all(opening).await? {
            plan_lists(&mut connection).await?;
        }
        Ok(())
    }
}

/// Reads lists that are empty: nobody's runs, and the items of no tenant.
async fn plan_lists(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let (nobody, nowhere) = (
        UserId::from_uuid(Uuid::nil()),
        TenantId::from_uuid(Uuid::nil()),
    );
    RunFilter::default()
        .page(connection, nobody, &PageRequest::first(1))
        .await?;
    ItemFilter::default()
        .page(connection, nowhere, &PageRequest::first(1))
        .await?;
    Ok(())
}
