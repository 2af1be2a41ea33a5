//! What an operator wants to know of a database before programs work with it.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{row, statement};

/// What the connection and the server are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    pub database: String,
    pub role: String,
    /// As `server_version_num`: 150004 is 15.4.
    pub version: i32,
    /// Whether the connection is encrypted, as far as PostgreSQL knows: of a pooler, it knows the
    /// pooler's connection.
    pub encrypted: bool,
    /// The address that the connection comes from; none for a socket of the machine.
    pub client: Option<IpAddr>,
    /// The server's time.
    pub now: DateTime<Utc>,
}

/// Something that the role may not do with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRight {
    pub table: String,
    /// `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub privilege: String,
}

statement! {
    struct Examine {}
    file: "system/examine",
    row: ExaminationRow,
}

row! {
    struct ExaminationRow {
        database: String,
        role: String,
        version: i32,
        encrypted: bool,
        client: Option<String>,
        now: DateTime<Utc>,
    }
}

statement! {
    struct FindMissingRights {}
    file: "system/missing_rights",
    row: MissingRightRow,
}

row! {
    struct MissingRightRow {
        table_name: String,
        privilege: String,
    }
}

impl Store {
    /// What the connection and the server are like.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn examination(&self) -> Result<Examination, StoreError> {
        let row = self.fetch_one(&Examine {}).await?;
        Ok(Examination {
            database: row.database,
            role: row.role,
            version: row.version,
            encrypted: row.encrypted,
            client: row.client.and_then(|address| address.parse().ok()),
            now: row.now,
        })
    }

    /// What the role of this connection may not do, and the programs need: everything with each of
    /// their tables. The owner of the tables may.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn missing_rights(&self) -> Result<Vec<MissingRight>, StoreError> {
        let rows = self.fetch_all(&FindMissingRights {}).await?;
        let rights = rows.into_iter().map(|row| MissingRight {
            table: row.table_name,
            privilege: row.privilege,
        });
        Ok(rights.collect())
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <Examine as crate::statement::Statement>::INFO,
    <FindMissingRights as crate::statement::Statement>::INFO,
];
