//! Whether a worker has the keys with which tenants' secrets were stored. With others, it would end
//! every run that it claims.

use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_store::{Store, StoreError};

/// Secrets that are tried at most: single ones may be damaged.
const TRIED: i64 = 100;

/// Why the keys are of no use, if they are not, and what to do.
pub(crate) async fn misfit(store: &Store, keys: &Keyring) -> Result<Option<String>, StoreError> {
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
