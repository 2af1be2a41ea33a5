//! Keys by which a start that is repeated is recognised, for a day.

use atlas_domain::ids::{RunId, UserId};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// A caller's key for a start, with what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartKey {
    /// The caller's text.
    pub key: String,
    /// The same for the same start: two starts with one key and different hashes are a mistake.
    pub request_hash: String,
}

/// What a key was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedKey {
    pub(super) request_hash: String,
    /// The run that was created or joined.
    pub run_id: RunId,
    /// Whether it was joined.
    pub joined: bool,
    /// When the key was used first.
    pub used_at: DateTime<Utc>,
}

statement! {
    struct FindKey<'a> {
        user: Uuid,
        key: &'a str,
    }
    file: "runs/find_key",
    row: KeyRow,
}

row! {
    struct KeyRow {
        request_hash: String,
        run_id: Uuid,
        joined: bool,
        created_at: DateTime<Utc>,
    }
}

statement! {
    struct CorrectKey<'a> {
        user: Uuid,
        key: &'a str,
        proposed: Uuid,
        run: Uuid,
    }
    file: "runs/correct_key",
    row: (),
}

impl Store {
    /// What the user's key was used for within the last day.
    pub(super) async fn used_key(
        &self,
        user: UserId,
        key: &StartKey,
    ) -> Result<Option<UsedKey>, StoreError> {
        let find = FindKey {
            user: user.into_uuid(),
            key: &key.key,
        };
        let row = self.fetch_optional(&find).await?;
        Ok(row.map(|row| UsedKey {
            request_hash: row.request_hash,
            run_id: RunId::from_uuid(row.run_id),
            joined: row.joined,
            used_at: row.created_at,
        }))
    }

    /// Lets the key name the run that was joined, where it names the proposed one, which lost a race.
    pub(super) async fn correct_key(
        &self,
        user: UserId,
        key: &StartKey,
        proposed: RunId,
        run: RunId,
    ) -> Result<(), StoreError> {
        let correct = CorrectKey {
            user: user.into_uuid(),
            key: &key.key,
            proposed: proposed.into_uuid(),
            run: run.into_uuid(),
        };
        self.execute(&correct).await.map(drop)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <FindKey<'_> as Statement>::INFO,
    <CorrectKey<'_> as Statement>::INFO,
];
