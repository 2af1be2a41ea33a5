//! API tokens, of which only the hash is stored.

use atlas_domain::access::api_token::TokenHash;
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{TokenId, UserId};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::refusal::AccessChangeError;
use super::standing::hold;
use crate::audit::IdentifiedEvent;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{execute, fetch_all, fetch_optional, row, statement};

/// A token as the installation's operator sees it.
#[derive(Debug, Clone)]
pub struct TokenRow {
    pub id: TokenId,
    /// Address of its user.
    pub email: String,
    pub name: String,
    /// Its last four characters.
    pub last_four: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether its time is over.
    pub expired: bool,
}

statement! {
    struct CreateToken<'a> {
        token: Uuid,
        user: Uuid,
        name: &'a str,
        hash: &'a [u8],
        last_four: &'a str,
        expires_at: Option<DateTime<Utc>>,
    }
    file: "people/create_token",
    row: (),
}

statement! {
    struct ListTokens {
        user: Option<Uuid>,
    }
    file: "people/list_tokens",
    row: ListedToken,
}

row! {
    struct ListedToken {
        id: Uuid,
        email: String,
        name: String,
        last_four: String,
        created_at: DateTime<Utc>,
        expires_at: Option<DateTime<Utc>>,
        revoked_at: Option<DateTime<Utc>>,
        expired: bool,
    }
}

statement! {
    struct RevokeToken {
        token: Uuid,
    }
    file: "people/revoke_token",
    row: TokenUserRow,
}

row! {
    struct TokenUserRow {
        user_id: Uuid,
    }
}

statement! {
    struct RevokeTokens {
        user: Uuid,
    }
    file: "people/revoke_tokens",
    row: TokenIdRow,
}

row! {
    struct TokenIdRow {
        id: Uuid,
    }
}

impl Store {
    /// Records a token by its hash. A disabled user gets none.
    ///
    /// # Errors
    /// [`AccessChangeError`]; nothing was changed then.
    pub async fn create_token(
        &self,
        user: UserId,
        name: &str,
        hash: &TokenHash,
        last_four: &str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<TokenId, AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        if hold(&transaction, user).await?.disabled {
            return Err(AccessChangeError::Disabled);
        }
        let id = self.mint();
        let create = CreateToken {
            token: id,
            user: user.into_uuid(),
            name,
            hash: hash.as_bytes().as_slice(),
            last_four,
            expires_at,
        };
        execute(&transaction, &create).await?;
        let audit = self.of_token(id, user.into_uuid(), AuditAction::TokenCreated);
        audit.record(&transaction).await?;
        transaction.commit().await?;
        Ok(TokenId::from_uuid(id))
    }

    /// The tokens of a user, or of all users, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tokens(&self, user: Option<UserId>) -> Result<Vec<TokenRow>, StoreError> {
        let user = user.map(UserId::into_uuid);
        let rows = self.fetch_all(&ListTokens { user }).await?;
        let token = |row: ListedToken| TokenRow {
            id: TokenId::from_uuid(row.id),
            email: row.email,
            name: row.name,
            last_four: row.last_four,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            expired: row.expired,
        };
        Ok(rows.into_iter().map(token).collect())
    }

    /// Makes a token useless, within five seconds; false when there is none that was not revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_token(&self, token: TokenId) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let token = token.into_uuid();
        let Some(row) = fetch_optional(&transaction, &RevokeToken { token }).await? else {
            return Ok(false);
        };
        let audit = self.of_token(token, row.user_id, AuditAction::TokenRevoked);
        audit.record(&transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Makes every token of a user useless, within five seconds, and says how many that were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_tokens(&self, user: UserId) -> Result<usize, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let user = user.into_uuid();
        let revoked = fetch_all(&transaction, &RevokeTokens { user }).await?;
        for row in &revoked {
            let audit = self.of_token(row.id, user, AuditAction::TokenRevoked);
            audit.record(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(revoked.len())
    }

    fn of_token(&self, token: Uuid, user: Uuid, action: AuditAction) -> IdentifiedEvent {
        let target = ("token", token.to_string());
        self.administered(None, action, target, Some(json!({ "user_id": user })))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <CreateToken<'_> as Statement>::INFO,
    <ListTokens as Statement>::INFO,
    <RevokeToken as Statement>::INFO,
    <RevokeTokens as Statement>::INFO,
];
