//! What is to be read next of a list.

use bytes::Bytes;
use url::Url;

use crate::collections::{Collection, Shape};
use crate::list::fetch_strategy::FetchStrategy;
use crate::request::call::AddressKind;
use crate::request::link::VersionRoot;

/// A page that is still to be read.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) url: Url,
    pub(super) address_kind: AddressKind,
    /// Whether its rows are parents, and not objects of the list.
    pub(super) of_parents: bool,
    /// Id of the object that its rows live under.
    pub(super) parent: Option<String>,
    /// The answer, when it was read ahead.
    pub(super) body: Option<Bytes>,
}

impl Step {
    /// Whether it is the first page of what lives under an object.
    pub(super) fn is_child(&self) -> bool {
        self.parent.is_some() && self.address_kind == AddressKind::First
    }

    /// The first page of a list; of the parents where its rows live under parents.
    pub(super) fn first(
        root: &VersionRoot,
        collection: &Collection,
        strategy: FetchStrategy,
    ) -> Self {
        let (path, query) = match collection.shape() {
            // The parents stand before the placeholder.
            Shape::Children => {
                let end = collection.path().find("/{").unwrap_or_default();
                (&collection.path()[..end], String::new())
            }
            Shape::List | Shape::Singleton | Shape::DelegatedOnly => {
                (collection.path(), strategy.query(collection))
            }
        };
        Self {
            url: root.address(path, &query),
            address_kind: if collection.shape() == Shape::Singleton {
                AddressKind::Object
            } else {
                AddressKind::First
            },
            of_parents: collection.shape() == Shape::Children,
            parent: None,
            body: None,
        }
    }
}
