//! From an object of Graph to its links.
//!
//! Pure functions, one file per family, from JSON to links. What they read comes from outside: a
//! member that is missing or of another kind than documented says nothing, an id that no directory
//! could have is passed over, and an object has a bounded number of links. Where something was
//! passed over, [`Gathered::cut`](gathered::Gathered::cut) says so: a set of links is either whole or known not to be.
//!
//! Ids are those of [`atlas_domain::guid`], as external ids are, so that a link meets its target
//! whichever case either is written in. What is read after its object was redacted, such as the
//! parts of an object, is redacted here.

pub(crate) mod apps;
pub(crate) mod assignments;
pub(crate) mod certificates;
mod cloud_pc;
pub(crate) mod compliance;
mod conditional_access;
pub(crate) mod enrollment;
pub(crate) mod gathered;
pub(crate) mod policy_sets;
pub(crate) mod roles;
pub(crate) mod settings;
#[cfg(test)]
mod tests;

use atlas_domain::inventory::link::TargetKind;
use atlas_domain::policy_types::PolicyTypeKey;
use serde_json::Value;

use gathered::{Gathered, scoped_by};

/// How links are read out of an object.
type Extract = fn(&Value, &mut Gathered);

/// What objects have in their own members, by policy type.
const BY_TYPE: [(&[&str], Extract); 12] = [
    (&["mobileApp"], apps::of_app),
    (
        TargetKind::MobileAppConfiguration.policy_types(),
        apps::of_device_app_configuration,
    ),
    (
        TargetKind::TargetedManagedAppConfiguration.policy_types(),
        apps::of_managed_app_configuration,
    ),
    (
        TargetKind::ManagedAppProtection.policy_types(),
        apps::of_protection,
    ),
    (&["deviceCompliancePolicy"], compliance::of_policy),
    (&["enrollmentStatusPage"], enrollment::of_status_page),
    (&["enrollmentNotification"], enrollment::of_notification),
    (
        TargetKind::ConfigurationPolicy.policy_types(),
        settings::of_policy,
    ),
    (&["endpointSecurityIntent"], settings::of_intent),
    (
        TargetKind::DeviceConfiguration.policy_types(),
        certificates::of_profile,
    ),
    (&["conditionalAccessPolicy"], conditional_access::of_policy),
    (&["cloudPcProvisioningPolicy"], cloud_pc::of_provisioning),
];

/// The links in an object's own members. `scope_tags` is the member with its scope
/// tags, where that can be relied on.
pub(crate) fn of_object(
    policy_type: PolicyTypeKey,
    scope_tags: Option<&str>,
    object: &Value,
) -> Gathered {
    let mut found = Gathered::default();
    if let Some(member) = scope_tags {
        scoped_by(object.get(member), &mut found);
    }
    let extract = BY_TYPE
        .iter()
        .find(|(keys, _)| keys.contains(&policy_type.as_str()));
    if let Some((_, extract)) = extract {
        extract(object, &mut found);
    }
    found
}
