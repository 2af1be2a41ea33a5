//! Tokens that were looked up a moment ago: valid ones for some seconds, refused ones for one.

use std::time::Duration;

use atlas_domain::access::api_token::TokenHash;
use atlas_store::Principal;
use tokio::time::timeout;

use crate::extract::recent::Recent;

/// For how long a refusal is remembered, so that a flood of one token asks the database once a
/// second.
const REFUSED_LIFE: Duration = Duration::from_secs(1);
/// Look-ups of tokens with the same first byte, modulo this, take turns.
const TURNS: usize = 64;
/// How long a look-up waits for its turn, before it goes beside the slow one that it waits for.
const TURN: Duration = Duration::from_secs(1);

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedToken {
    Unknown,
    Expired,
    Revoked,
}

/// From token to user. A revoked token works for at most the life of an entry.
pub(crate) struct TokenCache {
    valid: Recent<TokenHash, Principal>,
    refused: Recent<TokenHash, RefusedToken>,
    turns: [tokio::sync::Mutex<()>; TURNS],
}

impl TokenCache {
    /// Entries of valid tokens live this long.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            valid: Recent::new(life),
            refused: Recent::new(REFUSED_LIFE.min(life)),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
        }
    }

    /// The user of a token that was looked up a moment ago.
    pub(crate) fn get(&self, hash: &TokenHash) -> Option<Principal> {
        self.valid.get(hash)
    }

    /// Whether the token was valid when it was last looked up, however long ago that is.
    pub(crate) fn was_valid(&self, hash: &TokenHash) -> bool {
        self.valid.has(hash)
    }

    /// Why the token was refused a moment ago.
    pub(crate) fn refused(&self, hash: &TokenHash) -> Option<RefusedToken> {
        self.refused.get(hash)
    }

    /// Remembers whose token it is.
    pub(crate) fn put(&self, hash: TokenHash, principal: Principal) {
        self.valid.put(hash, principal);
    }

    /// Remembers that the token is refused.
    pub(crate) fn refuse(&self, hash: TokenHash, why: RefusedToken) {
        self.valid.remove(&hash);
        self.refused.put(hash, why);
    }

    /// The turn to look the token up; none when whoever has it is slow.
    pub(crate) async fn turn(&self, hash: &TokenHash) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let turn = &self.turns[usize::from(hash.as_bytes()[0]) % TURNS];
        timeout(TURN, turn.lock()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::access::api_token::ApiToken;
    use atlas_domain::clock::SystemEntropy;
    use atlas_domain::ids::{TokenId, UserId};
    use uuid::Uuid;

    use super::*;

    fn principal() -> Principal {
        Principal {
            user_id: UserId::from_uuid(Uuid::from_u128(1)),
            token_id: TokenId::from_uuid(Uuid::from_u128(2)),
            email: "a@example.test".to_owned(),
            display_name: "A".to_owned(),
            is_operator: false,
        }
    }

    #[test]
    fn a_refused_token_is_remembered_and_was_valid_no_more() {
        let hash = ApiToken::mint(&SystemEntropy).hash();
        let cache = TokenCache::new(Duration::from_secs(60));
        cache.put(hash, principal());
        assert!(cache.was_valid(&hash));
        assert_eq!(cache.refused(&hash), None);
        cache.refuse(hash, RefusedToken::Revoked);
        assert!(!cache.was_valid(&hash));
        assert_eq!(cache.get(&hash), None);
        assert_eq!(cache.refused(&hash), Some(RefusedToken::Revoked));
    }
}
