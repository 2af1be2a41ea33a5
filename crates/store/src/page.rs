//! Keyset pages.

/// Which part of an ordered list to read.
#[derive(Debug, Clone)]
pub struct PageRequest<K> {
    /// How many rows at most. Callers ask for one more than they show, to know whether more follow.
    pub limit: i64,
    /// The key of the last row of the page before; absent for the first page.
    pub after: Option<K>,
}

impl<K> PageRequest<K> {
    /// The first page.
    #[must_use]
    pub const fn first(limit: i64) -> Self {
        Self { limit, after: None }
    }
}
