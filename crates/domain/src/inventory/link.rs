//! Links: what an inventory item depends on, and what it applies to.
//!
//! A link goes from an item to a target. Targets are named by kind and id, whether or not the
//! inventory has them: a link whose target is not there is reported as dangling, and is no error.

mod kind;
mod target;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::words::words;

pub use kind::LinkKind;
pub use target::{LinkTarget, TargetKind};

/// One link. Two links of an item that differ in the qualifier only are two links.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    pub kind: LinkKind,
    pub target: LinkTarget,
    /// What else is said of it: `intent`, `filter_id`, `filter_type` and the like. Few and short.
    pub qualifier: BTreeMap<String, String>,
}

/// All links of an item from one source, each once, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSet {
    /// Which reading.
    pub source: LinkSource,
    pub links: Vec<Link>,
}

words! {
    /// Where a set of links was read. A set replaces the stored links of the same source and no
    /// others: when assignments cannot be read, the links that the object states stay.
    #[derive(PartialOrd, Ord)]
    pub enum LinkSource: "source of links" {
        /// The object's own members.
        Object = "object",
        Assignments = "assignments",
        /// Relations that are read separately: settings, relationships, certificates.
        Related = "related",
    }
}

impl LinkSet {
    /// Sorts the links and drops repetitions.
    #[must_use]
    pub fn new(source: LinkSource, mut links: Vec<Link>) -> Self {
        links.sort_unstable();
        links.dedup();
        Self { source, links }
    }

    /// A digest of the links, which are sorted: two sets of the same links have the same digest.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        let mut feed = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text.as_bytes());
        };
        for link in &self.links {
            feed(link.kind.as_str());
            feed(link.target.kind.as_str());
            feed(&link.target.id);
            feed(&link.qualifier.len().to_string());
            for (name, value) in &link.qualifier {
                feed(name);
                feed(value);
            }
        }
        let whole: [u8; 32] = hash.finalize().into();
        std::array::from_fn(|at| whole[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_differs_with_every_part_of_a_link() {
        let link = |id: &str, qualifier: &[(&str, &str)]| Link {
            kind: LinkKind::AssignedTo,
            target: LinkTarget {
                kind: TargetKind::Group,
                id: id.to_owned(),
            },
            qualifier: qualifier
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let sets = [
            vec![],
            vec![link("a", &[])],
            vec![link("a", &[("intent", "required")])],
            vec![link("a", &[("intent", "available")])],
            vec![link("a", &[]), link("b", &[])],
        ];
        let digest = |links: &Vec<Link>| LinkSet::new(LinkSource::Object, links.clone()).digest();
        let digests: std::collections::BTreeSet<_> = sets.iter().map(digest).collect();
        assert_eq!(digests.len(), sets.len());
        let turned = vec![link("b", &[]), link("a", &[])];
        assert_eq!(digest(&turned), digest(&sets[4]));
    }

    #[test]
    fn words_are_read_back_and_unknown_ones_refused() {
        for kind in LinkKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for kind in TargetKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("assigned".parse::<LinkKind>().is_err());
    }

    #[test]
    fn a_set_holds_each_link_once_in_order() {
        let link = |id: &str| Link {
            kind: LinkKind::AssignedTo,
            target: LinkTarget {
                kind: TargetKind::Group,
                id: id.to_owned(),
            },
            qualifier: BTreeMap::new(),
        };
        let set = LinkSet::new(LinkSource::Object, vec![link("b"), link("a"), link("b")]);
        assert_eq!(set.links, [link("a"), link("b")]);
    }
}
