//! Walking a list to its end.

mod ahead;
mod children;
mod ending;
mod expansion;
mod portions;
mod round;
mod step;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Weak};

use atlas_domain::causes::Causes;
use atlas_domain::failure::RowProblems;
use atlas_domain::inventory::Observation;
use atlas_domain::policy_types::PolicyTypeKey;
use futures::FutureExt as _;
use url::Url;

use crate::client::TenantGraph;
use crate::collections::Shape;
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::known_values::{KnownValues, ValuesRead};
use crate::list::fetch_strategy::FetchStrategy;
use crate::list::progress::Progress;
use crate::list::seen_keys::SeenKeys;
use crate::plan::ListPlan;
use crate::request::call::{AddressKind, Placed};
use crate::request::link::VersionRoot;
use crate::request::room::PageInMemory;
use crate::row::enrich::{Enricher, Incomplete};
use crate::row::page::PageRead;
use ahead::Ahead;
use expansion::Expansion;
use portions::Portions;
use round::Round;
use step::Step;

/// A page of a list, or a part of one: of objects that have to be read by themselves, so many are
/// returned as are read at once.
#[derive(Debug)]
pub struct ListPage {
    /// What was seen of the wanted policy types; an id occurs once.
    pub observations: Vec<Observation>,
    /// The page's rows, also those that no wanted policy type claims. None for its later parts.
    pub rows: u64,
    /// Whether it is a page, or the first part of one.
    pub begins: bool,
    /// Whether the list changed while it was read: an object was seen before in this walk, or one
    /// that was seen before the list was begun again was not seen since. Another object may have
    /// been passed over, so nothing may be concluded from its absence.
    pub unstable: bool,
    /// Counts as a page in memory until it is dropped.
    _place: Option<Arc<PageInMemory>>,
}

/// Reads one list page by page. Holds one page at a time, the first pages under up to twenty parents,
/// and a few bytes per object already seen.
///
/// It begins again at the first page, with smaller pages, when a page took too long or was too large;
/// once when a link to a next page expired; and when the last page is full, to find out whether the
/// list goes on behind it.
pub struct ListReader {
    graph: TenantGraph,
    plan: ListPlan,
    root: VersionRoot,
    steps: VecDeque<Step>,
    refused: Option<PagingRefusal>,
    pages: u32,
    strategy: FetchStrategy,
    round: Round,
    /// Ids of objects that were returned before the list was begun again.
    given: SeenKeys,
    /// Ids of objects that were returned altered, because their rows were damaged. They are returned
    /// again when a later reading shows them undamaged.
    altered: SeenKeys,
    /// Findings of the rounds that were read to a full last page, before the end was checked.
    whole: Round,
    /// How often the list was begun again to find out whether it ended.
    checks: u32,
    may_be_cut: bool,
    /// Whether the list was begun again for a link that expired.
    expired: bool,
    enricher: Enricher,
    /// What is left of the page that was read last.
    portions: Portions,
    /// Objects whose values are stored.
    known: Arc<KnownValues>,
    expansion: Expansion,
    ahead: Option<Ahead>,
    /// The place of the page that was returned last, as long as its reader keeps it.
    returned: Weak<PageInMemory>,
}

impl TenantGraph {
    /// Begins to read a list. The first page is requested by [`ListReader::next_page`].
    #[must_use]
    pub fn list(&self, plan: &ListPlan) -> ListReader {
        self.list_with(plan, KnownValues::default())
    }

    /// As [`Self::list`], where the values of some objects are known: they are not read again.
    #[must_use]
    pub fn list_with(&self, plan: &ListPlan, known: KnownValues) -> ListReader {
        ListReader::new(self.clone(), plan.clone(), known)
    }
}

impl ListReader {
    fn new(graph: TenantGraph, plan: ListPlan, known: KnownValues) -> Self {
        let strategy = if known.are_few() {
            FetchStrategy::FULL.with_settings(plan.collection())
        } else {
            FetchStrategy::FULL
        };
        let root = VersionRoot::new(&graph.graph, plan.collection().version());
        let given = SeenKeys::within(&graph.http.rooms);
        let mut reader = Self {
            enricher: Enricher::new(graph.clone(), plan.clone()),
            graph,
            plan,
            root,
            steps: VecDeque::new(),
            refused: None,
            pages: 0,
            strategy,
            round: Round::after(&given),
            altered: given.another(),
            whole: Round::after(&given),
            given,
            checks: 0,
            may_be_cut: false,
            expired: false,
            portions: Portions::default(),
            known: Arc::new(known),
            expansion: Expansion::default(),
            ahead: None,
            returned: Weak::new(),
        };
        reader.begin(strategy);
        reader
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
        if let Some(part) = self.next_part().await? {
            return Ok(Some(part));
        }
        while let Some(step) = self.steps.front().cloned() {
            match self.advance(&step).await {
                Ok(Some(page)) => return Ok(Some(page)),
                Ok(None) => {}
                Err(error) => self.recover(error)?,
            }
        }
        Ok(None)
    }

    /// Whether the list may go on behind the end that was found: its last page was full, and reading
    /// it in pages of other sizes did not show that it ended. Nothing may be concluded from an
    /// object's absence. Known at the end of the list.
    #[must_use]
    pub const fn may_be_cut(&self) -> bool {
        self.may_be_cut
    }

    /// Rows that were altered or left out, by the policy type that they belong to or may belong to.
    /// Of such a type nothing may be concluded from an object's absence. Known at the end of the
    /// list; positions count from its beginning, and those under several parents go on from one to
    /// the next.
    #[must_use]
    pub const fn row_problems(&self) -> &BTreeMap<PolicyTypeKey, RowProblems> {
        &self.round.problems
    }

    /// Takes a step; `None` when it brings no page.
    async fn advance(&mut self, step: &Step) -> Result<Option<ListPage>, GraphError> {
        if let Some(refusal) = self.refused {
            return Err(GraphErrorKind::Paging(refusal).into());
        }
        if self.pages >= self.graph.http.options().max_pages {
            self.refused = Some(PagingRefusal::TooManyPages);
            return Err(GraphErrorKind::Paging(PagingRefusal::TooManyPages).into());
        }
        if step.of_parents {
            self.read_parents(step).await?;
            return Ok(None);
        }
        if step.is_child() && step.body.is_none() && self.read_ahead().await? {
            return Ok(None);
        }
        let read = self.fetch(step).await?;
        self.take(step, read).await.map(Some)
    }

    /// Begins again where that may help; otherwise returns the error.
    fn recover(&mut self, error: GraphError) -> Result<(), GraphError> {
        if self.checks > 0 && !error.is_fatal() {
            // The list was read once; only whether it ended stays unknown.
            tracing::info!(path = self.plan.path(), error = %Causes(&error), "the end of the list was not confirmed");
            let whole = std::mem::replace(&mut self.whole, Round::after(&self.given));
            self.round.keep(whole);
            self.give_up_checking();
            return Ok(());
        }
        let first = self.steps.front().map(|step| step.address_kind) == Some(AddressKind::First);
        if first && self.strategy.settings() && Expansion::is_refused(&error) {
            let strategy = self.strategy.without_settings();
            self.begin_again(strategy, "the list does not carry settings");
            return Ok(());
        }
        if error.is_too_much()
            && let Some(less) = self.less()
        {
            self.begin_again(less, "the answer took too long or was too large");
            return Ok(());
        }
        if error.kind == GraphErrorKind::PageExpired && !self.expired {
            self.expired = true;
            self.begin_again(self.strategy, "the link to the next page has expired");
            return Ok(());
        }
        Err(error)
    }

    /// The strategy to go on with when this one was too much.
    fn less(&self) -> Option<FetchStrategy> {
        let collection = self.plan.collection();
        let whole = collection.shape() == Shape::List && self.checks == 0;
        self.strategy.less(collection).filter(|_| whole)
    }

    /// What is lacking so far of the objects that were returned, by policy type: assignments and
    /// links that could not be read.
    #[must_use]
    pub const fn incomplete(&self) -> &BTreeMap<PolicyTypeKey, Incomplete> {
        self.enricher.incomplete()
    }

    /// Objects so far whose values were read, by policy type.
    #[must_use]
    pub const fn values_read(&self) -> &BTreeMap<PolicyTypeKey, ValuesRead> {
        self.enricher.values_read()
    }

    /// Objects so far whose kind or family is not known. Each was returned under the policy type
    /// that takes the rest of its list.
    #[must_use]
    pub const fn unknown(&self) -> &BTreeMap<PolicyTypeKey, u64> {
        &self.round.unknown
    }

    /// Ids of the objects so far that the inventory leaves out, as Microsoft's own. They are few.
    #[must_use]
    pub const fn left_out(&self) -> &BTreeMap<PolicyTypeKey, Vec<String>> {
        &self.round.left_out
    }

    /// Begins again at the first page: a page of another size begins elsewhere. Objects that
    /// were returned are not returned again.
    fn begin_again(&mut self, strategy: FetchStrategy, reason: &'static str) {
        tracing::info!(
            path = self.plan.path(),
            ?strategy,
            reason,
            "beginning a list again"
        );
        self.begin(strategy);
    }

    fn begin(&mut self, strategy: FetchStrategy) {
        let first = Step::first(&self.root, self.plan.collection(), strategy);
        self.strategy = strategy;
        self.ahead = None;
        self.steps = VecDeque::from([first]);
        let round = Round::after(&self.given);
        self.given
            .absorb(std::mem::replace(&mut self.round, round).ids);
    }

    /// Completes a page that was read and moves on. When that fails, the same page is read next.
    async fn take(
        &mut self,
        step: &Step,
        (mut read, place): Placed<PageRead>,
    ) -> Result<ListPage, GraphError> {
        let mut observed = std::mem::take(&mut read.observed);
        let sighted = observed.len();
        let mut on_this_page = SeenKeys::of_one_answer();
        observed.retain(|one| on_this_page.insert(&one.observation.external_id));
        let mut unstable = observed.len() < sighted;
        let altered: BTreeSet<&str> = read
            .problems
            .iter()
            .filter_map(|problem| problem.row.id.as_deref())
            .collect();
        let (again, observed): (Vec<_>, Vec<_>) = observed.into_iter().partition(|one| {
            let id = one.observation.external_id.as_str();
            let undamaged = self.altered.contains(id) && !altered.contains(id);
            self.given.contains(id) && !undamaged
        });
        for id in altered {
            self.altered.insert(id);
        }
        let sighted: Vec<String> = observed
            .iter()
            .chain(&again)
            .map(|one| one.observation.external_id.clone())
            .collect();
        let (first, portions) = Portions::of(observed, place);
        // Boxed: it is large, and rarely needed.
        let observations = self.enricher.complete(first).boxed().await?;
        let mut new = false;
        for id in &sighted {
            let unseen = self.round.ids.insert(id);
            unstable |= !unseen;
            new |= unseen;
        }
        new |= self.round.count(self.plan.keys(), &read);
        self.go_on(step, read.next.as_deref(), (read.rows, new));
        if self.steps.is_empty() {
            unstable |= self.check_end(read.rows);
        } else if self.strategy.settings() && self.expansion.shrinks_pages(read.rows) {
            let strategy = self.strategy.without_settings();
            self.begin_again(strategy, "pages with settings are short");
        }
        let place = portions.place();
        self.returned = place.as_ref().map(Arc::downgrade).unwrap_or_default();
        self.portions = portions;
        Ok(ListPage {
            observations,
            rows: read.rows,
            begins: true,
            unstable,
            _place: place,
        })
    }

    /// Moves from the page that was just read to the one that its link leads to. `brought` is how many
    /// rows the page had, and whether one of them is new. A link that must not be followed fails the
    /// next call, because this page is good.
    fn go_on(&mut self, step: &Step, link: Option<&str>, brought: (u64, bool)) {
        self.pages += 1;
        self.steps.pop_front();
        self.round.links.insert(step.url.as_str());
        let Some(link) = link else {
            self.round.progress = Progress::default();
            return;
        };
        let next = self.follow(link, brought);
        self.steps.push_front(Step {
            // When it must not be followed, nothing is requested any more.
            url: next.as_ref().unwrap_or(&step.url).clone(),
            address_kind: AddressKind::Next,
            of_parents: step.of_parents,
            parent: step.parent.clone(),
            body: None,
        });
        self.refused = next.err();
    }

    fn follow(&mut self, link: &str, (rows, new): (u64, bool)) -> Result<Url, PagingRefusal> {
        if self.round.is_full() || self.given.is_full() || self.altered.is_full() {
            return Err(PagingRefusal::TooManyObjects);
        }
        self.round.progress.page(rows, new)?;
        let url = self.root.follow(link)?;
        if self.round.links.insert(url.as_str()) {
            Ok(url)
        } else {
            Err(PagingRefusal::Repeated)
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
