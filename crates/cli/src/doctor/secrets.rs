//! Whether the keys open every stored secret.

use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_store::Store;

use super::report::Report;
use crate::admin;
use crate::args::connections::Keys;

const CHECK: &str = "keys";

/// Secrets that are read at once.
const BATCH: i64 = 500;

/// Secrets that do not open and are named; the others are counted.
const MOST_NAMED: usize = 5;

/// Opens each stored secret, and forgets it. Returns the keys, when they can be read.
///
/// # Errors
/// The database went away meanwhile.
pub(super) async fn examine(
    store: &Store,
    keys: &Keys,
    report: &mut Report,
) -> anyhow::Result<Option<Keyring>> {
    let ring = match admin::keyring(keys) {
        Ok(ring) => ring,
        Err(error) => {
            if store.sealed_secrets(None, 1).await?.is_empty() {
                let detail = format!("none needed: no secret is stored ({error:#})");
                report.well(CHECK, "", detail);
            } else {
                let advice = "Give the command the keys that the workers have.";
                report.failed(CHECK, "", format!("{error:#}"), advice);
            }
            return Ok(None);
        }
    };
    let (mut count, mut last) = (0_u64, None);
    let (mut refused, mut named) = (0_u64, Vec::new());
    loop {
        let batch = store.sealed_secrets(last, BATCH).await?;
        let Some((tenant, _)) = batch.last() else {
            break;
        };
        last = Some(*tenant);
        for (tenant, sealed) in &batch {
            count += 1;
            if let Err(error) = ring.open(sealed, *tenant, CLIENT_SECRET_COLUMN) {
                refused += 1;
                if named.len() < MOST_NAMED {
                    named.push(format!("tenant {tenant}: {error}"));
                }
            }
        }
    }
    if refused == 0 {
        report.well(CHECK, "", format!("open all {count} stored secrets"));
    } else {
        report.failed(
            CHECK,
            "",
            format!(
                "{refused} of {count} secrets do not open: {}",
                named.join("; ")
            ),
            "Add the key that encrypted them to ATLAS_SECRET_KEYS (atlas keys rotate encrypts all \
             with the first), or store these secrets again with: atlas tenant credentials set",
        );
    }
    Ok(Some(ring))
}
