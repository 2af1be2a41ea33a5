//! Adding, finding and listing users.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::UserId;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::or_conflict;
use crate::error::StoreError;
use crate::functions::lower;
use crate::pool::Store;
use crate::schema::users;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// A user.
#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
}

const ADDRESS_TAKEN: &str = "a user with this e-mail address";

/// A user, as the installation's operator sees them in a list.
#[derive(Debug, Clone)]
pub struct UserSummary {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub is_operator: bool,
    /// Since when none of the user's tokens works.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When the person's data were erased.
    pub erased_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// In how many tenants the user has a role.
    pub tenants: i64,
    /// Tokens that are neither revoked nor expired.
    pub tokens: i64,
}

statement! {
    struct ListUsers {}
    file: "people/list_users",
    row: ListedUser,
}

row! {
    struct ListedUser {
        id: Uuid,
        email: String,
        display_name: String,
        is_operator: bool,
        disabled_at: Option<DateTime<Utc>>,
        erased_at: Option<DateTime<Utc>>,
        created_at: DateTime<Utc>,
        tenants: i64,
        tokens: i64,
    }
}

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address is taken.
    pub async fn add_user(&self, email: &str, display_name: &str) -> Result<UserId, StoreError> {
        self.add(email, display_name, false).await
    }

    /// Adds a user who operates the installation.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address is taken.
    pub async fn add_operator(
        &self,
        email: &str,
        display_name: &str,
    ) -> Result<UserId, StoreError> {
        self.add(email, display_name, true).await
    }

    async fn add(
        &self,
        email: &str,
        display_name: &str,
        operator: bool,
    ) -> Result<UserId, StoreError> {
        let id = UserId::from_uuid(self.mint());
        let mut audits = vec![self.concerning(id, AuditAction::UserAdded, None)];
        if operator {
            audits.push(self.concerning(id, AuditAction::OperatorAdded, None));
        }
        let user = (
            users::id.eq(id.into_uuid()),
            users::email.eq(email),
            users::display_name.eq(display_name),
            users::is_operator.eq(operator),
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    diesel::insert_into(users::table)
                        .values(user)
                        .execute(connection)
                        .await?;
                    for audit in &audits {
                        audit.insert(connection).await?;
                    }
                    Ok(())
                })
                .await
        })
        .await
        .map_err(|error| or_conflict(error, ADDRESS_TAKEN))?;
        Ok(id)
    }

    /// Every user, by address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_users(&self) -> Result<Vec<UserSummary>, StoreError> {
        let rows = self.fetch_all(&ListUsers {}).await?;
        let summary = |row: ListedUser| UserSummary {
            id: UserId::from_uuid(row.id),
            email: row.email,
            display_name: row.display_name,
            is_operator: row.is_operator,
            disabled_at: row.disabled_at,
            erased_at: row.erased_at,
            created_at: row.created_at,
            tenants: row.tenants,
            tokens: row.tokens,
        };
        Ok(rows.into_iter().map(summary).collect())
    }

    /// Finds a user by e-mail address, whatever its case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        let user = users::table
            .filter(lower(users::email).eq(lower(email)))
            .select((users::id, users::email, users::display_name));
        let row: Option<(Uuid, String, String)> = self
            .read(async |connection| user.first(connection).await.optional())
            .await?;
        Ok(row.map(|(id, email, display_name)| UserRow {
            id: UserId::from_uuid(id),
            email,
            display_name,
        }))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<ListUsers as Statement>::INFO];
