//! Tokens that were looked up a moment ago: valid ones for some seconds, refused ones for one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use atlas_domain::access::api_token::TokenHash;
use atlas_store::Principal;
use tokio::time::timeout;

/// Entries of each sort at most.
const CAPACITY: usize = 10_000;
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
    life: Duration,
    valid: Mutex<Entries<Principal>>,
    refused: Mutex<Entries<RefusedToken>>,
    turns: [tokio::sync::Mutex<()>; TURNS],
}

type Entries<T> = HashMap<TokenHash, (Instant, T)>;

impl TokenCache {
    /// Entries of valid tokens live this long.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            life,
            valid: Mutex::default(),
            refused: Mutex::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
        }
    }

    /// The user of a token that was looked up a moment ago.
    pub(crate) fn get(&self, hash: &TokenHash) -> Option<Principal> {
        living(&self.valid, hash, self.life)
    }

    /// Whether the token was valid when it was last looked up, however long ago that is.
    pub(crate) fn was_valid(&self, hash: &TokenHash) -> bool {
        lock(&self.valid).contains_key(hash)
    }

    /// Why the token was refused a moment ago.
    pub(crate) fn refused(&self, hash: &TokenHash) -> Option<RefusedToken> {
        living(&self.refused, hash, self.refused_life())
    }

    /// Remembers whose token it is.
    pub(crate) fn put(&self, hash: TokenHash, principal: Principal) {
        insert(&self.valid, hash, principal, self.life);
    }

    /// Remembers that the token is refused.
    pub(crate) fn refuse(&self, hash: TokenHash, why: RefusedToken) {
        lock(&self.valid).remove(&hash);
        insert(&self.refused, hash, why, self.refused_life());
    }

    /// The turn to look the token up; none when whoever has it is slow.
    pub(crate) async fn turn(&self, hash: &TokenHash) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let turn = &self.turns[usize::from(hash.as_bytes()[0]) % TURNS];
        timeout(TURN, turn.lock()).await.ok()
    }

    fn refused_life(&self) -> Duration {
        REFUSED_LIFE.min(self.life)
    }
}

fn lock<T>(entries: &Mutex<Entries<T>>) -> std::sync::MutexGuard<'_, Entries<T>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

fn living<T: Clone>(entries: &Mutex<Entries<T>>, hash: &TokenHash, life: Duration) -> Option<T> {
    let entries = lock(entries);
    let (at, value) = entries.get(hash)?;
    (at.elapsed() < life).then(|| value.clone())
}

fn insert<T>(entries: &Mutex<Entries<T>>, hash: TokenHash, value: T, life: Duration) {
    let mut entries = lock(entries);
    if entries.len() >= CAPACITY {
        entries.retain(|_, (at, _)| at.elapsed() < life);
    }
    if entries.len() < CAPACITY {
        entries.insert(hash, (Instant::now(), value));
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
        assert_eq!(cache.valid.lock().unwrap().len(), CAPACITY);
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
