//! Signing secrets at rest. Whoever makes a secret encrypts it for a public key, and only workers, which
//! have the keys of the installation, can read it again (HPKE, RFC 9180, in its base mode, with X25519,
//! HKDF-SHA256 and AES-256-GCM). Endpoint and key id are bound in, so that a secret that is copied to
//! another row does not open.

use std::fmt;

use atlas_domain::ids::WebhookId;
use atlas_domain::vault::Keyring;
use atlas_domain::webhook::SealedSecret;
use aws_lc_rs::agreement::{PrivateKey, X25519};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke as _, HpkePrivateKey, HpkePublicKey};
use secrecy::ExposeSecret as _;
use zeroize::Zeroize as _;

use crate::secret::Secret;

/// What the keys are derived for, and what a ciphertext is for.
const PURPOSE: &str = "tenantatlas webhook secrets 1";

/// Length of a public key, and of what a ciphertext begins with.
const PUBLIC_LENGTH: usize = 32;

/// Why a secret was not encrypted or not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// It was encrypted for a key that is not here.
    #[error("the key {0:?} of this webhook's secret is not configured")]
    UnknownKey(String),
    /// A key cannot be used.
    #[error("the key {0:?} cannot be used for secrets of webhooks")]
    Key(String),
    /// Key, endpoint or bytes are not those that were encrypted.
    #[error("the webhook's secret does not open with its key")]
    Unreadable,
}

/// The public key that secrets are encrypted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKey {
    id: String,
    public: Vec<u8>,
}

/// The keys that open secrets, the current one first.
pub struct OpeningKeys {
    sealing: SealingKey,
    keys: Vec<(String, HpkePrivateKey)>,
}

impl SealingKey {
    /// A key as it was published.
    #[must_use]
    pub const fn new(id: String, public: Vec<u8>) -> Self {
        Self { id, public }
    }

    /// The id of the keys' own key that it was derived from.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The bytes to publish.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Encrypts a secret for one endpoint.
    ///
    /// # Errors
    /// [`SealingError::Key`] when this is no public key.
    pub fn seal(&self, secret: &Secret, endpoint: WebhookId) -> Result<SealedSecret, SealingError> {
        let refused = |_| SealingError::Key(self.id.clone());
        let text = secret.to_text();
        let aad = associated_data(endpoint, &self.id);
        let public = HpkePublicKey(self.public.clone());
        let (encapsulated, ciphertext) = SUITE
            .seal(
                PURPOSE.as_bytes(),
                &aad,
                text.expose_secret().as_bytes(),
                &public,
            )
            .map_err(refused)?;
        Ok(SealedSecret {
            key_id: self.id.clone(),
            bytes: [encapsulated.0, ciphertext].concat(),
        })
    }
}

impl OpeningKeys {
    /// Derives them from the keys of the installation.
    ///
    /// # Errors
    /// [`SealingError::Key`].
    pub fn new(keyring: &Keyring) -> Result<Self, SealingError> {
        let mut keys = Vec::new();
        let mut sealing = None;
        for (id, key) in keyring.derive(PURPOSE) {
            let private = PrivateKey::from_private_key(&X25519, &*key)
                .map_err(|_| SealingError::Key(id.clone()))?;
            let public = private
                .compute_public_key()
                .map_err(|_| SealingError::Key(id.clone()))?;
            sealing.get_or_insert_with(|| SealingKey::new(id.clone(), public.as_ref().to_vec()));
            keys.push((id, HpkePrivateKey::from(key.to_vec())));
        }
        let sealing = sealing.ok_or_else(|| SealingError::Key(String::new()))?;
        Ok(Self { sealing, keys })
    }

    /// What secrets are to be encrypted for from now on.
    #[must_use]
    pub const fn sealing_key(&self) -> &SealingKey {
        &self.sealing
    }

    /// Reads what [`SealingKey::seal`] made for the same endpoint.
    ///
    /// # Errors
    /// [`SealingError`].
    pub fn open(&self, sealed: &SealedSecret, endpoint: WebhookId) -> Result<Secret, SealingError> {
        let known = self.keys.iter().find(|(id, _)| *id == sealed.key_id);
        let (id, key) = known.ok_or_else(|| SealingError::UnknownKey(sealed.key_id.clone()))?;
        let (encapsulated, ciphertext) = sealed
            .bytes
            .split_at_checked(PUBLIC_LENGTH)
            .ok_or(SealingError::Unreadable)?;
        let encapsulated = EncapsulatedSecret(encapsulated.to_vec());
        let aad = associated_data(endpoint, id);
        let mut plain = SUITE
            .open(&encapsulated, PURPOSE.as_bytes(), &aad, ciphertext, key)
            .map_err(|_| SealingError::Unreadable)?;
        let secret = std::str::from_utf8(&plain).ok().map(Secret::parse);
        plain.zeroize();
        secret.and_then(Result::ok).ok_or(SealingError::Unreadable)
    }
}

impl fmt::Debug for OpeningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(id, _)| id))
            .finish()
    }
}

fn associated_data(endpoint: WebhookId, key_id: &str) -> Vec<u8> {
    // A byte that no part contains keeps the parts apart.
    format!("{endpoint}\u{0}{key_id}").into_bytes()
}

#[cfg(test)]
mod tests {
    use atlas_domain::clock::{SystemClock, SystemEntropy};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn key(id: &str, fill: u8) -> String {
        format!("{id}:{}", STANDARD.encode([fill; 32]))
    }

    fn keys(text: &str) -> OpeningKeys {
        OpeningKeys::new(&Keyring::parse(text).unwrap()).unwrap()
    }

    fn text(secret: &Secret) -> String {
        secret.to_text().expose_secret().to_owned()
    }

    #[test]
    fn a_secret_opens_with_the_keys_and_for_its_endpoint_only() {
        let opening = keys(&key("a", 1));
        let endpoint = WebhookId::mint(&SystemClock, &SystemEntropy);
        let secret = Secret::generate(&SystemEntropy);
        let sealed = opening.sealing_key().seal(&secret, endpoint).unwrap();
        let opened = opening.open(&sealed, endpoint).unwrap();
        assert_eq!(text(&opened), text(&secret));

        let other = WebhookId::mint(&SystemClock, &SystemEntropy);
        let refused = opening.open(&sealed, other).unwrap_err();
        assert_eq!(refused, SealingError::Unreadable);
        let same_name = keys(&key("a", 2));
        let refused = same_name.open(&sealed, endpoint).unwrap_err();
        assert_eq!(refused, SealingError::Unreadable);
        let refused = keys(&key("b", 1)).open(&sealed, endpoint).unwrap_err();
        assert_eq!(refused, SealingError::UnknownKey("a".to_owned()));
        for length in [0, 20, 40, sealed.bytes.len() - 1] {
            let mut cut = sealed.clone();
            cut.bytes.truncate(length);
            let refused = opening.open(&cut, endpoint).unwrap_err();
            assert_eq!(refused, SealingError::Unreadable, "{length}");
        }
    }

    #[test]
    fn while_keys_rotate_old_secrets_open_and_new_ones_are_for_the_first_key() {
        let (old, both) = (
            keys(&key("a", 1)),
            keys(&[key("b", 2), key("a", 1)].join(",")),
        );
        let endpoint = WebhookId::mint(&SystemClock, &SystemEntropy);
        let secret = Secret::generate(&SystemEntropy);
        let sealed = old.sealing_key().seal(&secret, endpoint).unwrap();
        assert_eq!(text(&both.open(&sealed, endpoint).unwrap()), text(&secret));
        assert_eq!(both.sealing_key().id(), "b");
    }

    #[test]
    fn whoever_can_encrypt_holds_no_secret_and_debug_shows_none() {
        let opening = keys(&key("a", 1));
        let endpoint = WebhookId::mint(&SystemClock, &SystemEntropy);
        let secret = Secret::generate(&SystemEntropy);
        let published = opening.sealing_key();
        let published = SealingKey::new(published.id().to_owned(), published.public().to_vec());
        let sealed = published.seal(&secret, endpoint).unwrap();
        let clear = text(&secret);
        assert!(!String::from_utf8_lossy(&sealed.bytes).contains(&clear[6..]));
        assert_eq!(format!("{opening:?}"), r#"["a"]"#);
        let broken = SealingKey::new("a".to_owned(), vec![1, 2, 3]);
        let refused = broken.seal(&secret, endpoint).unwrap_err();
        assert_eq!(refused, SealingError::Key("a".to_owned()));
    }
}
