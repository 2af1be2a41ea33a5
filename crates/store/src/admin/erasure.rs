//! Removing users, and erasing a person's data where runs refer to them.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::UserId;
use uuid::Uuid;

use super::refusal::AccessChangeError;
use super::standing::{hold, owners_remain};
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{execute, fetch_one, fetch_optional, row, statement};

/// Rows that one transaction of an erasure changes or reads at most.
const BATCH: i64 = 1_000;

/// The log refuses changes outside a transaction that says this (migration 41).
const CHANGE_IS_ERASURE: &str = "SET LOCAL atlas.erasure = 'on'";

/// What is left of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The user's name and address from now on.
    pub pseudonym: String,
}

statement! {
    struct IsReferredTo {
        user: Uuid,
    }
    file: "people/is_referred_to",
    row: ReferredRow,
}

row! {
    struct ReferredRow {
        referred_to: bool,
    }
}

statement! {
    struct Remove {
        user: Uuid,
    }
    file: "people/remove",
    row: (),
}

statement! {
    struct RemoveMemberships {
        user: Uuid,
    }
    file: "people/remove_memberships",
    row: (),
}

statement! {
    struct RemoveTokens {
        user: Uuid,
    }
    file: "people/remove_tokens",
    row: (),
}

statement! {
    struct RemoveNotifications {
        user: Uuid,
        batch: i64,
    }
    file: "people/remove_notifications",
    row: (),
}

statement! {
    struct EraseCallers {
        user: Uuid,
        after: Uuid,
        batch: i64,
    }
    file: "people/erase_callers",
    row: LastEntryRow,
}

row! {
    struct LastEntryRow {
        id: Uuid,
    }
}

statement! {
    struct Erase<'a> {
        user: Uuid,
        pseudonym: &'a str,
    }
    file: "people/erase",
    row: (),
}

impl Store {
    /// Removes a user whom no run refers to, with tokens, memberships and notifications.
    ///
    /// # Errors
    /// [`AccessChangeError`]; nothing was changed then.
    pub async fn remove_user(&self, user: UserId) -> Result<(), AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        // A run that names the user waits for this lock, and is refused afterwards.
        hold(&transaction, user).await?;
        owners_remain(&transaction, user, None).await?;
        let id = user.into_uuid();
        let referred = fetch_one(&transaction, &IsReferredTo { user: id }).await?;
        if referred.referred_to {
            return Err(AccessChangeError::Referred);
        }
        execute(&transaction, &Remove { user: id }).await?;
        let audit = self.concerning(user, AuditAction::UserRemoved, None);
        audit.record(&transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Erases a person's data: name, address, tokens, memberships, notifications, and where their
    /// requests came from. Runs and entries of the audit log keep a pseudonym. Ended in the middle,
    /// it leaves a disabled user, and goes on when it is called again.
    ///
    /// # Errors
    /// [`AccessChangeError`]; what was erased before stays erased.
    pub async fn erase_user(&self, user: UserId) -> Result<Erased, AccessChangeError> {
        match self.disable_user(user).await {
            Ok(()) | Err(AccessChangeError::Already(_)) => {}
            Err(refused) => return Err(refused),
        }
        self.erase_callers(user).await?;
        let id = user.into_uuid();
        loop {
            let batch = RemoveNotifications {
                user: id,
                batch: BATCH,
            };
            if self.execute(&batch).await? == 0 {
                break;
            }
        }
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        hold(&transaction, user).await?;
        execute(&transaction, &RemoveTokens { user: id }).await?;
        execute(&transaction, &RemoveMemberships { user: id }).await?;
        let rest = RemoveNotifications {
            user: id,
            batch: i64::MAX,
        };
        execute(&transaction, &rest).await?;
        let pseudonym = pseudonym(id);
        let erase = Erase {
            user: id,
            pseudonym: &pseudonym,
        };
        execute(&transaction, &erase).await?;
        let audit = self.concerning(user, AuditAction::UserErased, None);
        audit.record(&transaction).await?;
        transaction.commit().await?;
        Ok(Erased { pseudonym })
    }

    async fn erase_callers(&self, user: UserId) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let mut after = Uuid::nil();
        loop {
            let transaction = client.transaction().await?;
            transaction.batch_execute(CHANGE_IS_ERASURE).await?;
            let batch = EraseCallers {
                user: user.into_uuid(),
                after,
                batch: BATCH,
            };
            let last = fetch_optional(&transaction, &batch).await?;
            transaction.commit().await?;
            match last {
                None => return Ok(()),
                Some(row) => after = row.id,
            }
        }
    }
}

/// From the random end of the user's id, which rows keep anyway.
fn pseudonym(user: Uuid) -> String {
    let id = user.simple().to_string();
    format!("erased-user-{}", &id[id.len() - 12..])
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <IsReferredTo as Statement>::INFO,
    <Remove as Statement>::INFO,
    <RemoveMemberships as Statement>::INFO,
    <RemoveTokens as Statement>::INFO,
    <RemoveNotifications as Statement>::INFO,
    <EraseCallers as Statement>::INFO,
    <Erase<'_> as Statement>::INFO,
];
