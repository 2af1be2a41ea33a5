//! The bodies of a list's pages, one after the other.

use serde::Deserialize;
use url::Url;

use crate::body::Body;
use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::link::VersionRoot;
use crate::pacer::Charge;
use crate::request::{Answered, Asked, Call};
use crate::seen::Seen;

/// Walks from a first page that is there already to the end of its list.
pub struct Pages {
    graph: TenantGraph,
    root: VersionRoot,
    /// The next page's body, when it is there already.
    first: Option<Body>,
    next: Option<Url>,
    refused: Option<PagingRefusal>,
    pages: u32,
    links: Seen,
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
            links: Seen::default(),
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
        let (body, link) = if let Some(first) = self.first.take() {
            let link = next_link(&first.bytes).map_err(|reason| first.invalid(reason))?;
            (first, link)
        } else {
            let Some(url) = self.next.clone() else {
                return Ok(None);
            };
            let call = Call {
                url: &url,
                asked: Asked::Next,
                body: None,
                charges: &[Charge::of(&self.graph.graph, &url)],
                reducible: false,
                page: false,
            };
            let mut patience = self.graph.http.patience();
            let read = self
                .graph
                .call(&call, &mut patience, |body| {
                    next_link(&body).map(|link| (body, link))
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
        if let Some(link) = link {
            self.go_on(&link);
        }
        Ok(Some(body))
    }

    /// Holds a link that must not be followed against the next call: this page is good.
    fn go_on(&mut self, link: &str) {
        if self.pages >= self.graph.http.options().max_pages {
            self.refused = Some(PagingRefusal::TooManyPages);
            return;
        }
        match self.root.follow(link) {
            Ok(url) if self.links.insert(url.as_str()) => self.next = Some(url),
            Ok(_) => self.refused = Some(PagingRefusal::Repeated),
            Err(refusal) => self.refused = Some(refusal),
        }
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages")
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

/// The link to the page after `body`.
fn next_link(body: &[u8]) -> Result<Option<String>, &'static str> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(rename = "@odata.nextLink", default)]
        next: Option<String>,
    }

    serde_json::from_slice::<Page>(body)
        .map(|page| page.next)
        .map_err(|_| "it is not a page of JSON")
}
