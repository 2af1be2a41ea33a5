//! Every list of the store, whole, by each of its filters alone, and far into it.

use std::pin::Pin;

use atlas_domain::access::operator::can_operate_installation;
use atlas_domain::audit::AuditOutcome;
use atlas_domain::directory::GroupType;
use atlas_domain::ids::{ItemId, NotificationId, RunId, TenantId, UserId};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use atlas_domain::run::{OperationKind, Outcome, Status};
use atlas_store::{
    AuditFilter, ChangeFilter, GroupFilter, ItemFilter, LinkDirection, LinkFilter, PageRequest,
    RunFilter, Store, StoreError,
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::pages::Hundredth;
use super::{PAGE, Seeded};

/// A tenant by its number in the seed, from 1; the first one is the largest.
pub(super) fn tenant(number: u64) -> TenantId {
    TenantId::from_uuid(numbered(number))
}

/// The user who is a member of all tenants.
pub(super) fn member_of_all() -> UserId {
    UserId::from_uuid(numbered(65_537))
}

fn numbered(number: u64) -> Uuid {
    format!("00000000-0000-7000-8000-{number:012x}")
        .parse()
        .unwrap()
}

type Rows = Pin<Box<dyn Future<Output = usize>>>;

/// One call of the store.
pub(super) struct Read {
    name: String,
    call: Box<dyn Fn(Store) -> Rows>,
    finds_nothing: bool,
}

impl Read {
    fn new<T, F>(name: &str, call: impl Fn(Store) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Vec<T>, StoreError>> + 'static,
    {
        let call = move |store| -> Rows {
            let rows = call(store);
            Box::pin(async move { rows.await.unwrap().len() })
        };
        Self {
            name: name.to_owned(),
            call: Box::new(call),
            finds_nothing: false,
        }
    }

    /// Gives the number of rows.
    pub(super) async fn call(&self, store: &Store) -> usize {
        (self.call)(store.clone()).await
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It is meant to find no rows.
    pub(super) fn finds_nothing(&self) -> bool {
        self.finds_nothing
    }
}

/// A page as the API asks for it: with one row more, to know whether there is another.
const fn page<K>(after: Option<K>) -> PageRequest<K> {
    PageRequest {
        limit: PAGE + 1,
        after,
    }
}

/// A read of a page with a filter.
macro_rules! list {
    ($name:expr, $filter:expr, $after:expr, |$store:ident, $kept:ident, $page:ident| $call:expr) => {{
        let (filter, after) = ($filter, $after);
        Read::new($name, move |$store: Store| {
            let ($kept, $page) = (filter.clone(), page(after.clone()));
            async move { $call.await }
        })
    }};
}

/// All of them, over the largest tenant or all tenants.
pub(super) async fn all(seeded: &Seeded) -> Vec<Read> {
    let store = seeded.database.store();
    let hundredth = Hundredth::find(&store, member_of_all(), tenant(1)).await;
    let mut all = runs(&hundredth, some_runs(&store).await);
    all.extend(inventory(&hundredth));
    all.extend(links_and_changes(&store, &hundredth).await);
    all.extend(people(&hundredth));
    all.extend(groups());
    all.extend(installation());
    seeded.end_sessions(store).await;
    all
}

async fn some_runs(store: &Store) -> Vec<RunId> {
    let newest = store
        .runs(
            member_of_all(),
            &RunFilter::default(),
            PageRequest::first(20),
        )
        .await;
    newest.unwrap().iter().map(|row| row.run.id).collect()
}

fn runs(hundredth: &Hundredth, ids: Vec<RunId>) -> Vec<Read> {
    let none = RunFilter::default;
    let day = TimeDelta::days(1);
    let filters = [
        ("runs", none()),
        (
            "runs of a tenant",
            RunFilter {
                tenant: vec![tenant(1)],
                ..none()
            },
        ),
        (
            "runs of twenty tenants",
            RunFilter {
                tenant: (1..=20).map(tenant).collect(),
                ..none()
            },
        ),
        (
            "runs of a kind",
            RunFilter {
                kind: vec![OperationKind::DirectoryGroupsSync],
                ..none()
            },
        ),
        (
            "runs, queued",
            RunFilter {
                status: vec![Status::Queued],
                ..none()
            },
        ),
        (
            "runs, running",
            RunFilter {
                status: vec![Status::Running],
                ..none()
            },
        ),
        (
            "runs, completed",
            RunFilter {
                status: vec![Status::Completed],
                ..none()
            },
        ),
        (
            "runs, succeeded",
            RunFilter {
                outcome: vec![Outcome::Succeeded],
                ..none()
            },
        ),
        (
            "runs, failed",
            RunFilter {
                outcome: vec![Outcome::Failed],
                ..none()
            },
        ),
        (
            "runs, cancelled",
            RunFilter {
                outcome: vec![Outcome::Cancelled],
                ..none()
            },
        ),
        (
            "runs of an initiator",
            RunFilter {
                initiator: Some(member_of_all()),
                ..none()
            },
        ),
        (
            "runs of the last days",
            RunFilter {
                created_after: Some(Utc::now() - day * 3),
                ..none()
            },
        ),
        (
            "runs of long ago",
            RunFilter {
                created_before: Some(Utc::now() - day * 85),
                ..none()
            },
        ),
        ("runs by id", RunFilter { ids, ..none() }),
    ];
    let one = |(name, filter): (&str, RunFilter), after: Option<(DateTime<Utc>, RunId)>| {
        list!(name, filter, after, |store, filter, page| store.runs(
            member_of_all(),
            &filter,
            page
        ))
    };
    let far = one(("runs, hundredth page", none()), Some(hundredth.runs));
    let mut all: Vec<_> = filters
        .into_iter()
        .map(|filter| one(filter, None))
        .collect();
    all.push(far);
    all.push(Read::new("active runs", |store| async move {
        store.active_runs(member_of_all(), 20).await
    }));
    all
}

fn inventory(hundredth: &Hundredth) -> Vec<Read> {
    let none = ItemFilter::default;
    let q = |text: &str| ItemFilter {
        q: Some(text.to_owned()),
        ..none()
    };
    let types = ["androidManagedAppProtection", "assignmentFilter"].map(str::to_owned);
    let filters = [
        ("items", none()),
        (
            "items of a type",
            ItemFilter {
                policy_type: types[..1].to_vec(),
                ..none()
            },
        ),
        (
            "items of two types",
            ItemFilter {
                policy_type: types.to_vec(),
                ..none()
            },
        ),
        (
            "items of a category",
            ItemFilter {
                category: Some("Compliance".to_owned()),
                ..none()
            },
        ),
        (
            "items of a platform",
            ItemFilter {
                platform: Some("windows".to_owned()),
                ..none()
            },
        ),
        (
            "items, missing",
            ItemFilter {
                missing: Some(true),
                ..none()
            },
        ),
        (
            "items, present",
            ItemFilter {
                missing: Some(false),
                ..none()
            },
        ),
        (
            "items, foundations",
            ItemFilter {
                foundation: Some(true),
                ..none()
            },
        ),
        (
            "items, policies",
            ItemFilter {
                foundation: Some(false),
                ..none()
            },
        ),
        ("items that many names match", q("kiosk")),
        ("items that no name matches", q("nowhere")),
    ];
    let one = |(name, filter): (&str, ItemFilter), after: Option<(String, ItemId)>| {
        list!(name, filter, after, |store, filter, page| store.items(
            tenant(1),
            &filter,
            page
        ))
    };
    let mut all: Vec<_> = filters
        .into_iter()
        .map(|filter| one(filter, None))
        .collect();
    for read in &mut all {
        read.finds_nothing = read.name.contains(" no name ");
    }
    all.push(one(
        ("items, hundredth page", none()),
        Some(hundredth.items.clone()),
    ));
    all.push(Read::new("inventory summary", |store| async move {
        store.inventory_summary(tenant(1)).await
    }));
    all.push(list!("syncs", (), None, |store, _none, page| store
        .sync_runs(tenant(1), page)));
    all
}

async fn links_and_changes(store: &Store, hundredth: &Hundredth) -> Vec<Read> {
    let (tenant, none) = (tenant(1), LinkFilter::default);
    let to_a_group = LinkFilter {
        kind: Some(LinkKind::AssignedTo),
        ..none()
    };
    let link = store
        .links(tenant, &to_a_group, PageRequest::first(1))
        .await;
    let link = link.unwrap().remove(0);
    let (group, linked) = (link.target.id, link.item.id);
    let item = store.item(tenant, linked).await.unwrap().unwrap();
    let tags = Some(TargetKind::RoleScopeTag);
    let filters = [
        ("links", none()),
        ("links of a kind", to_a_group),
        (
            "links to a kind of targets",
            LinkFilter {
                target_kind: tags,
                ..none()
            },
        ),
        (
            "links to a target",
            LinkFilter {
                target_kind: Some(TargetKind::Group),
                target_id: Some(group),
                ..none()
            },
        ),
        (
            "links, dangling",
            LinkFilter {
                dangling: Some(true),
                ..none()
            },
        ),
        (
            "links, not dangling",
            LinkFilter {
                dangling: Some(false),
                ..none()
            },
        ),
    ];
    let mut all: Vec<_> = filters
        .into_iter()
        .map(|(name, filter)| {
            list!(name, filter, None, |store, filter, page| store
                .links(tenant, &filter, page))
        })
        .collect();
    all.push(list!(
        "links of an item",
        item,
        None,
        |store, item, page| store.item_links(tenant, &item, LinkDirection::Both, page)
    ));

    let none = ChangeFilter::default;
    let since = Some(Utc::now() - TimeDelta::days(60));
    let one_type = vec!["activityBasedTimeoutPolicy".to_owned()];
    let filters = [
        ("changes", none(), None),
        ("changes, hundredth page", none(), Some(hundredth.changes)),
        (
            "changes since a moment",
            ChangeFilter { since, ..none() },
            None,
        ),
        (
            "changes of an item",
            ChangeFilter {
                item: Some(linked),
                ..none()
            },
            None,
        ),
        (
            "changes of a kind",
            ChangeFilter {
                kinds: vec![ChangeKind::Gone],
                ..none()
            },
            None,
        ),
        (
            "changes of a type",
            ChangeFilter {
                policy_types: one_type,
                ..none()
            },
            None,
        ),
    ];
    all.extend(filters.into_iter().map(|(name, filter, after)| {
        list!(name, filter, after, |store, filter, page| store
            .changes(tenant, &filter, page))
    }));
    all
}

fn people(hundredth: &Hundredth) -> Vec<Read> {
    let user = member_of_all();
    let notices = |name, unread: bool, after: Option<(DateTime<Utc>, NotificationId)>| {
        list!(name, unread, after, |store, unread, page| store
            .notifications(user, unread, page))
    };
    let mut all = vec![
        list!("tenants", (), None, |store, _none, page| store
            .tenants_of(user, page)),
        notices("notifications", false, None),
        notices(
            "notifications, hundredth page",
            false,
            Some(hundredth.notifications),
        ),
        notices("notifications, unread", true, None),
        Read::new("unread count", move |store| async move {
            store.unread_count(user, 100).await.map(|count| vec![count])
        }),
    ];
    let none = AuditFilter::default;
    let (action, actor) = (
        vec!["operation_run.completed".to_owned()],
        Some(user.into_uuid()),
    );
    let moment = Some(Utc::now() - TimeDelta::days(3));
    let filters = [
        ("audit", none(), None),
        ("audit, hundredth page", none(), Some(hundredth.audit)),
        ("audit of an action", AuditFilter { action, ..none() }, None),
        ("audit of an actor", AuditFilter { actor, ..none() }, None),
        (
            "audit, denied",
            AuditFilter {
                outcome: Some(AuditOutcome::Denied),
                ..none()
            },
            None,
        ),
        (
            "audit of the last days",
            AuditFilter {
                occurred_after: moment,
                ..none()
            },
            None,
        ),
        (
            "audit of before",
            AuditFilter {
                occurred_before: moment,
                ..none()
            },
            None,
        ),
    ];
    all.extend(filters.into_iter().map(|(name, filter, after)| {
        list!(name, filter, after, |store, filter, page| store
            .audit_events(tenant(1), &filter, page))
    }));
    all
}

fn groups() -> Vec<Read> {
    let none = GroupFilter::default;
    let filters = [
        ("groups", none()),
        (
            "groups of a type",
            GroupFilter {
                group_type: Some(GroupType::Microsoft365),
                ..none()
            },
        ),
        (
            "groups that begin like this",
            GroupFilter {
                q: Some("sg-".to_owned()),
                ..none()
            },
        ),
    ];
    filters
        .into_iter()
        .map(|(name, filter)| {
            list!(name, filter, None, |store, filter, page| store.groups(
                tenant(1),
                &filter,
                page
            ))
        })
        .collect()
}

fn installation() -> Vec<Read> {
    vec![
        Read::new("queues", |store| async move { store.queue_stats().await }),
        Read::new("workers", |store| async move {
            store
                .workers(&can_operate_installation(true).unwrap())
                .await
        }),
    ]
}
