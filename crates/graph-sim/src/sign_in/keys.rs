//! The keys that tokens for users are signed with, and how others learn of them.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::assertion::now;
use crate::answer::random_guid;

/// A key, which is published under its name.
pub(super) struct SigningKey {
    id: String,
    private: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    fn generate() -> Option<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let der = pair.as_der().ok()?;
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let private = EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
        let public = Jwk::from_encoding_key(&private, Algorithm::RS256).ok()?;
        Some(Self {
            id: random_guid(),
            private,
            public,
        })
    }
}

/// Two keys are published: the one that signs, and the one that signed before or will after it.
pub(super) struct Keys([SigningKey; 2]);

impl Keys {
    /// # Panics
    /// When the machine gives no random numbers.
    pub(super) fn generate() -> Self {
        let key = || SigningKey::generate().expect("keys can be made");
        Self([key(), key()])
    }

    /// Signs with the other key from now on, and replaces the one that signed.
    ///
    /// # Panics
    /// When the machine gives no random numbers.
    pub(super) fn rotate(&mut self) {
        self.0.swap(0, 1);
        self.0[1] = SigningKey::generate().expect("keys can be made");
    }

    /// The published keys.
    pub(super) fn published(&self, issuer: &str) -> Value {
        let keys = self.0.iter().map(|key| {
            let mut published = serde_json::to_value(&key.public).unwrap_or_default();
            published["kid"] = json!(key.id);
            published["use"] = json!("sig");
            published["issuer"] = json!(issuer);
            published
        });
        json!({"keys": keys.collect::<Vec<_>>()})
    }

    pub(super) fn sign(&self, claims: &Value) -> Option<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.0[0].id.clone());
        encode(&header, claims, &self.0[0].private).ok()
    }

    /// The claims of a token that one of the keys signed.
    pub(super) fn claims(&self, token: &str) -> Option<Value> {
        let id = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.0.iter().find(|key| key.id == id)?;
        let public = DecodingKey::from_jwk(&key.public).ok()?;
        super::assertion::verified(token, &public, Algorithm::RS256)
    }
}

/// A token for a user of an application, as it is to be issued.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserToken {
    /// The application that it is for, by its client id.
    pub audience: String,
    /// The user's object id; made up when absent.
    pub user: Option<String>,
    /// What the user's program may do; empty for a token of a program without a user.
    pub scopes: String,
    /// Roles of the application.
    pub roles: Vec<String>,
    /// How long it is good for, in seconds; negative for one that expired.
    pub lifetime_seconds: i64,
    /// In version 1 of the format.
    pub version_1: bool,
}

impl Default for UserToken {
    fn default() -> Self {
        Self {
            audience: String::new(),
            user: None,
            scopes: "access_as_user".to_owned(),
            roles: Vec::new(),
            lifetime_seconds: 3_600,
            version_1: false,
        }
    }
}

impl UserToken {
    /// The claims of the token. `root` is the address of the sign-in service.
    pub(super) fn claims(&self, root: &str, tenant: &str) -> Value {
        let now = now();
        let user = self.user.clone().unwrap_or_else(random_guid);
        let begun = now.min(now + self.lifetime_seconds) - 60;
        let (version, issuer) = if self.version_1 {
            ("1.0", format!("{root}/{tenant}/"))
        } else {
            ("2.0", format!("{root}/{tenant}/v2.0"))
        };
        let mut claims = json!({
            "aud": self.audience,
            "iss": issuer,
            "iat": begun,
            "nbf": begun,
            "exp": now + self.lifetime_seconds,
            "oid": user,
            "sub": random_guid(),
            "tid": tenant,
            "uti": random_guid(),
            "ver": version,
        });
        if self.scopes.is_empty() {
            claims["idtyp"] = json!("app");
        } else {
            claims["scp"] = json!(self.scopes);
            claims["preferred_username"] = json!("somebody@example.com");
            claims["name"] = json!("Somebody");
        }
        if !self.roles.is_empty() {
            claims["roles"] = json!(self.roles);
        }
        claims
    }
}

/// What clients read to find the keys. `root` is the address of the sign-in service.
pub(super) fn discovery(root: &str, tenant: &str, issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{root}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{root}/{tenant}/oauth2/v2.0/token"),
        "jwks_uri": format!("{root}/{tenant}/discovery/v2.0/keys"),
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "cloud_instance_name": "microsoftonline.com",
    })
}
