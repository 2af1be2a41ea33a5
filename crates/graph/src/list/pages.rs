//! The bodies of a list's pages, one after the other.

use url::Url;

use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::list::progress::Progress;
use crate::list::seen_keys::SeenKeys;
use crate::request::body::Body;
use crate::request::call::{AddressKind, Answered, Call};
use crate::request::link::VersionRoot;
use crate::request::pacer::Charge;
use crate::request::parse;

/// Walks from a first page that is there already to the end of its list.
pub struct Pages {
    graph: TenantGraph,
    root: VersionRoot,
    /// The next page's body, when it is there already.
    first: Option<Body>,
    next: Option<Url>,
    refused: Option<PagingRefusal>,
    pages: u32,
    links: SeenKeys,
    rows: SeenKeys,
    progress: Progress,
}

/// What a page says of its list.
#[derive(Default)]
struct Glance {
    next: Option<String>,
    /// What distinguishes its rows. Empty for the only page of a list.
    marks: Vec<String>,
}

impl TenantGraph {
    /// Walks the list whose first page is `first`, as a read of [`TenantGraph::batch`] gave it.
    /// `version` is that of the batch.
    #[must_use]
    pub fn pages(&self, version: &str, first: Body) -> Pages {
        Pages {
            graph: self.clone(),
            root: VersionRoot::new(&self.graph, version),
            first: Some(first),
            next: None,
            refused: None,
            pages: 0,
            links: SeenKeys::within(&self.http.rooms),
            rows: SeenKeys::within(&self.http.rooms),
            progress: Progress::default(),
        }
    }
}

impl Pages {
    /// The next page's body; `None` after the last one. Links are followed under the same guards as
    /// those of [`ListReader`](crate::ListReader). After an error the list was not read to its end.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn next_page(&mut self) -> Result<Option<Body>, GraphError> {
        if let Some(refusal) = self.refused {
            return Err(GraphErrorKind::Paging(refusal).into());
        }
        let (body, glance) = if let Some(first) = self.first.take() {
            let glance = Glance::at(&first.bytes, true).map_err(|reason| first.invalid(reason))?;
            (first, glance)
        } else {
            let Some(url) = self.next.clone() else {
                return Ok(None);
            };
            let charges = [Charge::of(&self.graph.graph, &url)];
            let call = Call::get(&url, AddressKind::Next, &charges);
            let mut patience = self.graph.http.patience();
            let read = self
                .graph
                .call(&call, &mut patience, |body| {
                    Glance::at(&body, false).map(|glance| (body, glance))
                })
                .await?;
            // Only an object can be absent.
            let Some(Answered { value, answer, .. }) = read else {
                return Ok(None);
            };
            (Body::new(value.0, answer), value.1)
        };
        self.pages += 1;
        self.next = None;
        if let Err(refusal) = self.go_on(&glance) {
            self.refused = Some(refusal);
        }
        Ok(Some(body))
    }

    /// Whether the page that was given out last is not the last one of the list.
    pub(crate) const fn leads_on(&self) -> bool {
        self.next.is_some() || self.refused.is_some()
    }

    /// A link that must not be followed is held against the next call: this page is good.
    fn go_on(&mut self, glance: &Glance) -> Result<(), PagingRefusal> {
        let mut new = false;
        for mark in &glance.marks {
            new |= self.rows.insert(mark);
        }
        let Some(link) = &glance.next else {
            return Ok(());
        };
        if self.pages >= self.graph.http.options().max_pages {
            return Err(PagingRefusal::TooManyPages);
        }
        if self.rows.is_full() || self.links.is_full() {
            return Err(PagingRefusal::TooManyObjects);
        }
        let rows = u64::try_from(glance.marks.len()).unwrap_or(u64::MAX);
        self.progress.page(rows, new)?;
        let url = self.root.follow(link)?;
        if !self.links.insert(url.as_str()) {
            return Err(PagingRefusal::Repeated);
        }
        self.next = Some(url);
        Ok(())
    }
}

impl Glance {
    fn at(body: &[u8], first: bool) -> Result<Self, &'static str> {
        let page = parse::open(body)?;
        let mut glance = Self {
            next: page.next,
            marks: Vec::new(),
        };
        if glance.next.is_some() || !first {
            let marks = page.rows.iter().map(|row| parse::mark(row).into_owned());
            glance.marks = marks.collect();
        }
        Ok(glance)
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages")
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}
