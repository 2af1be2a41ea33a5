//! What hangs on an object and has to be expanded or read by itself.

use serde_json::{Value, json};

use super::links::LinkSource;
use super::row::Expand;
use super::{Links, Row};
use super::{
    administrative, app_policies, apps, catalog, compliance, intents, messages, policy_sets,
    profiles, roles,
};
use crate::collections::{Collection, Shape};

/// A navigation property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Navigation {
    pub(crate) name: &'static str,
    /// It can be expanded in lists.
    pub(crate) in_lists: bool,
    /// It can be expanded on the object.
    pub(crate) on_items: bool,
    /// Rows of a page of it, when `$top` is not given.
    pub(crate) page_size: usize,
}

const fn everywhere(name: &'static str) -> Navigation {
    Navigation {
        name,
        in_lists: true,
        on_items: true,
        page_size: 1_000,
    }
}

const fn on_items(name: &'static str) -> Navigation {
    Navigation {
        in_lists: false,
        ..everywhere(name)
    }
}

const fn alone(name: &'static str) -> Navigation {
    Navigation {
        on_items: false,
        ..on_items(name)
    }
}

/// Settings come in small pages.
const SETTINGS: Navigation = Navigation {
    page_size: 25,
    ..everywhere("settings")
};

/// The navigations of a collection's objects, beside their assignments.
pub(crate) fn navigations(collection: &Collection) -> &'static [Navigation] {
    const CATALOG: [Navigation; 1] = [SETTINGS];
    const COMPLIANCE: [Navigation; 1] = [everywhere("scheduledActionsForRule")];
    const LINUX: [Navigation; 2] = [SETTINGS, everywhere("scheduledActionsForRule")];
    const APP: [Navigation; 2] = [everywhere("categories"), alone("relationships")];
    const MANAGED_APPS: [Navigation; 1] = [everywhere("apps")];
    const SET: [Navigation; 1] = [on_items("items")];
    const ROLE: [Navigation; 1] = [everywhere("roleDefinition")];
    const TEMPLATES: [Navigation; 1] = [on_items("definitionValues")];
    const INTENT: [Navigation; 1] = [on_items("settings")];
    const MESSAGES: [Navigation; 1] = [everywhere("localizedNotificationMessages")];
    const REUSABLE: [Navigation; 1] = [alone("referencingConfigurationPolicies")];
    match collection.shape {
        Shape::ConfigurationPolicy => &CATALOG,
        Shape::CompliancePolicy => &COMPLIANCE,
        Shape::CompliancePolicyV2 => &LINUX,
        Shape::MobileApp => &APP,
        // The base collection knows nothing of its subtypes' apps.
        Shape::ManagedAppPolicy if app_policies::names_apps(collection) => &MANAGED_APPS,
        Shape::PolicySet => &SET,
        Shape::RoleAssignment => &ROLE,
        Shape::GroupPolicy => &TEMPLATES,
        Shape::Intent => &INTENT,
        Shape::NotificationTemplate => &MESSAGES,
        Shape::ReusableSetting => &REUSABLE,
        _ => &[],
    }
}

/// The navigations that only a type of the collection has; they are reached through a cast.
pub(crate) fn cast_navigations(kind: &str) -> &'static [Navigation] {
    const WIFI: [Navigation; 3] = [
        on_items("rootCertificatesForServerValidation"),
        on_items("identityCertificateForClientAuthentication"),
        on_items("derivedCredentialSettings"),
    ];
    const ANDROID_WIFI: [Navigation; 4] = [
        on_items("rootCertificateForServerValidation"),
        on_items("identityCertificateForClientAuthentication"),
        on_items("rootCertificatesForServerValidation"),
        on_items("derivedCredentialSettings"),
    ];
    const VPN: [Navigation; 2] = [
        on_items("identityCertificate"),
        on_items("derivedCredentialSettings"),
    ];
    const SCEP: [Navigation; 1] = [on_items("rootCertificate")];
    match kind.trim_start_matches("microsoft.graph.") {
        "iosEnterpriseWiFiConfiguration" => &WIFI,
        "androidDeviceOwnerEnterpriseWiFiConfiguration" => &ANDROID_WIFI,
        "iosVpnConfiguration" => &VPN,
        "windows81SCEPCertificateProfile" => &SCEP,
        _ => &[],
    }
}

/// What can be expanded on what a navigation leads to.
pub(crate) fn inside(navigation: &str) -> &'static [&'static str] {
    match navigation {
        "settings" => &["settingDefinitions"],
        "definitionValues" => &["definition", "presentationValues"],
        "definition" => &["definitionFile"],
        "presentationValues" => &["presentation"],
        "scheduledActionsForRule" => &["scheduledActionConfigurations"],
        _ => &[],
    }
}

/// What a navigation leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Held {
    Many(Vec<Value>),
    /// Null when there is none.
    One(Value),
}

impl Row<'_> {
    /// What a navigation leads to; `None` when the object does not have it.
    pub(crate) fn navigate(
        &self,
        name: &str,
        expand: &[Expand],
        links: &mut Links,
    ) -> Option<Held> {
        links.set_source(LinkSource::Navigation);
        let held = match (self.collection.shape, name) {
            (Shape::ConfigurationPolicy | Shape::CompliancePolicyV2, "settings") => {
                Held::Many(catalog::settings(self, expand, links))
            }
            (Shape::CompliancePolicy | Shape::CompliancePolicyV2, "scheduledActionsForRule") => {
                let inner = expand
                    .iter()
                    .any(|one| one.name == "scheduledActionConfigurations");
                Held::Many(compliance::scheduled_actions(self, inner, links))
            }
            (Shape::MobileApp, "categories") => Held::Many(apps::categories(self, links)),
            (Shape::MobileApp, "relationships") => Held::Many(apps::relationships(self, links)),
            (Shape::ManagedAppPolicy, "apps") => Held::Many(app_policies::apps(self, links)),
            (Shape::PolicySet, "items") => Held::Many(policy_sets::items(self, links)),
            (Shape::RoleAssignment, "roleDefinition") => Held::One(roles::granted(self, links)),
            (Shape::GroupPolicy, "definitionValues") => {
                Held::Many(administrative::definition_values(self, expand, links))
            }
            (Shape::Intent, "settings") => Held::Many(intents::settings(self)),
            (Shape::NotificationTemplate, "localizedNotificationMessages") => {
                Held::Many(messages::messages(self))
            }
            (Shape::ReusableSetting, "referencingConfigurationPolicies") => {
                Held::Many(catalog::referring_policies(self))
            }
            (Shape::DeviceConfiguration, _) => profiles::navigate(self, name, links)?,
            _ => return None,
        };
        Some(held)
    }
}

/// A list of one, none for null.
pub(super) fn reference_to(odata_type: &str, id: &str) -> Value {
    json!({"@odata.type": odata_type, "id": id, "displayName": "Referenced profile"})
}
