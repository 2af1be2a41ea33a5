//! How fresh what is stored of the tenants is, and when what they sign in with ends: numbers over all
//! tenants, in which none of them is named.

use atlas_domain::access::Role;
use atlas_domain::event::EventType;
use atlas_domain::notification::{self, CREDENTIAL_EXPIRING};
use atlas_domain::run::{OperationKind, Outcome};
use atlas_domain::tenant::{CredentialFile, CredentialKind};
use chrono::NaiveDate;

use crate::error::StoreError;
use crate::pool::Store;
use crate::runs::TENANT_NAME;
use crate::statement::{CountRow, row, statement};

/// How many days before its end a client secret is noticed.
const NOTICED_BEFORE: &str = "30";

/// What stands for the day in a notification.
const DAY: &str = "{day}";

/// How many enabled tenants had their last good run of a kind so long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncAge {
    /// The kind's word.
    pub kind: String,
    /// `1h`, `6h`, `1d`, `3d`, `7d`, `30d`: at most that long, and longer than the one before;
    /// `longer`, or `never`.
    pub age: String,
    pub tenants: i64,
}

/// A file that tenants' certificates are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFile {
    /// Nothing when the stored name is not one of a file.
    pub file: Option<CredentialFile>,
    /// Enabled tenants that sign in with it.
    pub tenants: i64,
}

/// A day on which client secrets end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEnd {
    /// Nothing when nobody said when they end.
    pub expires_on: Option<NaiveDate>,
    /// Enabled tenants whose secret ends on it.
    pub tenants: i64,
}

statement! {
    struct CountSyncAges {
        kinds: Vec<&'static str>,
    }
    file: "system/sync_ages",
    row: SyncAgeRow,
    constants: [
        succeeded = Outcome::Succeeded.as_str(),
        partially_succeeded = Outcome::PartiallySucceeded.as_str(),
    ],
}

row! {
    struct SyncAgeRow {
        kind: String,
        age: String,
        tenants: i64,
    }
}

statement! {
    struct FindCertificates {}
    file: "system/certificates",
    row: CertificateRow,
    constants: [certificate = CredentialKind::Certificate.as_str()],
}

row! {
    struct CertificateRow {
        file: Option<String>,
        tenants: i64,
    }
}

statement! {
    struct FindSecretEnds {}
    file: "system/secret_ends",
    row: SecretEndRow,
    constants: [client_secret = CredentialKind::ClientSecret.as_str()],
}

row! {
    struct SecretEndRow {
        expires_on: Option<NaiveDate>,
        tenants: i64,
    }
}

statement! {
    struct NoticeSecretEnds<'a> {
        most: i64,
        title: &'a str,
        body: &'a str,
    }
    file: "system/notice_secret_ends",
    row: CountRow,
    pieces: ["events/pieces/of_notices"],
    constants: [
        client_secret = CredentialKind::ClientSecret.as_str(),
        days = NOTICED_BEFORE,
        notice = CREDENTIAL_EXPIRING,
        owner = Role::Owner.as_str(),
        notified = EventType::NotificationCreated.as_str(),
        event = EventType::CredentialExpiring.as_str(),
    ],
}

impl Store {
    /// Notifies the owners of enabled tenants whose client secrets end within 30 days, once for each end,
    /// of at most so many tenants. Returns of how many.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn notice_secret_ends(&self, most: u32) -> Result<u64, StoreError> {
        let message = notification::credential_expiring(TENANT_NAME, DAY);
        let notice = NoticeSecretEnds {
            most: most.into(),
            title: &message.title,
            body: &message.body,
        };
        Ok(self.fetch_one(&notice).await?.count.unsigned_abs())
    }

    /// How long ago the last good run of each kind of each enabled tenant ended, counted by age. Ages
    /// of no tenant are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sync_ages(&self) -> Result<Vec<SyncAge>, StoreError> {
        let kinds = OperationKind::WORDS.to_vec();
        let rows = self.fetch_all(&CountSyncAges { kinds }).await?;
        let ages = rows.into_iter().map(|row| SyncAge {
            kind: row.kind,
            age: row.age,
            tenants: row.tenants,
        });
        Ok(ages.collect())
    }

    /// The files that certificates of enabled tenants are in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate_files(&self) -> Result<Vec<CertificateFile>, StoreError> {
        let rows = self.fetch_all(&FindCertificates {}).await?;
        let files = rows.into_iter().map(|row| CertificateFile {
            file: row.file.and_then(|name| name.parse().ok()),
            tenants: row.tenants,
        });
        Ok(files.collect())
    }

    /// The days on which client secrets of enabled tenants end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secret_ends(&self) -> Result<Vec<SecretEnd>, StoreError> {
        let rows = self.fetch_all(&FindSecretEnds {}).await?;
        let ends = rows.into_iter().map(|row| SecretEnd {
            expires_on: row.expires_on,
            tenants: row.tenants,
        });
        Ok(ends.collect())
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <CountSyncAges as crate::statement::Statement>::INFO,
    <FindCertificates as crate::statement::Statement>::INFO,
    <NoticeSecretEnds<'_> as crate::statement::Statement>::INFO,
    <FindSecretEnds as crate::statement::Statement>::INFO,
];
