//! What a tenant lacks, and what is peculiar about it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Ids};
use crate::graph::{self, errors};

/// A way in which a tenant is not like the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantMode {
    /// No Intune: all of it answers 400 "Request not applicable to target tenant."
    NoIntune,
    /// No Windows 365: 403 for Cloud PCs.
    NoCloudPc,
    /// No Microsoft Entra ID P1: 403 for conditional access.
    NoConditionalAccess,
    /// Nobody granted the application to read scripts, for which there is a permission of its own
    /// since 2025.
    NoScripts,
    /// Nobody granted the application this permission.
    Without(String),
    /// It lives in the cloud of the US government (GCC High): tokens are for its Graph only.
    UsGovernment,
    /// Ids of some of its objects are not GUIDs, and hold characters that have to be escaped in a
    /// path. To be set before the first sync: objects keep their ids.
    OddIds,
    /// Lists of policies come one or two rows at a time when their settings are expanded.
    SettingsShrinkPages,
    /// Lists of policies show the first 25 settings of each where settings are expanded, without a
    /// link to the others: only `settingCount` says that there are more.
    SettingsCutInLists,
    /// Lists of scripts show their bodies, which they otherwise leave out.
    ScriptsInLists,
}

/// The permission that scripts need.
const SCRIPTS: &str = "DeviceManagementScripts.Read.All";

#[derive(Debug, Default)]
pub(crate) struct Modes(Mutex<HashMap<String, BTreeSet<TenantMode>>>);

impl Modes {
    pub(crate) fn set(&self, tenant: &str, modes: BTreeSet<TenantMode>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(tenant.to_owned(), modes);
    }

    pub(crate) fn of(&self, tenant: &str) -> BTreeSet<TenantMode> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(tenant).cloned().unwrap_or_default()
    }

    pub(crate) fn has(&self, tenant: &str, mode: &TenantMode) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(tenant).is_some_and(|modes| modes.contains(mode))
    }

    /// The root of the Graph that tokens of the tenant are for.
    pub(crate) fn graph_root(&self, tenant: &str) -> &'static str {
        if self.has(tenant, &TenantMode::UsGovernment) {
            "https://graph.microsoft.us"
        } else {
            "https://graph.microsoft.com"
        }
    }

    /// What a request is refused with because of what the tenant lacks. The path begins with the
    /// version.
    pub(crate) fn refusal(&self, tenant: &str, path: &str, ids: &Ids) -> Option<Answer> {
        let modes = self.of(tenant);
        if modes.is_empty() {
            return None;
        }
        let rest = path
            .split_once('/')
            .and_then(|(_, path)| path.split_once('/'));
        let rest = rest.map_or("", |(_, rest)| rest);
        let permissions = graph::permissions(path);
        modes.iter().find_map(|mode| match mode {
            TenantMode::NoIntune => (rest.starts_with("deviceManagement")
                || rest.starts_with("deviceAppManagement"))
            .then(|| errors::not_applicable(ids)),
            TenantMode::NoCloudPc => rest
                .starts_with("deviceManagement/virtualEndpoint")
                .then(|| errors::unlicensed(ids)),
            TenantMode::NoConditionalAccess => rest
                .starts_with("identity/conditionalAccess")
                .then(|| errors::not_premium(ids)),
            TenantMode::NoScripts => permissions
                .contains(&SCRIPTS)
                .then(|| errors::forbidden(Some(SCRIPTS), ids)),
            TenantMode::Without(missing) => permissions
                .contains(&missing.as_str())
                .then(|| errors::forbidden(Some(missing), ids)),
            TenantMode::UsGovernment
            | TenantMode::OddIds
            | TenantMode::SettingsShrinkPages
            | TenantMode::SettingsCutInLists
            | TenantMode::ScriptsInLists => None,
        })
    }
}
