//! Tokens that were looked up a moment ago. Only valid ones are kept: a refusal is always fresh.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use atlas_domain::access::api_token::TokenHash;
use atlas_store::Principal;

/// Entries at most.
const CAPACITY: usize = 10_000;

/// From token to user. A revoked token works for at most the life of an entry.
pub(crate) struct TokenCache {
    life: Duration,
    entries: Mutex<HashMap<TokenHash, (Instant, Principal)>>,
}

impl TokenCache {
    /// Entries live this long.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            life,
            entries: Mutex::default(),
        }
    }

    /// The user of a token that was looked up a moment ago.
    pub(crate) fn get(&self, hash: &TokenHash) -> Option<Principal> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, principal) = entries.get(hash)?;
        (at.elapsed() < self.life).then(|| principal.clone())
    }

    /// Remembers whose token it is.
    pub(crate) fn put(&self, hash: TokenHash, principal: Principal) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CAPACITY {
            entries.retain(|_, (at, _)| at.elapsed() < self.life);
        }
        if entries.len() < CAPACITY {
            entries.insert(hash, (Instant::now(), principal));
        }
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
    fn an_entry_is_found_while_it_lives() {
        let hash = ApiToken::mint(&SystemEntropy).hash();
        let cache = TokenCache::new(Duration::from_secs(60));
        assert_eq!(cache.get(&hash), None);
        cache.put(hash, principal());
        assert_eq!(cache.get(&hash), Some(principal()));
        let dead = TokenCache::new(Duration::ZERO);
        dead.put(hash, principal());
        assert_eq!(dead.get(&hash), None);
    }

    #[test]
    fn the_cache_does_not_grow_beyond_its_capacity() {
        let cache = TokenCache::new(Duration::from_secs(60));
        for _ in 0..CAPACITY + 10 {
            cache.put(ApiToken::mint(&SystemEntropy).hash(), principal());
        }
        assert_eq!(cache.entries.lock().unwrap().len(), CAPACITY);
    }
}
