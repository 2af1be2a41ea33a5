//! Keys that encrypt secrets of tenants and of webhooks.

use anyhow::{Context, anyhow};
use atlas_domain::clock::{Entropy, SystemEntropy};
use atlas_domain::ids::WebhookId;
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_store::{Store, WebhookSecrets};
use atlas_webhooks::{OpeningKeys, SealingError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{administer, keyring};
use crate::args::keys::KeysCommand;
use crate::output;

const BATCH: i64 = 100;
/// How often all secrets are looked at. The second time finds what was stored meanwhile.
const PASSES: u32 = 3;

/// Rotates, or makes a key.
pub(crate) async fn run(command: KeysCommand, as_json: bool) -> anyhow::Result<()> {
    match command {
        KeysCommand::Generate { id } => {
            let mut key = [0_u8; 32];
            SystemEntropy.fill(&mut key);
            output::line(format_args!("{id}:{}", STANDARD.encode(key)))?;
            Ok(())
        }
        KeysCommand::Rotate {
            administration,
            keys,
        } => {
            let ring = keyring(&keys)?;
            let store = administer(&administration)?;
            let rotated = rotate(&store, &ring).await?;
            let webhooks = rotate_webhooks(&store, &ring).await?;
            let key = ring.current_key_id();
            if as_json {
                output::json(&json!({ "rotated": rotated, "webhooks": webhooks, "key_id": key }))?;
            } else {
                output::line(format_args!(
                    "{rotated} secrets of tenants and those of {webhooks} webhooks encrypted again with \
                     key {key}."
                ))?;
            }
            Ok(())
        }
    }
}

/// Encrypts every secret of a tenant with the first key, and says how many.
async fn rotate(store: &Store, ring: &Keyring) -> anyhow::Result<u64> {
    let mut rotated = 0;
    for _ in 0..PASSES {
        let (mut last, mut found) = (None, false);
        loop {
            let batch = store
                .credentials_not_under(ring.current_key_id(), last, BATCH)
                .await?;
            let Some((tenant, _)) = batch.last() else {
                break;
            };
            (last, found) = (Some(*tenant), true);
            for (tenant, old) in batch {
                let secret = ring
                    .open(&old, tenant, CLIENT_SECRET_COLUMN)
                    .with_context(|| format!("tenant {tenant}"))?;
                let new = ring.seal(&secret, tenant, CLIENT_SECRET_COLUMN, &SystemEntropy);
                // False means that somebody stored other credentials meanwhile: the next pass sees
                // them when they are under another key.
                rotated += u64::from(store.replace_sealed(tenant, &old, &new).await?);
            }
        }
        if !found {
            return Ok(rotated);
        }
    }
    Err(raced(rotated, ring))
}

/// Encrypts the secrets of every webhook for the first key, and says of how many. The key is published
/// first: the API stores no secret for another one from then on.
async fn rotate_webhooks(store: &Store, ring: &Keyring) -> anyhow::Result<u64> {
    let keys = OpeningKeys::new(ring)?;
    let key = keys.sealing_key();
    let mut rotated = 0;
    for _ in 0..PASSES {
        store.publish_webhook_key(key.id(), key.public()).await?;
        store.remove_expired_webhook_secrets().await?;
        let (mut last, mut found) = (None, false);
        loop {
            let batch = store
                .webhook_secrets_not_under(key.id(), last, BATCH)
                .await?;
            let Some((webhook, _)) = batch.last() else {
                break;
            };
            (last, found) = (Some(*webhook), true);
            for (webhook, old) in batch {
                let new = encrypted_again(&keys, webhook, &old)
                    .with_context(|| format!("webhook {webhook}"))?;
                rotated += u64::from(store.replace_webhook_secrets(webhook, &old, &new).await?);
            }
        }
        let published = store.webhook_key().await?;
        let is_ours = published.is_some_and(|(id, _)| id == key.id());
        if is_ours && !found {
            return Ok(rotated);
        }
    }
    Err(raced(rotated, ring))
}

fn encrypted_again(
    keys: &OpeningKeys,
    webhook: WebhookId,
    old: &WebhookSecrets,
) -> Result<WebhookSecrets, SealingError> {
    let again = |sealed| {
        let secret = keys.open(sealed, webhook)?;
        keys.sealing_key().seal(&secret, webhook)
    };
    Ok(WebhookSecrets {
        current: again(&old.current)?,
        previous: old.previous.as_ref().map(again).transpose()?,
    })
}

fn raced(rotated: u64, ring: &Keyring) -> anyhow::Error {
    anyhow!(
        "{rotated} secrets were encrypted again with key {}, and others are being stored with another \
         key at the same time: give every program the same first key in ATLAS_SECRET_KEYS, then \
         repeat this",
        ring.current_key_id()
    )
}
