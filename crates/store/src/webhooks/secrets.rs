//! Signing secrets of endpoints, and the public key that they are encrypted for. A secret for a key that is
//! not the published one is not stored, so that nothing is left for an old key once all others were
//! encrypted again.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RequestId, UserId, WebhookId};
use atlas_domain::webhook::SealedSecret;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::audit::Origin;
use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::webhook_sealing_key as sealing_key;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// How a rotation of a secret went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRotation {
    Rotated,
    /// The user has no such endpoint.
    Unknown,
    /// The secret is for a key that others have replaced; nothing was changed.
    KeyReplaced,
}

statement! {
    struct RotateSecret<'a> {
        endpoint: Uuid,
        user: Uuid,
        key_id: &'a str,
        secret: &'a [u8],
        audit: Uuid,
        request: Uuid,
        request_name: Option<String>,
        address: Option<String>,
        user_agent: Option<String>,
    }
    file: "webhooks/rotate_secret",
    row: RotatedRow,
    constants: [action = AuditAction::WebhookSecretRotated.as_str()],
}

row! {
    struct RotatedRow {
        found: bool,
        sealed: bool,
    }
}

statement! {
    struct PublishKey<'a> {
        key_id: &'a str,
        public_key: &'a [u8],
    }
    file: "webhooks/publish_key",
    row: (),
}

impl Store {
    /// Gives an endpoint of the user another secret; the one before signs beside it for 24 hours.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn rotate_webhook_secret(
        &self,
        user: UserId,
        endpoint: WebhookId,
        secret: &SealedSecret,
        request: RequestId,
        origin: Origin,
    ) -> Result<SecretRotation, StoreError> {
        let rotate = RotateSecret {
            endpoint: endpoint.into_uuid(),
            user: user.into_uuid(),
            key_id: &secret.key_id,
            secret: &secret.bytes,
            audit: self.mint(),
            request: request.into_uuid(),
            request_name: origin.request_name,
            address: origin.address,
            user_agent: origin.user_agent,
        };
        let row = self.fetch_one(&rotate).await?;
        Ok(match (row.found, row.sealed) {
            (false, _) => SecretRotation::Unknown,
            (true, false) => SecretRotation::KeyReplaced,
            (true, true) => SecretRotation::Rotated,
        })
    }

    /// Publishes the key that secrets are encrypted for from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn publish_webhook_key(
        &self,
        key_id: &str,
        public_key: &[u8],
    ) -> Result<(), StoreError> {
        self.execute(&PublishKey { key_id, public_key }).await?;
        Ok(())
    }

    /// The id and the bytes of the key that secrets are encrypted for, once a worker has published one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhook_key(&self) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let query = sealing_key::table.select((sealing_key::key_id, sealing_key::public_key));
        self.read(async |connection| query.first(connection).await.optional())
            .await
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <RotateSecret<'_> as Statement>::INFO,
    <PublishKey<'_> as Statement>::INFO,
];
