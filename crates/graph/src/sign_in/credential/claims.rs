//! What an assertion says.

use chrono::{DateTime, Utc};

/// What an assertion of our own says.
pub(crate) struct Claims<'a> {
    /// The address of the token endpoint.
    pub(crate) audience: &'a str,
    pub(crate) client_id: &'a str,
    /// A name that no other assertion has.
    pub(crate) id: String,
    pub(crate) now: DateTime<Utc>,
}
