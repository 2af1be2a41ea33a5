//! Disabling users, and operators of the installation.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{TenantId, UserId};
use deadpool_postgres::Transaction;
use uuid::Uuid;

use super::refusal::AccessChangeError;
use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{CountRow, execute, fetch_all, fetch_one, fetch_optional, row, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};

statement! {
    struct Hold {
        user: Uuid,
    }
    file: "people/hold",
    row: StandingRow,
}

row! {
    pub(super) struct StandingRow {
        is_operator: bool,
        disabled: bool,
        erased: bool,
    }
}

statement! {
    struct HoldOwned {
        user: Uuid,
    }
    file: "people/hold_owned",
    row: CountRow,
}

statement! {
    struct FindSoleOwned {
        user: Uuid,
        tenant: Option<Uuid>,
    }
    file: "people/find_sole_owned",
    row: TenantNameRow,
}

row! {
    struct TenantNameRow {
        name: String,
    }
}

statement! {
    struct SetDisabled {
        user: Uuid,
        disabled: bool,
    }
    file: "people/set_disabled",
    row: (),
}

statement! {
    struct SetOperator {
        user: Uuid,
        operator: bool,
    }
    file: "people/set_operator",
    row: (),
}

impl Store {
    /// Disables a user: none of their tokens works, within five seconds, until they are enabled.
    ///
    /// # Errors
    /// [`AccessChangeError`]; nothing was changed then.
    pub async fn disable_user(&self, user: UserId) -> Result<(), AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        if hold(&transaction, user).await?.disabled {
            return Err(AccessChangeError::Already("the user is disabled already"));
        }
        owners_remain(&transaction, user, None).await?;
        self.set_disabled(transaction, user, true).await
    }

    /// Enables a user again. Tokens that were not revoked work again.
    ///
    /// # Errors
    /// [`AccessChangeError`]; nothing was changed then.
    pub async fn enable_user(&self, user: UserId) -> Result<(), AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        if !hold(&transaction, user).await?.disabled {
            return Err(AccessChangeError::Already("the user is not disabled"));
        }
        self.set_disabled(transaction, user, false).await
    }

    pub(super) async fn set_disabled(
        &self,
        transaction: Transaction<'_>,
        user: UserId,
        disabled: bool,
    ) -> Result<(), AccessChangeError> {
        let change = SetDisabled {
            user: user.into_uuid(),
            disabled,
        };
        execute(&transaction, &change).await?;
        let action = if disabled {
            AuditAction::UserDisabled
        } else {
            AuditAction::UserEnabled
        };
        let audit = self.concerning(user, action, None);
        audit.record(&transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes a user an operator of the installation, or withdraws that.
    ///
    /// # Errors
    /// [`AccessChangeError`]; nothing was changed then.
    pub async fn set_operator(
        &self,
        user: UserId,
        operator: bool,
    ) -> Result<(), AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let (action, already) = if operator {
            let already = "the user is an operator of the installation already";
            (AuditAction::OperatorAdded, already)
        } else {
            let already = "the user is no operator of the installation";
            (AuditAction::OperatorWithdrawn, already)
        };
        if hold(&transaction, user).await?.is_operator == operator {
            return Err(AccessChangeError::Already(already));
        }
        let change = SetOperator {
            user: user.into_uuid(),
            operator,
        };
        execute(&transaction, &change).await?;
        let audit = self.concerning(user, action, None);
        audit.record(&transaction).await?;
        Ok(transaction.commit().await?)
    }
}

/// Locks the user's row, unless only a pseudonym is left of it.
pub(super) async fn hold(
    transaction: &Transaction<'_>,
    user: UserId,
) -> Result<StandingRow, AccessChangeError> {
    let user = user.into_uuid();
    match fetch_optional(transaction, &Hold { user }).await? {
        None => Err(AccessChangeError::UserGone),
        Some(row) if row.erased => Err(AccessChangeError::UserErased),
        Some(row) => Ok(row),
    }
}

/// Refuses when a tenant that the user owns, or this one of them, has no other owner. Until the
/// transaction ends, nobody else takes an owner away from these tenants.
pub(super) async fn owners_remain(
    transaction: &Transaction<'_>,
    user: UserId,
    tenant: Option<TenantId>,
) -> Result<(), AccessChangeError> {
    let user = user.into_uuid();
    fetch_one(transaction, &HoldOwned { user }).await?;
    let tenant = tenant.map(TenantId::into_uuid);
    let sole: Result<Vec<TenantNameRow>, StoreError> =
        fetch_all(transaction, &FindSoleOwned { user, tenant }).await;
    let names: Vec<String> = sole?.into_iter().map(|row| row.name).collect();
    if names.is_empty() {
        Ok(())
    } else {
        Err(AccessChangeError::LastOwner(names))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <Hold as Statement>::INFO,
    <HoldOwned as Statement>::INFO,
    <FindSoleOwned as Statement>::INFO,
    <SetDisabled as Statement>::INFO,
    <SetOperator as Statement>::INFO,
];
