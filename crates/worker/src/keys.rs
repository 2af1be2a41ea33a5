//! Whether a worker has the keys with which tenants' secrets were stored. With others, it would end
//! every run that it claims.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::health::HealthReporter;

/// How often a worker whose keys open nothing looks at the stored secrets again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Secrets that are tried at most: single ones may be damaged.
const TRIED: i64 = 100;

/// Waits until the keys open a stored secret, or none is stored. False when asked to stop before.
pub async fn await_fit(
    store: &Store,
    keys: &Keyring,
    health: &HealthReporter,
    shutdown: &CancellationToken,
) -> bool {
    // What is looked at again and is the same is no news.
    let mut logged = String::new();
    loop {
        match misfit(store, keys).await {
            Ok(None) => return true,
            Ok(Some(reason)) => {
                if logged != reason {
                    tracing::error!(reason, "not ready");
                }
                health.not_ready(&reason);
                logged = reason;
            }
            Err(error) => {
                let error = Causes(&error).to_string();
                if logged != error {
                    tracing::warn!(error, "the keys could not be tried");
                }
                logged = error;
                health.not_ready("the database does not answer");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => {
                health.withdraw();
                return false;
            }
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// Why the keys are of no use, if they are not, and what to do.
async fn misfit(store: &Store, keys: &Keyring) -> Result<Option<String>, StoreError> {
    let ids: Vec<&str> = keys.key_ids().collect();
    let secrets = store.some_secrets(&ids, TRIED).await?;
    let secrets = secrets.iter().map(|(tenant, sealed)| (*tenant, sealed));
    let refusal = keys.opens_any(secrets, CLIENT_SECRET_COLUMN).err();
    Ok(refusal.map(|refusal| {
        format!(
            "ATLAS_SECRET_KEYS opens none of the stored secrets ({refusal}): give this worker the \
             key that they were stored with, or store them again with: atlas tenant credentials set"
        )
    }))
}
