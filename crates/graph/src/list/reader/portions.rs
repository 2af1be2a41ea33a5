//! Giving out a page in parts.
//!
//! What is read beside a page waits in memory until it is stored. Of a page whose objects are read by
//! themselves, so many are given out as are read at once: what a policy sets may be a megabyte, and
//! the ones before are stored while the next are read.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::FutureExt as _;

use super::{ListPage, ListReader};
use crate::error::GraphError;
use crate::request::room::PageInMemory;
use crate::row::observe::ObservedRow;

/// Objects of one part that have to be read by themselves.
const READ_AT_ONCE: usize = 160;

/// The parts of a page that were not given out yet.
#[derive(Debug, Default)]
pub(super) struct Portions {
    parts: VecDeque<Vec<ObservedRow>>,
    /// The page's place in memory.
    place: Option<Arc<PageInMemory>>,
}

impl Portions {
    /// The first part of a page, and the others.
    pub(super) fn of(
        rows: Vec<ObservedRow>,
        place: Option<PageInMemory>,
    ) -> (Vec<ObservedRow>, Self) {
        let mut parts = VecDeque::from([Vec::new()]);
        let mut reads = 0;
        for row in rows {
            let lacks = !row.further_reads.is_empty();
            if lacks && reads == READ_AT_ONCE {
                parts.push_back(Vec::new());
                reads = 0;
            }
            reads += usize::from(lacks);
            if let Some(part) = parts.back_mut() {
                part.push(row);
            }
        }
        let first = parts.pop_front().unwrap_or_default();
        let place = place.map(Arc::new);
        (first, Self { parts, place })
    }

    pub(super) fn place(&self) -> Option<Arc<PageInMemory>> {
        self.place.clone()
    }
}

impl ListReader {
    /// The next part of the page that was read last.
    pub(super) async fn next_part(&mut self) -> Result<Option<ListPage>, GraphError> {
        let Some(rows) = self.portions.parts.pop_front() else {
            self.portions.place = None;
            return Ok(None);
        };
        let observations = self.enricher.complete(rows).boxed().await?;
        Ok(Some(ListPage {
            observations,
            rows: 0,
            begins: false,
            unstable: false,
            _place: self.portions.place(),
        }))
    }
}
