//! Walking a list to its end.

use std::collections::{BTreeMap, VecDeque};

use atlas_domain::inventory::Observation;
use atlas_domain::policy_types::PolicyTypeKey;
use bytes::Bytes;
use futures::FutureExt as _;
use url::Url;

use crate::batch::{LARGEST, SubRequest};
use crate::client::TenantGraph;
use crate::collections::Shape;
use crate::effort::Effort;
use crate::enrich::{Enricher, Incomplete};
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::link::VersionRoot;
use crate::observe::Setting;
use crate::pacer::Place;
use crate::page::{self, PageRead};
use crate::plan::ListPlan;
use crate::request::{Asked, Placed};
use crate::seen::Seen;

/// One page of a list.
#[derive(Debug)]
pub struct ListPage {
    /// What was seen of the wanted policy types; an id occurs once.
    pub observations: Vec<Observation>,
    /// The page's rows, also those that no wanted policy type claims.
    pub rows: u64,
    /// Whether an object was seen before in this walk, or the list may be cut off: it changed while
    /// it was read, or a smaller page than the usual ones is full and links nowhere. Another object
    /// may have been skipped, so nothing may be concluded from its absence.
    pub unstable: bool,
    /// Among the pages in memory, until it is dropped.
    _place: Option<Place>,
}

/// Reads one list page by page. Holds one page at a time, the first pages under up to twenty parents,
/// and a few bytes per object already seen.
pub struct ListReader {
    graph: TenantGraph,
    plan: ListPlan,
    root: VersionRoot,
    steps: VecDeque<Step>,
    refused: Option<PagingRefusal>,
    pages: u32,
    effort: Effort,
    links: Seen,
    ids: Seen,
    /// Ids that were given out before the list was begun again.
    given: Vec<Seen>,
    enricher: Enricher,
    unknown: BTreeMap<PolicyTypeKey, u64>,
}

/// A page that is still to be read.
#[derive(Debug, Clone)]
struct Step {
    url: Url,
    asked: Asked,
    of_parents: bool,
    /// The object that its rows live under.
    parent: Option<String>,
    /// Its answer, when that came already.
    body: Option<Bytes>,
}

impl Step {
    /// Whether it is the first page of what lives under an object.
    fn is_child(&self) -> bool {
        self.parent.is_some() && self.asked == Asked::First
    }
}

impl ListReader {
    pub(crate) fn new(graph: TenantGraph, plan: ListPlan) -> Self {
        let collection = plan.collection();
        let root = VersionRoot::new(&graph.graph, collection.version());
        let (path, query) = match collection.shape() {
            // The parents stand before the placeholder.
            Shape::Children => {
                let end = collection.path().find("/{").unwrap_or_default();
                (&collection.path()[..end], "")
            }
            Shape::List | Shape::Singleton | Shape::DelegatedOnly => {
                (collection.path(), collection.query())
            }
        };
        let first = Step {
            url: root.address(path, query),
            asked: if collection.shape() == Shape::Singleton {
                Asked::Object
            } else {
                Asked::First
            },
            of_parents: collection.shape() == Shape::Children,
            parent: None,
            body: None,
        };
        Self {
            enricher: Enricher::new(graph.clone(), plan.clone()),
            unknown: BTreeMap::new(),
            graph,
            plan,
            root,
            steps: VecDeque::from([first]),
            refused: None,
            pages: 0,
            effort: Effort::FULL,
            links: Seen::default(),
            ids: Seen::default(),
            given: Vec::new(),
        }
    }

    /// Reads the next page; `None` when the list was read to its end. A page may be empty and yet
    /// not be the last one.
    ///
    /// After an error the list was not read to its end. Asking again sends the failed request
    /// again, except when paging was refused: that refusal stays.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn next_page(&mut self) -> Result<Option<ListPage>, GraphError> {
        loop {
            if let Some(refusal) = self.refused {
                return Err(GraphErrorKind::Paging(refusal).into());
            }
            let Some(step) = self.steps.front().cloned() else {
                return Ok(None);
            };
            if self.pages >= self.graph.http.options().max_pages {
                self.refused = Some(PagingRefusal::TooManyPages);
                continue;
            }
            if step.of_parents {
                self.read_parents(&step).await?;
                continue;
            }
            if step.is_child() && step.body.is_none() && self.read_ahead().await? {
                continue;
            }
            if let Some(page) = self.read_rows(&step).await? {
                return Ok(Some(page));
            }
        }
    }

    /// Reads a page; `None` when that took too long and the list was begun again.
    async fn read_rows(&mut self, step: &Step) -> Result<Option<ListPage>, GraphError> {
        let collection = self.plan.collection();
        let whole = collection.shape() == Shape::List;
        let less = self.effort.less(collection).filter(|_| whole);
        match (self.fetch(step, less.is_some()).await, less) {
            (Err(error), Some(less)) if error.is_too_much() => {
                self.begin_again(less);
                Ok(None)
            }
            (read, _) => self.take(step, read?).await.map(Some),
        }
    }

    /// Reads the first pages under the next parents with one request. Gives whether the very next
    /// came; what did not is asked for by itself when its turn comes.
    async fn read_ahead(&mut self) -> Result<bool, GraphError> {
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

    /// What is lacking so far of the objects that were given out, by policy type: assignments and
    /// links that could not be read.
    #[must_use]
    pub const fn incomplete(&self) -> &BTreeMap<PolicyTypeKey, Incomplete> {
        self.enricher.incomplete()
    }

    /// Objects so far whose kind or family is not known. Each was given out under the policy type
    /// that takes the rest of its list.
    #[must_use]
    pub const fn unknown(&self) -> &BTreeMap<PolicyTypeKey, u64> {
        &self.unknown
    }

    /// Asks for less, from the first page on: a page of another size begins elsewhere. What was given
    /// out stays given out.
    fn begin_again(&mut self, effort: Effort) {
        let collection = self.plan.collection();
        let url = self
            .root
            .address(collection.path(), &effort.query(collection));
        tracing::info!(
            path = collection.path(),
            ?effort,
            "asking for less after timeouts"
        );
        self.effort = effort;
        self.steps = VecDeque::from([Step {
            url,
            asked: Asked::First,
            of_parents: false,
            parent: None,
            body: None,
        }]);
        self.links = Seen::default();
        self.given.push(std::mem::take(&mut self.ids));
        self.unknown.clear();
    }

    async fn fetch(&self, step: &Step, reducible: bool) -> Result<Placed<PageRead>, GraphError> {
        let plan = &self.plan;
        let setting = Setting {
            told: self.effort.assignments(),
            parent: step.parent.as_deref(),
        };
        let told = step.body.as_deref();
        if let Some(Ok(read)) = told.map(|body| page::list(plan, setting, body)) {
            return Ok((read, None));
        }
        let singleton = plan.collection().shape() == Shape::Singleton;
        let read = self
            .graph
            .get_page(&step.url, step.asked, reducible, |body| {
                if singleton {
                    page::singleton(plan, body)
                } else {
                    page::list(plan, setting, body)
                }
            })
            .await?;
        // A singleton that was never set up, such as an Apple push certificate.
        Ok(read.unwrap_or_default())
    }

    /// Completes a page that was read and moves on. The page stays the next one when that fails.
    async fn take(
        &mut self,
        step: &Step,
        (read, place): Placed<PageRead>,
    ) -> Result<ListPage, GraphError> {
        let mut sightings = read.sightings;
        let sighted = sightings.len();
        let mut on_this_page = Seen::default();
        sightings.retain(|one| on_this_page.insert(&one.observation.external_id));
        let mut unstable = sightings.len() < sighted;
        unstable |= read.next.is_none() && self.effort.may_be_cut(read.rows);
        let (again, sightings): (Vec<_>, Vec<_>) = sightings.into_iter().partition(|one| {
            let id = &one.observation.external_id;
            self.given.iter().any(|ids| ids.contains(id))
        });
        // Boxed: it is large, and rarely needed.
        let observations = self.enricher.complete(sightings).boxed().await?;
        self.go_on(step, read.next.as_deref());
        let again = again.iter().map(|one| &one.observation);
        for observation in observations.iter().chain(again) {
            unstable |= !self.ids.insert(&observation.external_id);
        }
        for key in read.unknown {
            *self.unknown.entry(key).or_default() += 1;
        }
        Ok(ListPage {
            observations,
            rows: read.rows,
            unstable,
            _place: place,
        })
    }

    async fn read_parents(&mut self, step: &Step) -> Result<(), GraphError> {
        let read = self.graph.get(&step.url, step.asked, page::parents).await?;
        let Some(read) = read else {
            return Ok(());
        };
        let collection = self.plan.collection();
        let mut children = Vec::with_capacity(read.ids.len());
        for id in &read.ids {
            let url = self
                .root
                .address_under(collection.path(), id, collection.query())
                .ok_or(GraphErrorKind::invalid(
                    "a parent's id cannot stand in a path",
                ))?;
            children.push(Step {
                url,
                asked: Asked::First,
                of_parents: false,
                parent: Some(id.clone()),
                body: None,
            });
        }
        self.go_on(step, read.next.as_deref());
        self.steps.extend(children);
        let waiting = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        if self.pages.saturating_add(waiting) > self.graph.http.options().max_pages {
            self.refused = Some(PagingRefusal::TooManyPages);
        }
        Ok(())
    }

    /// Leaves the page that was just read and puts the one its link leads to in its place. A link
    /// that must not be followed is held against the next call: this page is good.
    fn go_on(&mut self, step: &Step, link: Option<&str>) {
        self.pages += 1;
        self.steps.pop_front();
        self.links.insert(step.url.as_str());
        let Some(link) = link else { return };
        match self.root.follow(link) {
            Ok(url) if self.links.insert(url.as_str()) => self.steps.push_front(Step {
                url,
                asked: Asked::Next,
                of_parents: step.of_parents,
                parent: step.parent.clone(),
                body: None,
            }),
            Ok(_) => self.refused = Some(PagingRefusal::Repeated),
            Err(refusal) => self.refused = Some(refusal),
        }
    }
}

impl std::fmt::Debug for ListReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListReader")
            .field("path", &self.plan.path())
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}
