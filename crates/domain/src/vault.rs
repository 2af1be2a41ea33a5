//! Tenant secrets at rest: AES-256-GCM with a random nonce. Tenant, column and key id are
//! associated data, so that a ciphertext copied to another row or column does not open.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::clock::Entropy;
use crate::ids::TenantId;

const NONCE_LENGTH: usize = 12;

/// The column whose secrets [`Keyring::seal`] protects, as part of the associated data.
pub const CLIENT_SECRET_COLUMN: &str = "tenant_credentials.client_secret";

/// The keys of this installation: the first encrypts, all of them decrypt.
pub struct Keyring {
    keys: Vec<NamedKey>,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct NamedKey {
    #[zeroize(skip)]
    id: String,
    key: [u8; 32],
}

/// An encrypted secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key encrypted it.
    pub key_id: String,
    /// The nonce, 12 bytes.
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// Why keys cannot be used, or a secret not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The text does not hold keys.
    #[error("expected one or more ID:KEY pairs joined by commas, each KEY 32 bytes in base64")]
    MalformedKeys,
    /// The secret was encrypted with a key that is not here.
    #[error("the key {0:?} that encrypted this secret is not configured")]
    UnknownKey(String),
    /// Key, row, column or bytes are not those that were encrypted.
    #[error("the secret does not open with its key")]
    Unreadable,
}

impl Keyring {
    /// Reads `id:base64[,id:base64…]`; the first key is the current one.
    ///
    /// # Errors
    /// [`VaultError::MalformedKeys`]; the text itself is never repeated.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let mut keys: Vec<NamedKey> = Vec::new();
        for pair in text.trim().split(',') {
            let (id, encoded) = pair
                .trim()
                .split_once(':')
                .ok_or(VaultError::MalformedKeys)?;
            let mut bytes = STANDARD
                .decode(encoded)
                .map_err(|_| VaultError::MalformedKeys)?;
            let key = <[u8; 32]>::try_from(bytes.as_slice());
            bytes.zeroize();
            let key = key.map_err(|_| VaultError::MalformedKeys)?;
            let usable = !id.is_empty() && keys.iter().all(|known| known.id != id);
            if !usable {
                return Err(VaultError::MalformedKeys);
            }
            keys.push(NamedKey {
                id: id.to_owned(),
                key,
            });
        }
        Ok(Self { keys })
    }

    /// The id of the key that encrypts.
    #[must_use]
    pub fn current_key_id(&self) -> &str {
        &self.keys[0].id
    }

    /// The ids of all keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// A key of its own for another purpose from each of the keys, the current one's first, with their
    /// ids. Whoever has it learns nothing of the key that it is derived from.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Vec<(String, Zeroizing<[u8; 32]>)> {
        let derived = self.keys.iter().map(|key| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(&key.key).expect("HMAC takes keys of any length");
            mac.update(purpose.as_bytes());
            (
                key.id.clone(),
                Zeroizing::new(mac.finalize().into_bytes().into()),
            )
        });
        derived.collect()
    }

    /// Whether these keys belong to the stored secrets: they open one of them, or there is none.
    ///
    /// # Errors
    /// Why the first secret does not open.
    pub fn opens_any<'a>(
        &self,
        secrets: impl IntoIterator<Item = (TenantId, &'a Sealed)>,
        column: &str,
    ) -> Result<(), VaultError> {
        let mut refusal = Ok(());
        for (tenant, sealed) in secrets {
            match self.open(sealed, tenant, column) {
                Ok(_) => return Ok(()),
                Err(error) => refusal = refusal.and(Err(error)),
            }
        }
        refusal
    }

    /// Encrypts `secret` for one column of one tenant with the current key.
    #[must_use]
    pub fn seal(
        &self,
        secret: &SecretString,
        tenant: TenantId,
        column: &str,
        entropy: &dyn Entropy,
    ) -> Sealed {
        let key = &self.keys[0];
        let mut nonce = [0_u8; NONCE_LENGTH];
        entropy.fill(&mut nonce);
        let aad = associated_data(tenant, column, &key.id);
        let ciphertext = Aes256Gcm::new(&key.key.into())
            .encrypt(
                Nonce::from_slice(&nonce),
                Payload {
                    msg: secret.expose_secret().as_bytes(),
                    aad: &aad,
                },
            )
            .expect("AES-GCM encrypts anything shorter than 64 GiB");
        Sealed {
            key_id: key.id.clone(),
            nonce: nonce.to_vec(),
            ciphertext,
        }
    }

    /// Decrypts what [`Keyring::seal`] made for the same tenant and column.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`] and [`VaultError::Unreadable`].
    pub fn open(
        &self,
        sealed: &Sealed,
        tenant: TenantId,
        column: &str,
    ) -> Result<SecretString, VaultError> {
        let key = self
            .keys
            .iter()
            .find(|key| key.id == sealed.key_id)
            .ok_or_else(|| VaultError::UnknownKey(sealed.key_id.clone()))?;
        if sealed.nonce.len() != NONCE_LENGTH {
            return Err(VaultError::Unreadable);
        }
        let aad = associated_data(tenant, column, &key.id);
        let plain = Aes256Gcm::new(&key.key.into())
            .decrypt(
                Nonce::from_slice(&sealed.nonce),
                Payload {
                    msg: &sealed.ciphertext,
                    aad: &aad,
                },
            )
            .map_err(|_| VaultError::Unreadable)?;
        String::from_utf8(plain)
            .map(SecretString::from)
            .map_err(|error| {
                error.into_bytes().zeroize();
                VaultError::Unreadable
            })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| &key.id))
            .finish()
    }
}

fn associated_data(tenant: TenantId, column: &str, key_id: &str) -> Vec<u8> {
    // A byte that no part contains keeps the parts apart.
    format!("{tenant}\u{0}{column}\u{0}{key_id}").into_bytes()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::SystemEntropy;

    fn key(id: &str, fill: u8) -> String {
        format!("{id}:{}", STANDARD.encode([fill; 32]))
    }

    #[test]
    fn a_secret_opens_only_for_its_tenant_column_and_key() {
        let ring = Keyring::parse(&key("a", 1)).unwrap();
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let other = TenantId::from_uuid(Uuid::from_u128(2));
        let sealed = ring.seal(&"hush".to_owned().into(), tenant, "c", &SystemEntropy);
        assert_eq!(
            ring.open(&sealed, tenant, "c").unwrap().expose_secret(),
            "hush"
        );
        assert_eq!(
            ring.open(&sealed, other, "c").unwrap_err(),
            VaultError::Unreadable
        );
        assert_eq!(
            ring.open(&sealed, tenant, "d").unwrap_err(),
            VaultError::Unreadable
        );
        let wrong = Keyring::parse(&key("a", 2)).unwrap();
        assert_eq!(
            wrong.open(&sealed, tenant, "c").unwrap_err(),
            VaultError::Unreadable
        );
        let absent = Keyring::parse(&key("b", 1)).unwrap();
        assert_eq!(
            absent.open(&sealed, tenant, "c").unwrap_err(),
            VaultError::UnknownKey("a".to_owned())
        );
    }

    #[test]
    fn after_a_rotation_old_secrets_open_and_new_ones_use_the_first_key() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let old = Keyring::parse(&key("old", 1)).unwrap();
        let sealed = old.seal(&"hush".to_owned().into(), tenant, "c", &SystemEntropy);
        let both = Keyring::parse(&format!("{},{}", key("new", 2), key("old", 1))).unwrap();
        assert!(both.open(&sealed, tenant, "c").is_ok());
        let again = both.seal(&"hush".to_owned().into(), tenant, "c", &SystemEntropy);
        assert_eq!(
            (again.key_id.as_str(), both.current_key_id()),
            ("new", "new")
        );
        assert_ne!(again.ciphertext, sealed.ciphertext);
    }

    #[test]
    fn keys_belong_to_secrets_when_they_open_one_of_them() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let ring = |id, fill| Keyring::parse(&key(id, fill)).unwrap();
        let secret = "hush".to_owned().into();
        let [ours, same_id, other] = [ring("a", 1), ring("a", 2), ring("b", 3)]
            .map(|ring| ring.seal(&secret, tenant, "c", &SystemEntropy));
        let opens = |secrets: &[&Sealed]| {
            let secrets = secrets.iter().map(|sealed| (tenant, *sealed));
            ring("a", 1).opens_any(secrets, "c")
        };
        assert_eq!(opens(&[]), Ok(()));
        assert_eq!(opens(&[&same_id, &other, &ours]), Ok(()));
        assert_eq!(opens(&[&same_id, &other]), Err(VaultError::Unreadable));
        let unknown = VaultError::UnknownKey("b".to_owned());
        assert_eq!(opens(&[&other, &same_id]), Err(unknown));
    }

    #[test]
    fn malformed_keys_are_refused_without_being_repeated() {
        for text in [
            "",
            "a",
            "a:",
            "a:AAAA",
            &format!("{},{}", key("a", 1), key("a", 2)),
        ] {
            assert_eq!(Keyring::parse(text).unwrap_err(), VaultError::MalformedKeys);
        }
        assert!(!format!("{:?}", Keyring::parse(&key("a", 1)).unwrap()).contains("AQEB"));
    }
}
