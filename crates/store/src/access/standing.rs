//! Whether callers still have access, many at once: for processes that serve them for long.

use std::collections::HashSet;

use atlas_domain::ids::{TenantId, TokenId, UserId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// Asks whether a token is valid, its user enabled and, where a tenant is named, a member of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StandingQuestion {
    pub token: TokenId,
    pub tenant: Option<TenantId>,
}

statement! {
    struct FindEnded {
        tokens: Vec<Uuid>,
        tenants: Vec<Option<Uuid>>,
    }
    file: "access/find_ended",
    row: PlaceRow,
}

row! {
    struct PlaceRow {
        place: i64,
    }
}

statement! {
    struct FindMemberships {
        users: Vec<Uuid>,
        tenants: Vec<Uuid>,
    }
    file: "access/find_memberships",
    row: PairRow,
}

row! {
    struct PairRow {
        user_id: Uuid,
        tenant_id: Uuid,
    }
}

impl Store {
    /// Those of the questions whose answer is no.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_access(
        &self,
        questions: &[StandingQuestion],
    ) -> Result<Vec<StandingQuestion>, StoreError> {
        let tenant = |question: &StandingQuestion| question.tenant.map(TenantId::into_uuid);
        let find = FindEnded {
            tokens: questions.iter().map(|one| one.token.into_uuid()).collect(),
            tenants: questions.iter().map(tenant).collect(),
        };
        let rows = self.fetch_all(&find).await?;
        let places = rows.into_iter().filter_map(|row| {
            let index = usize::try_from(row.place).ok()?.checked_sub(1)?;
            questions.get(index).copied()
        });
        Ok(places.collect())
    }

    /// Those of the pairs of a tenant and a user in which the user belongs to the tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn members_among(
        &self,
        pairs: &HashSet<(TenantId, UserId)>,
    ) -> Result<HashSet<(TenantId, UserId)>, StoreError> {
        let find = FindMemberships {
            users: pairs.iter().map(|(_, user)| user.into_uuid()).collect(),
            tenants: pairs.iter().map(|(tenant, _)| tenant.into_uuid()).collect(),
        };
        let rows = self.fetch_all(&find).await?;
        let pair = |row: PairRow| {
            (
                TenantId::from_uuid(row.tenant_id),
                UserId::from_uuid(row.user_id),
            )
        };
        Ok(rows.into_iter().map(pair).collect())
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <FindEnded as Statement>::INFO,
    <FindMemberships as Statement>::INFO,
];
