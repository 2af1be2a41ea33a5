//! Who changed what: the audit logs of Intune and Entra.
//!
//! Microsoft Graph documentation, "List auditEvents" and "List directoryAudits". Events become visible
//! minutes after what they report, may come twice, and their order is not relied upon.

mod row;

use std::collections::BTreeSet;

use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::inventory::actor::{ActivityEvent, ActivityLog};
use atlas_domain::policy_types::PolicyTypeKey;
use chrono::{DateTime, SecondsFormat, Utc};
use url::Url;

use crate::client::TenantGraph;
use crate::collections::collections;
use crate::error::{GraphError, GraphErrorKind, PagingRefusal};
use crate::list::progress::Progress;
use crate::list::seen_keys::SeenKeys;
use crate::request::call::AddressKind;
use crate::request::link::VersionRoot;
use crate::request::room::PageInMemory;
use row::EventsRead;

const VERSION: &str = "v1.0";

/// One page of events.
#[derive(Debug)]
pub struct ActivityPage {
    /// Those that changed objects and name who did it, in the order in which Graph sent them.
    pub events: Vec<ActivityEvent>,
    /// The time of the page's latest event, whatever the event is.
    pub latest: Option<DateTime<Utc>>,
    /// Whether its events, and those of the pages before, are in the order of time.
    pub in_order: bool,
    /// Counts as a page in memory until it is dropped.
    _place: Option<PageInMemory>,
}

impl ActivityPage {
    /// The page, which does not count as one in memory any more: for one whose events are kept while
    /// others are read.
    #[must_use]
    pub fn out_of_place(self) -> Self {
        Self {
            _place: None,
            ..self
        }
    }
}

/// Reads the events of a log since a moment, page by page.
pub struct ActivityReader {
    graph: TenantGraph,
    root: VersionRoot,
    log: ActivityLog,
    next: Option<(Url, AddressKind)>,
    refused: Option<PagingRefusal>,
    pages: u32,
    links: SeenKeys,
    ids: SeenKeys,
    progress: Progress,
    latest: Option<DateTime<Utc>>,
    in_order: bool,
}

/// The logs that report changes of objects of these policy types.
#[must_use]
pub fn activity_logs(keys: &[PolicyTypeKey]) -> BTreeSet<ActivityLog> {
    let wanted = collections().iter().filter(|one| keys.contains(&one.key()));
    wanted
        .map(|collection| {
            let path = collection.path().trim_start_matches('/');
            let root = path.split('/').next().unwrap_or_default();
            match root {
                "deviceManagement" | "deviceAppManagement" => ActivityLog::Intune,
                _ => ActivityLog::Directory,
            }
        })
        .collect()
}

/// The application permissions that reading a log needs, all of them.
#[must_use]
pub const fn activity_log_permissions(log: ActivityLog) -> &'static [&'static str] {
    match log {
        ActivityLog::Intune => &["DeviceManagementApps.Read.All"],
        ActivityLog::Directory => &["AuditLog.Read.All", "Directory.Read.All"],
    }
}

impl TenantGraph {
    /// Begins to read a log from `since` on. The first page is requested by
    /// [`ActivityReader::next_page`].
    #[must_use]
    pub fn activity_log(&self, log: ActivityLog, since: DateTime<Utc>) -> ActivityReader {
        let root = VersionRoot::new(&self.graph, VERSION);
        let since = since.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (path, condition) = match log {
            // Reading an object changes nothing, and is most of what is logged in some tenants.
            ActivityLog::Intune => (
                "/deviceManagement/auditEvents",
                "%20and%20activityOperationType%20ne%20'Get'",
            ),
            ActivityLog::Directory => ("/auditLogs/directoryAudits", ""),
        };
        let query =
            format!("$filter=activityDateTime%20ge%20{since}{condition}&$orderby=activityDateTime");
        ActivityReader {
            graph: self.clone(),
            next: Some((root.address(path, &query), AddressKind::First)),
            root,
            log,
            refused: None,
            pages: 0,
            links: SeenKeys::within(&self.http.rooms),
            ids: SeenKeys::within(&self.http.rooms),
            progress: Progress::default(),
            latest: None,
            in_order: true,
        }
    }

    /// The failure to read a log as a caller may see it, with the names of missing permissions.
    #[must_use]
    pub fn activity_log_failure(&self, log: ActivityLog, error: &GraphError) -> Failure {
        let mut failure = self.whose_fault(error).failure(&[]);
        if failure.code == FailureCode::PERMISSION_MISSING {
            let permissions = activity_log_permissions(log);
            failure.missing_permissions = permissions.iter().map(|&one| one.to_owned()).collect();
            failure = failure.with_hint(format!(
                "Grant the application permission {} in Microsoft Entra and give admin consent. \
                 Until then, changes have no actors.",
                permissions.join(" and ")
            ));
        } else if failure.code == FailureCode::NOT_LICENSED {
            "The tenant is not licensed for this log.".clone_into(&mut failure.detail);
        }
        failure
    }
}

impl ActivityReader {
    /// The next page; `None` at the end.
    ///
    /// # Errors
    /// [`GraphError`]. What was returned before is good.
    pub async fn next_page(&mut self) -> Result<Option<ActivityPage>, GraphError> {
        if let Some(refusal) = self.refused {
            return Err(GraphErrorKind::Paging(refusal).into());
        }
        let Some((url, address_kind)) = self.next.clone() else {
            return Ok(None);
        };
        // Only an object can be absent.
        let log = self.log;
        let answer = self
            .graph
            .get_page(&url, address_kind, false, |body| row::read(log, body))
            .await?;
        let (read, place) = answer.unwrap_or_default();
        self.pages += 1;
        self.next = None;
        self.links.insert(url.as_str());
        if let Err(refusal) = self.go_on(&read) {
            self.refused = Some(refusal);
        }
        for &at in &read.times {
            self.in_order &= self.latest.is_none_or(|latest| latest <= at);
            self.latest = self.latest.max(Some(at));
        }
        if read.unreadable > 0 {
            tracing::warn!(%log, rows = read.unreadable, "events cannot be read and are left out");
        }
        Ok(Some(ActivityPage {
            events: read.events,
            latest: read.times.iter().max().copied(),
            in_order: self.in_order,
            _place: place,
        }))
    }

    /// Moves to the page that the link leads to. A link that must not be followed fails the next call,
    /// because this page is good.
    fn go_on(&mut self, read: &EventsRead) -> Result<(), PagingRefusal> {
        let mut new = false;
        for id in &read.ids {
            new |= self.ids.insert(id);
        }
        let Some(link) = &read.next else {
            return Ok(());
        };
        if self.pages >= self.graph.http.options().max_pages {
            return Err(PagingRefusal::TooManyPages);
        }
        if self.ids.is_full() || self.links.is_full() {
            return Err(PagingRefusal::TooManyObjects);
        }
        self.progress.page(read.rows, new)?;
        let url = self.root.follow(link)?;
        if !self.links.insert(url.as_str()) {
            return Err(PagingRefusal::Repeated);
        }
        self.next = Some((url, AddressKind::Next));
        Ok(())
    }
}

/// Without its links, which may carry tokens.
impl std::fmt::Debug for ActivityReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActivityReader")
            .field("log", &self.log)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::policy_types::registry;

    use super::*;

    fn logs(words: &[&str]) -> Vec<ActivityLog> {
        let keys: Vec<_> = words
            .iter()
            .map(|word| registry().find(word).unwrap())
            .collect();
        activity_logs(&keys).into_iter().collect()
    }

    #[test]
    fn only_logs_of_the_policy_types_are_read() {
        use ActivityLog::{Directory, Intune};
        assert_eq!(logs(&["mobileApp", "deviceConfiguration"]), [Intune]);
        assert_eq!(logs(&["conditionalAccessPolicy"]), [Directory]);
        assert_eq!(
            logs(&["conditionalAccessPolicy", "mobileApp"]),
            [Intune, Directory]
        );
        assert_eq!(logs(&[]), []);
    }
}
