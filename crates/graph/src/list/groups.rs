//! The groups of a directory: what is there, and later what changed since.
//!
//! Microsoft Graph documentation, "Use delta query to track changes" and "group: delta": rows may
//! repeat, their order means nothing, and the last page has the link for requesting later changes.
//! Such links live for seven days.

use atlas_domain::directory::GroupUpdate;
use atlas_domain::failure::{RowProblem, RowProblems};
use url::Url;

use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::list::progress::Progress;
use crate::list::seen_keys::SeenKeys;
use crate::request::call::AddressKind;
use crate::request::link::VersionRoot;
use crate::request::room::PageInMemory;
use crate::row::groups::{self, GroupsRead};

const VERSION: &str = "v1.0";
const PATH: &str = "/groups/delta";
const QUERY: &str = "$select=id,displayName,description,groupTypes,securityEnabled,mailEnabled,\
                     membershipRule,membershipRuleProcessingState,isAssignableToRole,\
                     onPremisesSyncEnabled,visibility";

/// The application permission that reading groups needs.
pub const GROUPS_PERMISSION: &str = "Group.Read.All";

/// One page of groups and changes of groups.
#[derive(Debug)]
pub struct GroupPage {
    /// In the order in which Graph sent them.
    pub updates: Vec<GroupUpdate>,
    /// Counts as a page in memory until it is dropped.
    _place: Option<PageInMemory>,
}

/// Reads the groups of a directory, page by page.
///
/// Damaged text in a row is replaced, and the row is kept. After a row that cannot be used the reading
/// has no valid end: a group that occurs in that row alone would be recorded as gone, and a change
/// that is passed over is never sent again. [`GroupReader::lost_rows`] reports it.
pub struct GroupReader {
    graph: TenantGraph,
    root: VersionRoot,
    next: Option<(Url, AddressKind)>,
    refused: Option<PagingRefusal>,
    pages: u32,
    links: SeenKeys,
    ids: SeenKeys,
    progress: Progress,
    rows: u64,
    row_problems: RowProblems,
    lost: bool,
    delta_link: Option<String>,
}

impl TenantGraph {
    /// Begins to read the directory's groups: all of them, or what changed since the reading that
    /// ended with the link `since`. The first page is requested by [`GroupReader::next_page`].
    #[must_use]
    pub fn groups(&self, since: Option<&str>) -> GroupReader {
        let root = VersionRoot::new(&self.graph, VERSION);
        let (next, refused) = match since.map(|link| root.follow(link)) {
            None => (Some((root.address(PATH, QUERY), AddressKind::First)), None),
            Some(Ok(url)) => (Some((url, AddressKind::Next)), None),
            Some(Err(refusal)) => (None, Some(refusal)),
        };
        GroupReader {
            graph: self.clone(),
            root,
            next,
            refused,
            pages: 0,
            links: SeenKeys::within(&self.http.rooms),
            ids: SeenKeys::within(&self.http.rooms),
            progress: Progress::default(),
            rows: 0,
            row_problems: RowProblems::default(),
            lost: false,
            delta_link: None,
        }
    }
}

impl GroupReader {
    /// The next page; `None` at the end, after which [`GroupReader::delta_link`] is known.
    ///
    /// # Errors
    /// [`GraphError`]. After [`GraphErrorKind::PageExpired`] or [`GraphErrorKind::Paging`] the link
    /// `since` cannot be used any more: a new reading begins without one.
    pub async fn next_page(&mut self) -> Result<Option<GroupPage>, GraphError> {
        if let Some(refusal) = self.refused {
            return Err(GraphErrorKind::Paging(refusal).into());
        }
        let Some((url, address_kind)) = self.next.clone() else {
            return Ok(None);
        };
        if self.pages >= self.graph.http.options().max_pages {
            self.refused = Some(PagingRefusal::TooManyPages);
            return Err(GraphErrorKind::Paging(PagingRefusal::TooManyPages).into());
        }
        // Only an object can be absent.
        let answer = self
            .graph
            .get_page(&url, address_kind, false, groups::read)
            .await?;
        let (read, place) = answer.unwrap_or_default();
        self.pages += 1;
        self.next = None;
        self.links.insert(url.as_str());
        let new = self.count(&read);
        if let Err(refusal) = self.go_on(&read, new) {
            self.refused = Some(refusal);
        }
        Ok(Some(GroupPage {
            updates: read.updates,
            _place: place,
        }))
    }

    /// Counts the rows of a page. Returns whether one of them is of a group that was not seen before.
    fn count(&mut self, read: &GroupsRead) -> bool {
        for problem in &read.problems {
            self.row_problems.add(RowProblem {
                position: problem.position.map(|position| self.rows + position),
                ..problem.clone()
            });
        }
        self.rows += read.rows;
        self.lost |= read.lost;
        let mut new = false;
        for one in &read.updates {
            new |= self.ids.insert(&one.id.to_string());
        }
        new
    }

    /// Moves to the page that the link leads to. A link that must not be followed fails the next call,
    /// because this page is good.
    fn go_on(&mut self, read: &GroupsRead, new: bool) -> Result<(), PagingRefusal> {
        if let Some(link) = &read.next {
            if self.ids.is_full() || self.links.is_full() {
                return Err(PagingRefusal::TooManyObjects);
            }
            self.progress.page(read.rows, new)?;
            let url = self.root.follow(link)?;
            if !self.links.insert(url.as_str()) {
                return Err(PagingRefusal::Repeated);
            }
            self.next = Some((url, AddressKind::Next));
        } else if let Some(link) = &read.delta_link {
            self.root.follow(link)?;
            self.delta_link = Some(link.clone());
        }
        Ok(())
    }

    /// Rows so far that were altered or left out.
    #[must_use]
    pub const fn row_problems(&self) -> &RowProblems {
        &self.row_problems
    }

    /// Whether a row so far could not be used. Then nothing may be concluded from a group's absence,
    /// and a later reading must not continue from this one's end.
    #[must_use]
    pub const fn lost_rows(&self) -> bool {
        self.lost
    }

    /// The link from which a later reading continues. Known after the last page; `None` when the reading
    /// did not come to its end.
    #[must_use]
    pub fn delta_link(&self) -> Option<&str> {
        self.delta_link.as_deref()
    }
}

/// Without its links, which may carry tokens.
impl std::fmt::Debug for GroupReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupReader")
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}
