//! Who a token belongs to, and where that user is a member.

pub(crate) mod asked;
mod standing;
mod stream_tickets;
mod together;

use atlas_domain::access::api_token::TokenHash;
use atlas_domain::access::{Membership, Role};
use atlas_domain::ids::{TenantId, TokenId, UserId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{CountRow, RoleRow, row, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};

pub use standing::StandingQuestion;

/// A user who proved to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub user_id: UserId,
    /// The token that proved it.
    pub token_id: TokenId,
    pub email: String,
    pub display_name: String,
    /// Whether the user operates the installation.
    pub is_operator: bool,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenLookup {
    /// It is valid.
    Active(Principal),
    /// It was revoked, or its user disabled.
    Revoked,
    /// Its time is over.
    Expired,
    /// Nobody issued it.
    Unknown,
}

statement! {
    struct FindToken<'a> {
        hash: &'a [u8],
    }
    file: "access/find_token",
    row: TokenRow,
}

row! {
    struct TokenRow {
        id: Uuid,
        user_id: Uuid,
        email: String,
        display_name: String,
        is_operator: bool,
        revoked: bool,
        expired: bool,
    }
}

statement! {
    struct FindMembership {
        user: Uuid,
        tenant: Uuid,
    }
    file: "access/find_membership",
    row: RoleRow,
}

statement! {
    struct ListMemberships {
        user: Uuid,
        most: i64,
    }
    file: "access/list_memberships",
    row: MembershipRow,
}

row! {
    struct MembershipRow {
        tenant_id: Uuid,
        role: String,
    }
}

statement! {
    struct CountMemberships {
        user: Uuid,
    }
    file: "access/count_memberships",
    row: CountRow,
}

impl TokenRow {
    fn into_lookup(self) -> TokenLookup {
        if self.revoked {
            return TokenLookup::Revoked;
        }
        if self.expired {
            return TokenLookup::Expired;
        }
        TokenLookup::Active(Principal {
            user_id: UserId::from_uuid(self.user_id),
            token_id: TokenId::from_uuid(self.id),
            email: self.email,
            display_name: self.display_name,
            is_operator: self.is_operator,
        })
    }
}

impl Store {
    /// Finds the user that a token belongs to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn principal_by_token(&self, hash: &TokenHash) -> Result<TokenLookup, StoreError> {
        let hash = hash.as_bytes();
        let row = self.fetch_optional(&FindToken { hash }).await?;
        Ok(row.map_or(TokenLookup::Unknown, TokenRow::into_lookup))
    }

    /// The user's place in the tenant; `None` also when there is no such tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn membership(
        &self,
        tenant_id: TenantId,
        user_id: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        let row = self
            .fetch_optional(&FindMembership {
                user: user_id.into_uuid(),
                tenant: tenant_id.into_uuid(),
            })
            .await?;
        row.map(|row| {
            Ok(Membership {
                tenant_id,
                user_id,
                role: parse_role(&row.role)?,
            })
        })
        .transpose()
    }

    /// The tenants in which the user has a place, with the role in each, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn memberships(
        &self,
        user_id: UserId,
        most: i64,
    ) -> Result<Vec<Membership>, StoreError> {
        let user = user_id.into_uuid();
        let rows = self.fetch_all(&ListMemberships { user, most }).await?;
        let membership = |row: MembershipRow| {
            Ok(Membership {
                tenant_id: TenantId::from_uuid(row.tenant_id),
                user_id,
                role: parse_role(&row.role)?,
            })
        };
        rows.into_iter().map(membership).collect()
    }

    /// In how many tenants the user has a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn membership_count(&self, user_id: UserId) -> Result<i64, StoreError> {
        let user = user_id.into_uuid();
        let row = self.fetch_one(&CountMemberships { user }).await?;
        Ok(row.count)
    }
}

/// The words of roles, for a parameter.
pub(crate) fn role_names(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.as_str()).collect()
}

pub(crate) fn parse_role(text: &str) -> Result<Role, StoreError> {
    text.parse()
        .map_err(|error| StoreError::corrupt("role", error))
}

#[cfg(test)]
pub(crate) fn statements() -> Vec<Info> {
    [
        STATEMENTS,
        standing::STATEMENTS,
        stream_tickets::STATEMENTS,
        together::STATEMENTS,
    ]
    .concat()
}

#[cfg(test)]
const STATEMENTS: &[Info] = &[
    <FindToken<'_> as Statement>::INFO,
    <FindMembership as Statement>::INFO,
    <ListMemberships as Statement>::INFO,
    <CountMemberships as Statement>::INFO,
];
