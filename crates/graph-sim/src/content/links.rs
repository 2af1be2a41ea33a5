//! What an object refers to, noted where the reference is written into its payload.
//!
//! So the answer key of links and the payloads cannot drift apart: they are one piece of code. The
//! words for kinds are those of the inventory that the simulator is there to test; its table of
//! them is its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Where Graph shows a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkSource {
    /// The row, in a list and by itself.
    Row,
    /// The object by itself only.
    Item,
    /// Its assignments.
    Assignments,
    /// A navigation that has to be expanded or read by itself.
    Navigation,
}

impl LinkSource {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Item => "item",
            Self::Assignments => "assignments",
            Self::Navigation => "navigation",
        }
    }
}

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) source: LinkSource,
    pub(crate) kind: &'static str,
    pub(crate) target_kind: &'static str,
    pub(crate) target_id: String,
    pub(crate) qualifier: BTreeMap<&'static str, String>,
}

/// Takes notes, or does not.
#[derive(Debug)]
pub(crate) struct Links {
    source: LinkSource,
    notes: Option<Vec<Reference>>,
}

impl Links {
    /// For answers, where nobody wants to know.
    pub(crate) const fn ignored() -> Self {
        Self {
            source: LinkSource::Row,
            notes: None,
        }
    }

    pub(crate) const fn noted() -> Self {
        Self {
            source: LinkSource::Row,
            notes: Some(Vec::new()),
        }
    }

    /// From now on, links are shown here.
    pub(crate) fn set_source(&mut self, source: LinkSource) {
        self.source = source;
    }

    /// A reference without a qualifier, and the id as a value for the payload.
    pub(crate) fn one(
        &mut self,
        kind: &'static str,
        target_kind: &'static str,
        id: String,
    ) -> Value {
        self.add(kind, target_kind, &id, &[]);
        Value::String(id)
    }

    /// Several of them, and the list of ids.
    pub(crate) fn all(
        &mut self,
        kind: &'static str,
        target_kind: &'static str,
        ids: &[String],
    ) -> Value {
        for id in ids {
            self.add(kind, target_kind, id, &[]);
        }
        json!(ids)
    }

    pub(crate) fn add(
        &mut self,
        kind: &'static str,
        target_kind: &'static str,
        id: &str,
        qualifier: &[(&'static str, &str)],
    ) {
        let source = self.source;
        if let Some(notes) = &mut self.notes {
            notes.push(Reference {
                source,
                kind,
                target_kind,
                target_id: id.to_owned(),
                qualifier: qualifier
                    .iter()
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect(),
            });
        }
    }

    pub(crate) fn into_notes(self) -> Vec<Reference> {
        self.notes.unwrap_or_default()
    }
}
