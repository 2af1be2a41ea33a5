//! Lists of what concerns people: tenants, notifications, the audit log, groups of directories.

use atlas_domain::audit::{AuditAction, AuditOutcome};
use atlas_domain::directory::GroupType;
use atlas_domain::ids::NotificationId;
use atlas_store::{AuditFilter, GroupFilter, NotificationFilter, Place, Store};
use chrono::{DateTime, Utc};

use super::super::pages::Hundredth;
use super::{Read, days_ago, list, member_of_all, page, tenant};

/// To find in an index that there is nothing; a list of all entries would touch hundreds.
const BUFFERS_OF_NOTHING: i64 = 20;

pub(super) fn all(hundredth: &Hundredth) -> Vec<Read> {
    let user = member_of_all();
    let notices = |name, unread: bool, place: Place<(DateTime<Utc>, NotificationId)>| {
        let filter = NotificationFilter::unread(unread);
        list!(name, filter, place, |store, filter, page| store
            .notifications(user, &filter, page))
    };
    let mut all = vec![
        list!("tenants", false, Place::First, |store, descending, page| {
            store.tenants_of(user, descending, page)
        }),
        list!(
            "tenants by descending names",
            true,
            Place::First,
            |store, descending, page| store.tenants_of(user, descending, page)
        ),
        list!("members", (), Place::First, |store, _none, page| store
            .member_page(tenant(1), page)),
        list!(
            "notifications of a tenant",
            tenant(1),
            Place::First,
            |store, tenant, page| async move {
                let of_tenant = NotificationFilter {
                    tenants: vec![tenant],
                    ..NotificationFilter::default()
                };
                store.notifications(member_of_all(), &of_tenant, page).await
            }
        ),
        notices("notifications", false, Place::First),
        notices(
            "notifications, hundredth page",
            false,
            Place::After(hundredth.notifications),
        ),
        notices(
            "notifications, before the hundredth page",
            false,
            Place::Before(hundredth.notifications),
        ),
        notices("notifications, unread", true, Place::First),
        Read::new("unread count", move |store| async move {
            store.unread_count(user, 100).await.map(|count| vec![count])
        }),
    ];
    let none = AuditFilter::default;
    let (action, actor) = (vec![AuditAction::RunCompleted], Some(user.into_uuid()));
    let moment = Some(days_ago(3));
    let filters = [
        ("audit", none(), Place::First),
        (
            "audit, hundredth page",
            none(),
            Place::After(hundredth.audit),
        ),
        (
            "audit, before the hundredth page",
            none(),
            Place::Before(hundredth.audit),
        ),
        (
            "audit of an action",
            AuditFilter { action, ..none() },
            Place::First,
        ),
        (
            "audit of an action that no entry has",
            AuditFilter {
                action: vec![AuditAction::TenantAdded],
                ..none()
            },
            Place::First,
        ),
        (
            "audit of an actor",
            AuditFilter { actor, ..none() },
            Place::First,
        ),
        (
            "audit, denied",
            AuditFilter {
                outcome: Some(AuditOutcome::Denied),
                ..none()
            },
            Place::First,
        ),
        (
            "audit of the last days",
            AuditFilter {
                occurred_after: moment,
                ..none()
            },
            Place::First,
        ),
        (
            "audit of before",
            AuditFilter {
                occurred_before: moment,
                ..none()
            },
            Place::First,
        ),
    ];
    all.extend(filters.into_iter().map(|(name, filter, place)| {
        list!(name, filter, place, |store, filter, page| store
            .audit_events(tenant(1), &filter, page))
    }));
    for read in &mut all {
        if read.name.contains(" no entry ") {
            read.finds_nothing = true;
            read.most_buffers = BUFFERS_OF_NOTHING;
        }
    }
    all
}

pub(super) fn groups() -> Vec<Read> {
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
            list!(name, filter, Place::First, |store, filter, page| store
                .groups(tenant(1), &filter, page))
        })
        .collect()
}
