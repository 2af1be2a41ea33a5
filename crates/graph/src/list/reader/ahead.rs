//! Requesting the next page while one is completed.
//!
//! What the rows of a list share, such as what refers to them, may take longer to read than a page. Where
//! the rows of a page need nothing besides, the next page is requested as soon as the page is there, and
//! read beside the completion of the page. It waits for a place in memory as any page does. While the
//! reader keeps the page before, or where rows are read by themselves, it is requested later: what they
//! bring is in memory meanwhile.

use std::future::ready;
use std::sync::{Arc, Weak};

use futures::{FutureExt as _, TryFutureExt as _};
use tokio::task::JoinSet;
use tracing::Instrument as _;
use url::Url;

use super::ListReader;
use super::expansion::SHORT;
use super::step::Step;
use crate::client::TenantGraph;
use crate::collections::Shape;
use crate::error::GraphError;
use crate::known_values::KnownValues;
use crate::list::fetch_strategy::FetchStrategy;
use crate::list::seen_keys::SeenKeys;
use crate::plan::ListPlan;
use crate::request::call::{AddressKind, Placed};
use crate::request::link::VersionRoot;
use crate::request::room::PageInMemory;
use crate::row::context::RowContext;
use crate::row::page::{self, PageRead};

type PageResult = Result<Placed<PageRead>, GraphError>;

/// A page that was requested ahead. The request is given up with it.
pub(super) struct Ahead {
    url: Url,
    reading: JoinSet<PageResult>,
}

/// How the pages of a list are requested and read.
#[derive(Clone)]
struct Source {
    graph: TenantGraph,
    plan: ListPlan,
    known: Arc<KnownValues>,
    strategy: FetchStrategy,
    reducible: bool,
}

/// Where a list is, as far as that decides whether its next page is requested ahead.
struct Whereabouts<'a> {
    root: &'a VersionRoot,
    /// Links that were followed.
    links: &'a SeenKeys,
    /// Whether another page may be read after this one.
    goes_on: bool,
    /// The place of the page before.
    returned: &'a Weak<PageInMemory>,
}

impl Source {
    /// Requests the page of a step, or awaits it where it was requested ahead.
    async fn page(self, step: Step, ahead: Option<Ahead>) -> PageResult {
        if let Some(mut ahead) = ahead.filter(|ahead| ahead.url == step.url)
            && let Some(Ok(read)) = ahead.reading.join_next().await
        {
            return read;
        }
        self.request(step).await
    }

    /// Requests the page of a step.
    async fn request(self, step: Step) -> PageResult {
        let plan = &self.plan;
        let context = self.context(&step);
        let singleton = plan.collection().shape() == Shape::Singleton;
        let (url, kind) = (&step.url, step.address_kind);
        let read = self.graph.get_page(url, kind, self.reducible, |body| {
            if singleton {
                page::singleton(plan, body)
            } else {
                page::list(plan, context, body)
            }
        });
        // A singleton that was never set up, such as an Apple push certificate.
        Ok(read.await?.unwrap_or_default())
    }

    /// Reads the body of a step that was read with others.
    fn body(&self, step: &Step) -> Option<PageRead> {
        let body = step.body.as_deref()?;
        page::list(&self.plan, self.context(step), body).ok()
    }

    fn context<'a>(&'a self, step: &'a Step) -> RowContext<'a> {
        RowContext {
            with_assignments: self.strategy.assignments(),
            with_settings: self.strategy.settings(),
            known: Some(&self.known),
            parent: step.parent.as_deref(),
        }
    }

    /// Requests the page after this one where that is of use. Its link is followed, or refused, when the
    /// page is done.
    fn request_next(&self, step: &Step, read: &PageRead, at: &Whereabouts<'_>) -> Option<Ahead> {
        let url = at.root.follow(read.next.as_deref()?).ok()?;
        let seen = url == step.url || at.links.contains(url.as_str());
        // The list may be begun again after short pages, and is not followed through empty ones for ever.
        let short = read.rows < SHORT;
        let lacks = read
            .observed
            .iter()
            .any(|row| !row.further_reads.is_empty());
        if !at.goes_on || seen || short || lacks || at.returned.strong_count() > 0 {
            return None;
        }
        let next = Step {
            url: url.clone(),
            address_kind: AddressKind::Next,
            of_parents: false,
            parent: step.parent.clone(),
            body: None,
        };
        let mut reading = JoinSet::new();
        reading.spawn(self.clone().request(next).in_current_span());
        Some(Ahead { url, reading })
    }
}

impl ListReader {
    /// Reads the page of a step beside what all rows of the list share, and requests the next one.
    pub(super) async fn fetch(&mut self, step: &Step) -> PageResult {
        let source = self.source();
        let ahead = self.ahead.take();
        let page = match source.body(step) {
            Some(read) => ready(Ok((read, None))).left_future(),
            None => source.clone().page(step.clone(), ahead).right_future(),
        };
        let at = Whereabouts {
            root: &self.root,
            links: &self.round.links,
            goes_on: self.pages + 1 < self.graph.http.options().max_pages,
            returned: &self.returned,
        };
        let next = &mut self.ahead;
        let page = page.inspect_ok(|(read, _)| *next = source.request_next(step, read, &at));
        self.enricher.beside(page).await
    }

    fn source(&self) -> Source {
        Source {
            graph: self.graph.clone(),
            plan: self.plan.clone(),
            known: Arc::clone(&self.known),
            strategy: self.strategy,
            reducible: self.less().is_some(),
        }
    }
}
