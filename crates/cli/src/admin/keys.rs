//! Keys that encrypt tenant secrets.

use anyhow::{Context, bail};
use atlas_domain::clock::{Entropy, SystemEntropy};
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_store::Store;
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

/// Encrypts every secret with the first key, and says how many.
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
    bail!(
        "{rotated} secrets were encrypted again with key {}, and others are being stored with another \
         key at the same time: give every program the same first key in ATLAS_SECRET_KEYS, then \
         repeat this",
        ring.current_key_id()
    )
}
