//! One read of a batch, and where it stands.

use crate::request::call::AddressKind;
use crate::request::pacer::Charge;

/// One read of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubRequest {
    pub(super) url: String,
    pub(super) address_kind: AddressKind,
}

impl SubRequest {
    /// Reads the first page of a list. `url` begins with a slash, is relative to the version's root
    /// and is sent as it is.
    #[must_use]
    pub fn list(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            address_kind: AddressKind::First,
        }
    }

    /// Reads one object. Its absence is [`GraphErrorKind::ObjectNotFound`](crate::GraphErrorKind::ObjectNotFound).
    #[must_use]
    pub fn object(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            address_kind: AddressKind::Object,
        }
    }
}

/// A read that has no answer yet.
#[derive(Clone, Copy)]
pub(super) struct Waiting<'a> {
    /// Its place among all reads.
    pub(super) place: usize,
    pub(super) request: &'a SubRequest,
    pub(super) charge: Charge,
    pub(super) attempts: u32,
    /// Attempts that ended with an error whose number of attempts is limited.
    pub(super) limited: u32,
    /// Whether the token was renewed for it.
    pub(super) renewed: bool,
}
