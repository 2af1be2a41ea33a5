//! Collections under the objects of a parent collection.

use futures::FutureExt as _;

use super::ListReader;
use super::step::Step;
use crate::error::{GraphError, PagingRefusal};
use crate::request::batch::{LARGEST, SubRequest};
use crate::request::call::AddressKind;
use crate::row::page;

impl ListReader {
    /// Reads the first pages under the next parents with one request. Returns whether
    /// the next one came; those that did not come are requested one by one later.
    pub(super) async fn read_ahead(&mut self) -> Result<bool, GraphError> {
        let children = self.steps.iter().take_while(|step| step.is_child());
        let urls = children.map_while(|step| self.root.relative(&step.url));
        let reads: Vec<_> = urls.take(LARGEST).map(SubRequest::list).collect();
        if reads.len() < 2 {
            return Ok(false);
        }
        let version = self.plan.collection().version();
        let bodies = self.graph.batch(version, reads).boxed().await?;
        for (step, body) in self.steps.iter_mut().zip(bodies) {
            step.body = body.ok().map(|body| body.bytes);
        }
        Ok(self.steps.front().is_some_and(|step| step.body.is_some()))
    }

    pub(super) async fn read_parents(&mut self, step: &Step) -> Result<(), GraphError> {
        let read = self
            .graph
            .get(&step.url, step.address_kind, page::parents)
            .await?;
        let Some(read) = read else {
            return Ok(());
        };
        let collection = self.plan.collection();
        let new = self.round.count_parents(self.plan.keys(), &read);
        let children = read.ids.into_iter().filter_map(|id| {
            let (path, query) = (collection.path(), collection.query());
            Some(Step {
                url: self.root.address_under(path, &id, query)?,
                address_kind: AddressKind::First,
                of_parents: false,
                parent: Some(id),
                body: None,
            })
        });
        let children: Vec<_> = children.collect();
        self.go_on(step, read.next.as_deref(), (read.rows, new));
        self.steps.extend(children);
        let waiting = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        if self.pages.saturating_add(waiting) > self.graph.http.options().max_pages {
            self.refused = Some(PagingRefusal::TooManyPages);
        }
        Ok(())
    }
}
