//! Apps, and what is made for apps.

use std::collections::BTreeMap;

use atlas_domain::guid::fold_guids;
use atlas_domain::inventory::link::{Link, LinkKind, LinkTarget, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, LONGEST_ID, Qualifier, array, kind_of, qualify};

/// Members of an app's identifier that hold its id, by platform.
const IDENTIFIERS: [&str; 3] = ["bundleId", "packageId", "windowsAppId"];

/// Relations between apps of one tenant that are remembered.
const MOST_RELATIONS: usize = 100_000;

pub(super) fn of_app(app: &Value, found: &mut Gathered) {
    found.add(
        LinkKind::UsesVppToken,
        TargetKind::VppToken,
        app.get("vppTokenId"),
    );
}

/// The categories of an app, which its list does not carry.
pub(crate) fn of_categories(categories: &[Value], found: &mut Gathered) {
    for category in categories {
        found.add(
            LinkKind::InAppCategory,
            TargetKind::MobileAppCategory,
            category.get("id"),
        );
    }
}

pub(super) fn of_device_app_configuration(configuration: &Value, found: &mut Gathered) {
    let mut qualifier = Qualifier::new();
    qualify(&mut qualifier, "package_id", configuration.get("packageId"));
    for app in array(configuration.get("targetedMobileApps")) {
        found.add_with(
            LinkKind::ConfiguresApp,
            TargetKind::MobileApp,
            Some(app),
            qualifier.clone(),
        );
    }
}

pub(super) fn of_managed_app_configuration(configuration: &Value, found: &mut Gathered) {
    identified(LinkKind::ConfiguresApp, configuration, found);
}

/// The collection of all app protection policies has app configurations in it, too.
pub(super) fn of_protection(policy: &Value, found: &mut Gathered) {
    let kind = if kind_of(policy) == "targetedManagedAppConfiguration" {
        LinkKind::ConfiguresApp
    } else {
        LinkKind::ProtectsApp
    };
    identified(kind, policy, found);
}

/// Apps by their store's id. A policy for a whole group of apps names the group by a word, too.
fn identified(kind: LinkKind, policy: &Value, found: &mut Gathered) {
    let group = policy
        .get("appGroupType")
        .filter(|word| *word != "selectedPublicApps");
    found.add(kind, TargetKind::Special, group);
    for app in array(policy.get("apps")) {
        let Some(identifier) = app.get("mobileAppIdentifier") else {
            continue;
        };
        let id = IDENTIFIERS
            .iter()
            .find_map(|member| identifier.get(*member).filter(|id| id.is_string()));
        let mut qualifier = Qualifier::new();
        if let Some(platform) = platform_of(identifier) {
            qualifier.insert("platform".to_owned(), platform.to_owned());
        }
        found.add_with(kind, TargetKind::AppIdentifier, id, qualifier);
    }
}

fn platform_of(identifier: &Value) -> Option<&'static str> {
    match kind_of(identifier) {
        "iosMobileAppIdentifier" => Some("iOS"),
        "androidMobileAppIdentifier" => Some("android"),
        "windowsAppIdentifier" => Some("windows"),
        "macAppIdentifier" => Some("macOS"),
        _ => None,
    }
}

/// How the apps of a tenant replace and need each other, by the app that does.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    by_app: BTreeMap<String, Vec<Link>>,
    count: usize,
    /// Whether there were more than are remembered, or some that cannot be.
    pub(crate) cut: bool,
}

impl Relations {
    /// Takes one relation up. Each is listed from both ends: as `child` from the app that replaces or
    /// needs another, as `parent` from the other. `app` is the app that was asked, where one was.
    pub(crate) fn add(&mut self, relation: &Value, app: Option<&str>) {
        let text = |member: &str| {
            let id = relation.get(member).and_then(Value::as_str);
            id.filter(|id| !id.is_empty())
        };
        let (kind, word, member) = match kind_of(relation) {
            "mobileAppSupersedence" => (
                LinkKind::Supersedes,
                "supersedence_type",
                "supersedenceType",
            ),
            "mobileAppDependency" => (LinkKind::DependsOnApp, "dependency_type", "dependencyType"),
            _ => return,
        };
        let (Some(source), Some(target)) = (text("sourceId").or(app), text("targetId")) else {
            return;
        };
        let (from, to) = if text("targetType") == Some("parent") {
            (target, source)
        } else {
            (source, target)
        };
        if self.count >= MOST_RELATIONS || from.len() > LONGEST_ID || to.len() > LONGEST_ID {
            self.cut = true;
            return;
        }
        let mut qualifier = Qualifier::new();
        qualify(&mut qualifier, word, relation.get(member));
        self.count += 1;
        let from = fold_guids(from).into_owned();
        self.by_app.entry(from).or_default().push(Link {
            kind,
            target: LinkTarget {
                kind: TargetKind::MobileApp,
                id: to.to_owned(),
            },
            qualifier,
        });
    }

    /// The links of one app, by its external id.
    pub(crate) fn of(&self, app: &str, found: &mut Gathered) {
        for link in self.by_app.get(app).into_iter().flatten() {
            let target = &link.target;
            found.add_id(link.kind, target.kind, &target.id, link.qualifier.clone());
        }
    }
}
