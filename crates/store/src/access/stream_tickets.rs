//! Tickets that open a stream once: issued for a token, stored by their hash.

use std::time::Duration;

use atlas_domain::access::stream_ticket::TicketHash;
use atlas_domain::ids::TokenId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{TokenLookup, TokenRow};
use crate::error::StoreError;
use crate::pool::Store;
use crate::runs::milliseconds;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

statement! {
    struct IssueStreamTicket<'a> {
        hash: &'a [u8],
        token: Uuid,
        life_ms: i64,
    }
    file: "access/issue_stream_ticket",
    row: IssuedRow,
}

row! {
    struct IssuedRow {
        expires_at: DateTime<Utc>,
    }
}

statement! {
    struct UseStreamTicket<'a> {
        hash: &'a [u8],
    }
    file: "access/use_stream_ticket",
    row: TokenRow,
}

impl Store {
    /// Records a ticket for the token, and returns when it ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn issue_stream_ticket(
        &self,
        token: TokenId,
        hash: &TicketHash,
        life: Duration,
    ) -> Result<DateTime<Utc>, StoreError> {
        let issue = IssueStreamTicket {
            hash: hash.as_bytes(),
            token: token.into_uuid(),
            life_ms: milliseconds(life),
        };
        Ok(self.fetch_one(&issue).await?.expires_at)
    }

    /// Uses a ticket up: what is known of the token that it was issued for. A ticket that was used, or
    /// whose time is over, is unknown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_stream_ticket(&self, hash: &TicketHash) -> Result<TokenLookup, StoreError> {
        let hash = hash.as_bytes();
        let row = self.fetch_optional(&UseStreamTicket { hash }).await?;
        Ok(row.map_or(TokenLookup::Unknown, TokenRow::into_lookup))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <IssueStreamTicket<'_> as Statement>::INFO,
    <UseStreamTicket<'_> as Statement>::INFO,
];
