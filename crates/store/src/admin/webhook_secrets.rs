//! Encrypting the signing secrets of webhooks again, for another key.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{TenantId, WebhookId};
use atlas_domain::webhook::SealedSecret;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use crate::error::StoreError;
use crate::functions::statement_timestamp;
use crate::pool::Store;
use crate::schema::webhook_endpoints as endpoints;

/// The secrets of an endpoint as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecrets {
    pub current: SealedSecret,
    /// The one before, while both sign.
    pub previous: Option<SealedSecret>,
}

type Row = (Uuid, String, Vec<u8>, Option<String>, Option<Vec<u8>>);

impl Store {
    /// Removes secrets that sign no more. Returns of how many endpoints.
    ///
    /// # Errors
    /// [`StoreError`]; trying again is safe.
    pub async fn remove_expired_webhook_secrets(&self) -> Result<u64, StoreError> {
        let expired =
            endpoints::table.filter(endpoints::previous_until.le(statement_timestamp().nullable()));
        let nothing = (
            endpoints::previous_key_id.eq(None::<String>),
            endpoints::previous_secret.eq(None::<Vec<u8>>),
            endpoints::previous_until.eq(None::<DateTime<Utc>>),
        );
        let removed = self
            .read(async |connection| {
                let removed = diesel::update(expired).set(nothing);
                removed.execute(connection).await
            })
            .await?;
        Ok(removed as u64)
    }

    /// Endpoints with a secret that is encrypted for another key than this one, in the order of their ids,
    /// after this endpoint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhook_secrets_not_under(
        &self,
        key_id: &str,
        after: Option<WebhookId>,
        limit: i64,
    ) -> Result<Vec<(WebhookId, WebhookSecrets)>, StoreError> {
        let after = after.map_or(Uuid::nil(), WebhookId::into_uuid);
        let another = endpoints::key_id
            .ne(key_id)
            .or(endpoints::previous_key_id.ne(key_id));
        let secrets = endpoints::table
            .filter(endpoints::id.gt(after))
            .filter(another)
            .order(endpoints::id)
            .limit(limit)
            .select((
                endpoints::id,
                endpoints::key_id,
                endpoints::secret,
                endpoints::previous_key_id,
                endpoints::previous_secret,
            ));
        let rows: Vec<Row> = self
            .read(async |connection| secrets.load(connection).await)
            .await?;
        Ok(rows.into_iter().map(stored).collect())
    }

    /// Puts the same secrets under another key, unless the owner rotated them, or deleted the endpoint,
    /// meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_webhook_secrets(
        &self,
        endpoint: WebhookId,
        old: &WebhookSecrets,
        new: &WebhookSecrets,
    ) -> Result<bool, StoreError> {
        // Every encryption has other bytes, and the secret before changes with the current one only.
        let same = endpoints::table
            .find(endpoint.into_uuid())
            .filter(endpoints::secret.eq(&old.current.bytes));
        let previous = new.previous.as_ref();
        let sealed = (
            endpoints::key_id.eq(&new.current.key_id),
            endpoints::secret.eq(&new.current.bytes),
            endpoints::previous_key_id.eq(previous.map(|sealed| &sealed.key_id)),
            endpoints::previous_secret.eq(previous.map(|sealed| &sealed.bytes)),
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    let tenant: Option<Option<Uuid>> = diesel::update(same)
                        .set(sealed)
                        .returning(endpoints::tenant_id)
                        .get_result(connection)
                        .await
                        .optional()?;
                    let Some(tenant) = tenant else {
                        return Ok(false);
                    };
                    let audit = self.administered(
                        tenant.map(TenantId::from_uuid),
                        AuditAction::WebhookKeyRotated,
                        ("webhook", endpoint.to_string()),
                        Some(json!({ "key_id": new.current.key_id })),
                    );
                    audit.insert(connection).await?;
                    Ok(true)
                })
                .await
        })
        .await
    }
}

fn stored(
    (id, key_id, secret, previous_key_id, previous_secret): Row,
) -> (WebhookId, WebhookSecrets) {
    let previous = previous_key_id.zip(previous_secret);
    let secrets = WebhookSecrets {
        current: SealedSecret {
            key_id,
            bytes: secret,
        },
        previous: previous.map(|(key_id, bytes)| SealedSecret { key_id, bytes }),
    };
    (WebhookId::from_uuid(id), secrets)
}
