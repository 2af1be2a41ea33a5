//! Removing users, and erasing a person's data where runs refer to them.

use std::collections::HashSet;
use std::time::Duration;

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::UserId;
use uuid::Uuid;

use super::refusal::AccessChangeError;
use super::standing::{hold, owners_remain};
use crate::error::StoreError;
use crate::events::lock_log;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{execute, fetch_one, fetch_optional, row, statement};

/// Rows that one transaction of an erasure changes or reads at most.
const BATCH: i64 = 1_000;

/// How long what was under way when an erasure began may take: longer than any statement does.
const LONGEST_WRITE: Duration = Duration::from_secs(60);
/// Between two looks at what is under way.
const WRITERS_PAUSE: Duration = Duration::from_millis(20);

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
    struct RemoveWebhooks {
        user: Uuid,
    }
    file: "webhooks/remove_of_user",
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
    struct RemoveEvents {
        user: Uuid,
        batch: i64,
    }
    file: "people/remove_events",
    row: (),
}

statement! {
    struct FindWriters {}
    file: "people/find_writers",
    row: WriterRow,
}

row! {
    struct WriterRow {
        transaction: String,
    }
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
    /// requests came from. Runs and entries of the audit log keep a pseudonym. What was under way when
    /// it began is waited for, so that nothing of the person is written afterwards. Ended in the
    /// middle, it leaves a disabled user, and goes on when it is called again.
    ///
    /// # Errors
    /// [`AccessChangeError`]; what was erased before stays erased. [`StoreError::Busy`] when what was
    /// under way does not end within a minute.
    pub async fn erase_user(&self, user: UserId) -> Result<Erased, AccessChangeError> {
        loop {
            self.end_access(user).await?;
            self.wait_for_writers().await?;
            self.erase_callers(user).await?;
            self.remove_notifications(user).await?;
            self.remove_events(user).await?;
            if let Some(erased) = self.leave_a_pseudonym(user).await? {
                return Ok(erased);
            }
        }
    }

    /// Disables the user and ends every membership. Statements that begin afterwards write neither an
    /// address nor a notification of the user.
    async fn end_access(&self, user: UserId) -> Result<(), AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let standing = hold(&transaction, user).await?;
        owners_remain(&transaction, user, None).await?;
        let id = user.into_uuid();
        execute(&transaction, &RemoveTokens { user: id }).await?;
        execute(&transaction, &RemoveWebhooks { user: id }).await?;
        execute(&transaction, &RemoveMemberships { user: id }).await?;
        if standing.disabled {
            Ok(transaction.commit().await?)
        } else {
            self.set_disabled(transaction, user, true).await
        }
    }

    /// Waits for every transaction that writes audit entries or notifications now. A statement locks
    /// its tables before it looks at the rows: one that does not have the locks yet will see what was
    /// committed before this call.
    async fn wait_for_writers(&self) -> Result<(), StoreError> {
        let ended = async {
            let mut waited_for = self.writers().await?;
            while !waited_for.is_empty() {
                tokio::time::sleep(WRITERS_PAUSE).await;
                let writers = self.writers().await?;
                waited_for.retain(|writer| writers.contains(writer));
            }
            Ok::<(), StoreError>(())
        };
        tokio::time::timeout(LONGEST_WRITE, ended)
            .await
            .unwrap_or_else(|_| Err(StoreError::Busy("statements under way do not end".into())))
    }

    async fn writers(&self) -> Result<HashSet<String>, StoreError> {
        let writers = self.fetch_all(&FindWriters {}).await?;
        Ok(writers.into_iter().map(|row| row.transaction).collect())
    }

    async fn remove_notifications(&self, user: UserId) -> Result<(), StoreError> {
        let batch = RemoveNotifications {
            user: user.into_uuid(),
            batch: BATCH,
        };
        while self.execute(&batch).await? > 0 {}
        Ok(())
    }

    /// Of notifications that are gone no event is made any more, once whoever numbers events has ended.
    async fn remove_events(&self, user: UserId) -> Result<(), StoreError> {
        let batch = RemoveEvents {
            user: user.into_uuid(),
            batch: BATCH,
        };
        let mut client = self.client().await?;
        loop {
            let transaction = client.transaction().await?;
            lock_log(&transaction).await?;
            let removed = execute(&transaction, &batch).await?;
            transaction.commit().await?;
            if removed == 0 {
                return Ok(());
            }
        }
    }

    /// The end of an erasure. None when somebody enabled the user, or made them a member of a tenant,
    /// in the meantime.
    async fn leave_a_pseudonym(&self, user: UserId) -> Result<Option<Erased>, AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let standing = hold(&transaction, user).await?;
        let id = user.into_uuid();
        let joined = execute(&transaction, &RemoveMemberships { user: id }).await? > 0;
        if joined || !standing.disabled {
            return Ok(None);
        }
        let pseudonym = pseudonym(id);
        let erase = Erase {
            user: id,
            pseudonym: &pseudonym,
        };
        execute(&transaction, &erase).await?;
        let audit = self.concerning(user, AuditAction::UserErased, None);
        audit.record(&transaction).await?;
        transaction.commit().await?;
        Ok(Some(Erased { pseudonym }))
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
    <RemoveWebhooks as Statement>::INFO,
    <RemoveNotifications as Statement>::INFO,
    <RemoveEvents as Statement>::INFO,
    <FindWriters as Statement>::INFO,
    <EraseCallers as Statement>::INFO,
    <Erase<'_> as Statement>::INFO,
];
