//! The columns of a batch of observations, and of their links, on their way into a statement.

use atlas_domain::inventory::Observation;
use atlas_domain::inventory::link::{Link, LinkSet, LinkSource};
use atlas_domain::limits::{LONGEST_LINK_TARGET, LONGEST_NAME, shortened};
use serde_json::Value;
use uuid::Uuid;

use super::stored_json::StoredJson;

/// Joins scope tags on their way into the database; no tag id contains it. Statements split at it.
const SEPARATOR: &str = "\u{1f}";

/// The columns that both statements store.
pub(super) struct Columns<'a> {
    pub(super) policy_types: Vec<&'static str>,
    pub(super) external_ids: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) categories: Vec<&'static str>,
    pub(super) platforms: Vec<String>,
    pub(super) foundations: Vec<bool>,
    pub(super) scope_tags: Vec<Option<String>>,
    pub(super) assignment_counts: Vec<Option<i32>>,
    pub(super) metadata: Vec<StoredJson<'a>>,
    pub(super) content_hashes: Vec<&'a [u8]>,
    pub(super) assignments_hashes: Vec<Option<&'a [u8]>>,
    pub(super) object_links: Vec<Option<Vec<u8>>>,
    pub(super) assignment_links: Vec<Option<Vec<u8>>>,
    pub(super) related_links: Vec<Option<Vec<u8>>>,
    pub(super) values_hashes: Vec<Option<&'a [u8]>>,
    pub(super) values_marks: Vec<Option<&'a [u8]>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(batch: &[&'a Observation]) -> Self {
        let digests = |source: LinkSource| {
            let digest = |o: &&Observation| {
                let set = o.links.iter().find(|set| set.source == source)?;
                Some(set.digest().to_vec())
            };
            batch.iter().map(digest).collect()
        };
        Self {
            policy_types: column(batch, |o| o.policy_type.as_str()),
            external_ids: column(batch, |o| storable(&o.external_id)),
            names: column(batch, |o| {
                shortened(&storable(&o.name), LONGEST_NAME).to_owned()
            }),
            categories: column(batch, |o| o.policy_type.describe().category.as_str()),
            platforms: column(batch, |o| storable(&o.platform)),
            foundations: column(batch, |o| o.policy_type.describe().foundation),
            scope_tags: column(batch, |o| {
                let tags = o.scope_tags.as_ref()?;
                Some(storable(&tags.join(SEPARATOR)))
            }),
            assignment_counts: column(batch, |o| o.assignment_count),
            metadata: column(batch, |o| StoredJson::of(&o.metadata)),
            content_hashes: column(batch, |o| o.content_hash.as_slice()),
            assignments_hashes: column(batch, |o| o.assignments_hash.as_ref().map(as_bytes)),
            object_links: digests(LinkSource::Object),
            assignment_links: digests(LinkSource::Assignments),
            related_links: digests(LinkSource::Related),
            values_hashes: column(batch, |o| o.values.as_ref().map(|one| one.hash.as_slice())),
            values_marks: column(batch, |o| o.values_mark.as_ref().map(<[u8; 16]>::as_slice)),
        }
    }
}

pub(super) fn column<'a, T>(
    batch: &[&'a Observation],
    pick: impl Fn(&'a Observation) -> T,
) -> Vec<T> {
    batch.iter().map(|observation| pick(observation)).collect()
}

pub(super) const fn as_bytes(hash: &[u8; 32]) -> &[u8] {
    hash
}

/// The links of a batch, each with the place of its item from 1.
#[derive(Default)]
pub(super) struct LinkColumns {
    pub(super) places: Vec<i64>,
    pub(super) ids: Vec<Uuid>,
    pub(super) sources: Vec<&'static str>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) target_kinds: Vec<&'static str>,
    pub(super) target_ids: Vec<String>,
    pub(super) qualifiers: Vec<Value>,
}

impl LinkColumns {
    pub(super) fn of(batch: &[&Observation], mint: impl Fn() -> Uuid) -> Self {
        let mut columns = Self::default();
        for (place, observation) in (1..).zip(batch) {
            for LinkSet { source, links } in &observation.links {
                for link in links {
                    if link.target.id.len() > LONGEST_LINK_TARGET {
                        tracing::warn!(kind = %link.kind, "a link's target has too long an id");
                        continue;
                    }
                    columns.push(place, mint(), *source, link);
                }
            }
        }
        columns
    }

    fn push(&mut self, place: i64, id: Uuid, source: LinkSource, link: &Link) {
        self.places.push(place);
        self.ids.push(id);
        self.sources.push(source.as_str());
        self.kinds.push(link.kind.as_str());
        self.target_kinds.push(link.target.kind.as_str());
        self.target_ids.push(storable(&link.target.id));
        let members = link.qualifier.iter();
        self.qualifiers.push(Value::Object(
            members
                .map(|(name, value)| (storable(name), Value::String(storable(value))))
                .collect(),
        ));
    }
}

/// PostgreSQL's text cannot hold the character NUL; names from outside can.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
