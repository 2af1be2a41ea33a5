//! Each tenant's sign-in, and the permissions of its application.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::{Clock as _, Entropy as _, SystemClock, SystemEntropy};
use atlas_domain::failure::Failure;
use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_domain::vault::Keyring;
use atlas_graph::{
    GraphClient, GraphError, GraphErrorKind, GraphOptions, TenantGraph, activity_log_permissions,
    plan,
};
use atlas_store::{Store, TenantRow};
use atlas_worker::sign_in::SignIn;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt as _, stream};
use tokio::time::timeout;

use super::LONGEST;
use super::report::Report;
use crate::admin;
use crate::args::doctor::DoctorArguments;

const SIGN_IN: &str = "sign-in";
const PERMISSIONS: &str = "permissions";

/// How long a throttled request may wait here, where somebody waits for the answer.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// What is read to find out whether there is a permission.
#[derive(Debug, Clone, Copy)]
enum Probe {
    /// The lists of a policy type.
    Type(PolicyTypeKey),
    Log(ActivityLog),
}

/// A probe for each permission.
type Probes = BTreeMap<&'static str, Probe>;

/// Examines the tenants, some at a time.
///
/// # Errors
/// The settings of Graph cannot be used.
pub(super) async fn examine(
    store: &Store,
    arguments: &DoctorArguments,
    tenants: &[TenantRow],
    keys: Option<Keyring>,
    report: &mut Report,
) -> anyhow::Result<()> {
    if tenants.is_empty() {
        report.well("tenants", "", "there are none");
        return Ok(());
    }
    let graph = GraphClient::new(GraphOptions {
        graph_url: arguments.graph_url.clone(),
        login_url: arguments.login_url.clone(),
        max_wait: MAX_WAIT,
        ..GraphOptions::default()
    })?;
    let keys = match keys {
        Some(keys) => keys,
        None => key_of_nothing()?,
    };
    let sign_in = SignIn::new(
        store.clone(),
        graph,
        keys,
        Arc::new(SystemClock),
        arguments.credentials_dir.clone(),
    );
    let probes = probes();
    let examined: Vec<_> = tenants
        .iter()
        .map(|tenant| one(tenant, &sign_in, &probes))
        .collect();
    let mut findings = stream::iter(examined).buffered(arguments.at_once.into());
    while let Some(found) = findings.next().await {
        report.extend(found);
    }
    Ok(())
}

/// Those that are named, or every enabled one.
///
/// # Errors
/// A tenant that is named does not exist, or the database went away.
pub(super) async fn chosen(store: &Store, named: &[String]) -> anyhow::Result<Vec<TenantRow>> {
    if named.is_empty() {
        let all = store.all_tenants().await?;
        return Ok(all.into_iter().filter(|tenant| tenant.enabled).collect());
    }
    let mut found = Vec::with_capacity(named.len());
    for name in named {
        found.push(admin::find_tenant(store, name).await?);
    }
    Ok(found)
}

/// For certificates and federated tokens, which need no key.
fn key_of_nothing() -> anyhow::Result<Keyring> {
    let mut key = [0_u8; 32];
    SystemEntropy.fill(&mut key);
    Ok(Keyring::parse(&format!("none:{}", STANDARD.encode(key)))?)
}

async fn one(tenant: &TenantRow, sign_in: &SignIn, probes: &Probes) -> Report {
    let mut report = Report::default();
    let name = tenant.name.as_str();
    match timeout(LONGEST, sign_in.try_out(tenant.id)).await {
        Ok(Ok(graph)) => {
            report.well(SIGN_IN, name, "a token was issued");
            permissions(&graph, name, probes, &mut report).await;
        }
        Ok(Err(failure)) => {
            let advice = advice(&failure);
            report.failed(SIGN_IN, name, failure.detail, advice);
            report.skipped(PERMISSIONS, name, "no sign-in");
        }
        Err(_elapsed) => {
            let advice = "Check that this machine reaches the sign-in service.";
            report.failed(SIGN_IN, name, "no answer in time", advice);
            report.skipped(PERMISSIONS, name, "no sign-in");
        }
    }
    report
}

fn advice(failure: &Failure) -> String {
    let hint = failure.hint.clone();
    hint.unwrap_or_else(|| {
        "Check that this machine reaches the sign-in service, and try again later.".to_owned()
    })
}

/// For each permission, a policy type that needs it and no other, or else a log.
fn probes() -> Probes {
    let mut probes = BTreeMap::new();
    for policy_type in registry().all() {
        let key = policy_type.key();
        let readable = plan(&[key], false).skipped.is_empty();
        if let ([permission], true) = (key.describe().permissions.as_slice(), readable) {
            let probe = Probe::Type(key);
            probes.entry(permission.as_str()).or_insert(probe);
        }
    }
    // A log that needs several permissions does not say which of them is missing.
    for log in ActivityLog::ALL {
        for permission in activity_log_permissions(log) {
            probes.entry(permission).or_insert(Probe::Log(log));
        }
    }
    probes
}

/// Asks for the first page of a list for each permission.
async fn permissions(graph: &TenantGraph, tenant: &str, probes: &Probes, report: &mut Report) {
    let (mut missing, mut others) = (Vec::new(), Vec::new());
    for (permission, probe) in probes {
        let error = match timeout(LONGEST, first_page(graph, *probe)).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error,
            Err(_elapsed) => {
                others.push(format!("{permission}: no answer in time"));
                continue;
            }
        };
        match &error.kind {
            GraphErrorKind::PermissionMissing => missing.push(*permission),
            // What the tenant does not have needs no permission.
            GraphErrorKind::IntuneNotAvailable
            | GraphErrorKind::NotLicensed
            | GraphErrorKind::CollectionNotFound => {}
            _ => {
                let detail = error.failure(&[]).detail;
                others.push(format!("{permission}: {detail}"));
            }
        }
    }
    if !missing.is_empty() {
        report.failed(
            PERMISSIONS,
            tenant,
            format!("missing: {}", missing.join(", ")),
            "Grant these application permissions of Microsoft Graph in Microsoft Entra, with admin \
             consent; what needs them is not read otherwise.",
        );
    }
    if !others.is_empty() {
        report.failed(
            PERMISSIONS,
            tenant,
            format!("not found out: {}", others.join("; ")),
            "Try again; when it stays, see \"When Graph's answer is not as expected\" in \
             docs/OPERATIONS.md.",
        );
    }
    if missing.is_empty() && others.is_empty() {
        let detail = format!("all {} that policy types and audit logs need", probes.len());
        report.well(PERMISSIONS, tenant, detail);
    }
}

async fn first_page(graph: &TenantGraph, probe: Probe) -> Result<(), GraphError> {
    let key = match probe {
        Probe::Type(key) => key,
        Probe::Log(log) => {
            let page = graph.activity_log(log, SystemClock.now()).next_page().await;
            return page.map(drop).map_err(|error| graph.whose_fault(&error));
        }
    };
    for list in plan(&[key], false).lists {
        if let Err(error) = graph.list(&list).next_page().await {
            return Err(graph.whose_fault(&error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_is_a_list_for_every_permission_that_applications_need() {
        let mut needed: BTreeSet<&str> = registry()
            .all()
            .iter()
            .map(|one| one.key())
            .filter(|key| plan(&[*key], false).skipped.is_empty())
            .flat_map(|key| key.describe().permissions.iter().map(String::as_str))
            .collect();
        needed.extend(
            ActivityLog::ALL
                .into_iter()
                .flat_map(activity_log_permissions),
        );
        assert_eq!(probes().into_keys().collect::<BTreeSet<_>>(), needed);
    }
}
