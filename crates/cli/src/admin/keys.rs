//! Keys that encrypt tenant secrets.

use anyhow::Context;
use atlas_domain::clock::{Entropy, SystemEntropy};
use atlas_domain::vault::CLIENT_SECRET_COLUMN;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{administer, keyring};
use crate::args::keys::KeysCommand;
use crate::output;

const BATCH: i64 = 100;

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
            let mut rotated = 0_u64;
            loop {
                let batch = store
                    .credentials_not_under(ring.current_key_id(), BATCH)
                    .await?;
                if batch.is_empty() {
                    break;
                }
                for (tenant, old) in batch {
                    let secret = ring
                        .open(&old, tenant, CLIENT_SECRET_COLUMN)
                        .with_context(|| format!("tenant {tenant}"))?;
                    let new = ring.seal(&secret, tenant, CLIENT_SECRET_COLUMN, &SystemEntropy);
                    // False means somebody stored other credentials meanwhile: the next batch sees
                    // them when they are still under an old key.
                    if store.replace_sealed(tenant, &old, &new).await? {
                        rotated += 1;
                    }
                }
            }
            if as_json {
                output::json(&json!({ "rotated": rotated, "key_id": ring.current_key_id() }))?;
            } else {
                let key = ring.current_key_id();
                output::line(format_args!(
                    "{rotated} secrets encrypted again with key {key}."
                ))?;
            }
            Ok(())
        }
    }
}
