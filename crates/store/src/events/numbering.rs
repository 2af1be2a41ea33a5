//! Giving positions to what was committed.

use atlas_domain::event::{EventType, REQUEUES};
use deadpool_postgres::GenericClient;

use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{CountRow, fetch_one, row, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};

/// Any number; whoever numbers or prunes the log takes this advisory lock.
const LOCK: i64 = 0x6576_656e_7473;

/// Rows of each sort that one statement numbers. A run that has ended brings more events than rows.
const BATCH: i64 = 250;
/// The same, as the statement has it.
const BATCH_TEXT: &str = "250";

/// Statements after which a reader reads what there is. Whoever reads next goes on.
const MOST_BATCHES: u32 = 40;

statement! {
    struct Unnumbered {}
    file: "events/unnumbered",
    row: FoundRow,
}

row! {
    struct FoundRow {
        found: bool,
    }
}

statement! {
    struct Lock {
        key: i64,
    }
    file: "events/lock",
    row: CountRow,
}

statement! {
    struct Number {
        mark: i64,
    }
    file: "events/number",
    row: CountRow,
    pieces: ["events/pieces/run_event"],
    constants: [
        most = BATCH_TEXT,
        completed = EventType::RunCompleted.as_str(),
        requeued = EventType::RunRequeued.as_str(),
        requeues = REQUEUES,
        changed = EventType::InventoryChanged.as_str(),
        notified = EventType::NotificationCreated.as_str(),
    ],
}

/// Waits for the lock of the log, and holds it until the transaction ends.
pub(crate) async fn lock_log(transaction: &impl GenericClient) -> Result<(), StoreError> {
    fetch_one(transaction, &Lock { key: LOCK }).await?;
    Ok(())
}

impl Store {
    /// Gives positions in the log to what was committed before this call. Any number of processes may
    /// do so at once. Does nothing while the database takes no writes.
    ///
    /// # Errors
    /// [`StoreError`]; trying again is safe.
    pub async fn number_events(&self) -> Result<(), StoreError> {
        for _ in 0..MOST_BATCHES {
            let _turn = self.numbering.lock().await;
            if !self.fetch_one(&Unnumbered {}).await?.found {
                return Ok(());
            }
            match self.number_batch().await {
                Ok(numbered) if numbered >= BATCH => {}
                Ok(_) | Err(StoreError::ReadOnly(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn number_batch(&self) -> Result<i64, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        lock_log(&transaction).await?;
        let number = Number {
            mark: self.random_number(),
        };
        let numbered = fetch_one(&transaction, &number).await?.count;
        transaction.commit().await?;
        Ok(numbered)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <Unnumbered as Statement>::INFO,
    <Lock as Statement>::INFO,
    <Number as Statement>::INFO,
];
