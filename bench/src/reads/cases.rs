//! Which reads are measured: every GET of the API but its streams, every filter of its lists alone, and combinations.
//!
//! Names in braces are filled in by [`super::places`]; the tenant is the largest one unless it is the
//! usual one.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// What an index can serve answers within this time, one call in a hundred excepted.
const INDEX_LIMIT: Duration = Duration::from_millis(15);
/// A search for a part of a setting's name, among a million settings of a tenant.
const SETTING_SEARCH_LIMIT: Duration = Duration::from_millis(50);
/// What was known at a time is answered within this time, one call in a hundred excepted.
const AS_OF_LIMIT: Duration = Duration::from_millis(20);
/// Combinations of filters that no index serves answer within this time.
const COMBINATION_LIMIT: Duration = Duration::from_millis(100);
/// Rows of a page when none are asked for.
pub(super) const ROWS_OF_A_PAGE: usize = 50;
/// The page far into a list that is measured.
pub(super) const HUNDREDTH: usize = 100;
/// What the neighbours repeat when no list was measured.
pub(super) const USUALLY_SLOWEST: &str = "/operation-runs?outcome=failed";

/// Streams of everything that a tenant has take as long as it is large. What one page of theirs may touch
/// is held by the store's tests of scale.
#[cfg(test)]
const STREAMS: [&str; 4] = [
    "/tenants/{tenant_id}/inventory-export",
    "/tenants/{tenant_id}/stream",
    "/me/stream",
    "/operation-runs/{run_id}/stream",
];

/// How long a read may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    /// An index serves it.
    Index,
    /// It searches settings by a part of their names.
    SettingSearch,
    /// What was known at a time: two tables and the readings before it.
    AsOf,
    Combination,
}

impl Budget {
    pub(super) const fn limit(self) -> Duration {
        match self {
            Self::Index => INDEX_LIMIT,
            Self::SettingSearch => SETTING_SEARCH_LIMIT,
            Self::AsOf => AS_OF_LIMIT,
            Self::Combination => COMBINATION_LIMIT,
        }
    }
}

/// One read.
#[derive(Debug)]
pub(super) struct Case {
    /// Path and query.
    pub(super) path: &'static str,
    pub(super) budget: Budget,
    /// Whether its hundredth page is measured too.
    deep: bool,
}

impl Case {
    /// The numbers of the pages that are measured.
    pub(super) const fn pages(&self) -> &'static [usize] {
        if self.deep { &[1, HUNDREDTH] } else { &[1] }
    }

    /// Its label in the table.
    pub(super) fn name(&self, page: usize) -> String {
        let mark = match self.budget {
            Budget::Index | Budget::AsOf => "",
            Budget::SettingSearch => " [search]",
            Budget::Combination => " [combination]",
        };
        let page = (page > 1).then(|| format!(" page {page}"));
        format!("{}{}{mark}", self.path, page.unwrap_or_default())
    }
}

/// A detail, a count, or a list that has one page only.
const fn one(path: &'static str) -> Case {
    Case {
        path,
        budget: Budget::Index,
        deep: false,
    }
}

/// A list, its first and its hundredth page.
const fn list(path: &'static str) -> Case {
    Case {
        path,
        budget: Budget::Index,
        deep: true,
    }
}

/// A search for settings, its first and its hundredth page.
const fn search(path: &'static str) -> Case {
    Case {
        path,
        budget: Budget::SettingSearch,
        deep: true,
    }
}

/// What was known at a time: a detail, or a list with its first and its hundredth page.
const fn as_of(path: &'static str, deep: bool) -> Case {
    Case {
        path,
        budget: Budget::AsOf,
        deep,
    }
}

/// A list with several filters.
const fn several(path: &'static str) -> Case {
    Case {
        path,
        budget: Budget::Combination,
        deep: false,
    }
}

/// Every read.
pub(super) const ALL: &[Case] = &[
    one("/me"),
    one("/me/notifications/unread-count"),
    list("/me/notifications"),
    list("/me/notifications?unread=true"),
    list("/me/events"),
    list("/me/events?type=operation_run.completed"),
    list("/me/events?sort=-occurred_at"),
    one("/me/events?from=now"),
    one("/me/notifications?tenant_id={tenant_id}"),
    one("/webhooks"),
    one("/webhooks/{webhook_id}"),
    list("/webhooks/{webhook_id}/deliveries"),
    one("/policy-types"),
    one("/tenants/{tenant_id}/members"),
    one("/system/queues"),
    one("/system/workers"),
    list("/tenants"),
    list("/tenants?sort=-name"),
    one("/tenants/{tenant_id}"),
    one("/tenants/{tenant_id}/schedule"),
    one("/operation-runs/active"),
    one("/operation-runs/active?tenant_id={tenant_id}"),
    one("/operation-runs/active?kind=directory_groups_sync"),
    one("/operation-runs/active?initiator=me"),
    one("/operation-runs/counts"),
    one("/operation-runs/counts?tenant_id={tenant_id}"),
    one("/operation-runs/counts?tenant_id={usual_tenant}"),
    one("/operation-runs/counts?tenant_id={several_tenants}"),
    several("/operation-runs/counts?kind=directory_groups_sync"),
    one("/operation-runs/counts?status=running"),
    one("/operation-runs/counts?outcome=failed"),
    one("/operation-runs/counts?initiator=me"),
    one("/operation-runs/counts?created_after={three_days_ago}"),
    one("/operation-runs/counts?created_before={eighty_five_days_ago}"),
    one("/operation-runs/{run_id}"),
    one("/operation-runs/{run_id}/results"),
    list("/operation-runs/{run_id}/events"),
    one("/operation-runs/{run_id}/events?sort=-occurred_at"),
    one("/operation-runs/{run_id}/results?status=failed"),
    list("/operation-runs"),
    list("/operation-runs?tenant_id={tenant_id}"),
    list("/operation-runs?tenant_id={usual_tenant}"),
    list("/operation-runs?tenant_id={several_tenants}"),
    list("/operation-runs?kind=inventory_sync"),
    list("/operation-runs?kind=directory_groups_sync"),
    list("/operation-runs?status=queued"),
    list("/operation-runs?status=running"),
    list("/operation-runs?status=completed"),
    list("/operation-runs?outcome=succeeded"),
    list("/operation-runs?outcome=partially_succeeded"),
    list("/operation-runs?outcome=failed"),
    list("/operation-runs?outcome=cancelled"),
    list("/operation-runs?initiator=me"),
    list("/operation-runs?created_after={three_days_ago}"),
    list("/operation-runs?created_before={eighty_five_days_ago}"),
    one("/operation-runs?ids={several_runs}"),
    list("/operation-runs?sort=created_at"),
    list("/operation-runs?sort=created_at&tenant_id={several_tenants}"),
    several("/operation-runs?status=completed&kind=directory_groups_sync"),
    several("/operation-runs?status=queued&status=running"),
    several("/operation-runs?status=running&initiator=me"),
    several("/operation-runs?status=queued&tenant_id={tenant_id}"),
    several("/operation-runs?outcome=failed&outcome=cancelled"),
    several("/operation-runs?outcome=failed&initiator=me"),
    several("/operation-runs?outcome=failed&kind=directory_groups_sync"),
    several("/operation-runs?outcome=failed&tenant_id={tenant_id}"),
    several("/operation-runs?outcome=failed&tenant_id={several_tenants}"),
    several("/operation-runs?outcome=cancelled&created_before={eighty_five_days_ago}"),
    several("/operation-runs?created_after={sixty_days_ago}&created_before={three_days_ago}"),
    several("/operation-runs?tenant_id={tenant_id}&initiator=me&created_after={sixty_days_ago}"),
    several("/operation-runs?tenant_id={several_tenants}&kind=inventory_sync"),
    several(
        "/operation-runs?tenant_id={usual_tenant}&kind=inventory_sync&outcome=cancelled\
         &initiator=me&created_before={three_days_ago}",
    ),
    list("/tenants/{tenant_id}/inventory-items"),
    list("/tenants/{usual_tenant}/inventory-items"),
    list("/tenants/{tenant_id}/inventory-items?sort=-name"),
    list("/tenants/{tenant_id}/inventory-items?policy_type=deviceCompliancePolicy"),
    list(
        "/tenants/{tenant_id}/inventory-items?policy_type=androidManagedAppProtection&policy_type=assignmentFilter",
    ),
    list("/tenants/{tenant_id}/inventory-items?category=Compliance"),
    list("/tenants/{tenant_id}/inventory-items?platform=windows"),
    list("/tenants/{tenant_id}/inventory-items?platform=chromeOS"),
    // Many names contain it, all of them far down: no index has both, parts of names and their order.
    several("/tenants/{tenant_id}/inventory-items?q=kiosk"),
    one("/tenants/{tenant_id}/inventory-items?q=012345"),
    one("/tenants/{tenant_id}/inventory-items?q=nowhere"),
    one("/tenants/{usual_tenant}/inventory-items?q=nowhere"),
    list("/tenants/{tenant_id}/inventory-items?missing=true"),
    list("/tenants/{tenant_id}/inventory-items?missing=false"),
    list("/tenants/{tenant_id}/inventory-items?foundation=true"),
    list("/tenants/{tenant_id}/inventory-items?foundation=false"),
    several("/tenants/{tenant_id}/inventory-items?policy_type=deviceCompliancePolicy&missing=true"),
    several("/tenants/{tenant_id}/inventory-items?policy_type=deviceCompliancePolicy&q=kiosk"),
    several("/tenants/{tenant_id}/inventory-items?category=Compliance&missing=true"),
    several("/tenants/{tenant_id}/inventory-items?category=Compliance&q=nowhere"),
    several("/tenants/{tenant_id}/inventory-items?missing=true&q=kiosk"),
    several("/tenants/{tenant_id}/inventory-items?platform=windows&foundation=false&missing=true"),
    several("/tenants/{tenant_id}/inventory-items?platform=chromeOS&missing=true"),
    as_of(
        "/tenants/{tenant_id}/inventory-items?as_of={sixty_days_ago}",
        true,
    ),
    as_of(
        "/tenants/{tenant_id}/inventory-items?as_of={an_hour_ago}",
        true,
    ),
    several(
        "/tenants/{tenant_id}/inventory-items?as_of={sixty_days_ago}&policy_type=deviceCompliancePolicy",
    ),
    several("/tenants/{tenant_id}/inventory-items?as_of={sixty_days_ago}&category=Compliance"),
    several("/tenants/{tenant_id}/inventory-items?as_of={sixty_days_ago}&platform=windows"),
    several("/tenants/{tenant_id}/inventory-items?as_of={sixty_days_ago}&foundation=true"),
    one("/tenants/{tenant_id}/inventory-items/{item_id}"),
    as_of(
        "/tenants/{tenant_id}/inventory-items/{item_id}?as_of={sixty_days_ago}",
        false,
    ),
    as_of(
        "/tenants/{tenant_id}/inventory-items/{item_id}?as_of={an_hour_ago}",
        false,
    ),
    one("/tenants/{tenant_id}/inventory-items/{item_id}/content"),
    one("/tenants/{tenant_id}/inventory-items/{item_id}/content?as_of={sixty_days_ago}"),
    list("/tenants/{tenant_id}/inventory-items/{item_id}/versions"),
    one("/tenants/{tenant_id}/inventory-items/{item_id}/versions/{version_number}"),
    one("/tenants/{tenant_id}/inventory-items/{item_id}/versions/{version_number}/diff"),
    one(
        "/tenants/{tenant_id}/inventory-items/{item_id}/versions/{version_number}/diff?against=current",
    ),
    list("/tenants/{tenant_id}/inventory-items/{item_id}/links"),
    one("/tenants/{tenant_id}/inventory-items/{item_id}/links?direction=out"),
    one("/tenants/{tenant_id}/inventory-items/{item_id}/links?direction=in"),
    one("/tenants/{tenant_id}/inventory-items/{item_id}/links?direction=both"),
    one("/tenants/{tenant_id}/inventory-summary"),
    list("/tenants/{tenant_id}/inventory-links"),
    list("/tenants/{tenant_id}/inventory-links?kind=assigned_to"),
    list("/tenants/{tenant_id}/inventory-links?kind=scoped_by"),
    list("/tenants/{tenant_id}/inventory-links?target_kind=role_scope_tag"),
    list("/tenants/{tenant_id}/inventory-links?target_kind=group&target_id={group_id}"),
    list("/tenants/{tenant_id}/inventory-links?dangling=true"),
    list("/tenants/{tenant_id}/inventory-links?dangling=false"),
    several("/tenants/{tenant_id}/inventory-links?kind=scoped_by&dangling=true"),
    several("/tenants/{tenant_id}/inventory-links?kind=excluded_from&target_kind=group"),
    several("/tenants/{tenant_id}/inventory-links?target_kind=role_scope_tag&dangling=false"),
    // A setting that 50,000 items set, to one of two values.
    list("/tenants/{tenant_id}/inventory-settings?setting_id=device_vendor_msft_seed_setting_7"),
    list(
        "/tenants/{tenant_id}/inventory-settings?setting_id=device_vendor_msft_seed_setting_7\
         &value=device_vendor_msft_seed_setting_7_1",
    ),
    search("/tenants/{tenant_id}/inventory-settings?q=seed%20setting"),
    one("/tenants/{tenant_id}/inventory-settings?q=nowhere"),
    several(
        "/tenants/{tenant_id}/inventory-settings?setting_id=device_vendor_msft_seed_setting_7\
         &policy_type=assignmentFilter",
    ),
    list("/tenants/{tenant_id}/inventory-changes"),
    list("/tenants/{tenant_id}/inventory-changes?since={sixty_days_ago}"),
    one("/tenants/{tenant_id}/inventory-changes?item_id={item_id}"),
    list("/tenants/{tenant_id}/inventory-changes?kind=gone"),
    list("/tenants/{tenant_id}/inventory-changes?kind=changed"),
    list("/tenants/{tenant_id}/inventory-changes?policy_type=assignmentFilter"),
    list("/tenants/{tenant_id}/inventory-changes?actor=anna@contoso.example"),
    one("/tenants/{tenant_id}/inventory-changes?operation_run_id={run_id}"),
    list("/tenants/{tenant_id}/inventory-changes?sort=occurred_at"),
    several("/tenants/{tenant_id}/inventory-changes?kind=gone&kind=back"),
    several("/tenants/{tenant_id}/inventory-changes?kind=gone&since={sixty_days_ago}"),
    several("/tenants/{tenant_id}/inventory-changes?kind=gone&policy_type=assignmentFilter"),
    list("/tenants/{tenant_id}/inventory-sync-runs"),
    list("/tenants/{usual_tenant}/inventory-sync-runs"),
    list("/tenants/{tenant_id}/events"),
    list("/tenants/{tenant_id}/events?type=operation_run.completed"),
    list("/tenants/{tenant_id}/events?sort=-occurred_at"),
    one("/tenants/{tenant_id}/events?from=now"),
    list("/tenants/{tenant_id}/audit-events"),
    list("/tenants/{tenant_id}/audit-events?action=operation_run.completed"),
    list("/tenants/{tenant_id}/audit-events?action=tenant.added"),
    list("/tenants/{tenant_id}/audit-events?actor={me}"),
    list("/tenants/{tenant_id}/audit-events?outcome=denied"),
    list("/tenants/{tenant_id}/audit-events?occurred_after={three_days_ago}"),
    list("/tenants/{tenant_id}/audit-events?occurred_before={three_days_ago}"),
    several("/tenants/{tenant_id}/audit-events?action=operation_run.started&actor={me}"),
    several("/tenants/{tenant_id}/audit-events?action=operation_run.completed&outcome=failed"),
    several(
        "/tenants/{tenant_id}/audit-events?outcome=denied&occurred_after={three_days_ago}\
         &occurred_before={an_hour_ago}",
    ),
    list("/tenants/{tenant_id}/directory-groups"),
    list("/tenants/{tenant_id}/directory-groups?type=microsoft_365"),
    list("/tenants/{tenant_id}/directory-groups?type=distribution"),
    // Its last pages are names that hold it elsewhere: no index has parts of two letters.
    Case {
        path: "/tenants/{tenant_id}/directory-groups?q=sg-",
        budget: Budget::Combination,
        deep: true,
    },
    one("/tenants/{tenant_id}/directory-groups?q=s"),
    one("/tenants/{tenant_id}/directory-groups?q=berlin"),
    one("/tenants/{tenant_id}/directory-groups?q=markting%20rome"),
    one("/tenants/{tenant_id}/directory-groups?q=xylophone"),
    several("/tenants/{tenant_id}/directory-groups?q=berlin&type=microsoft_365"),
];
