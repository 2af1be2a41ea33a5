//! Which requests Graph counts together, and how many it allows.
//!
//! Source: Microsoft Graph documentation, "Microsoft Graph service-specific throttling limits". It
//! lists resource types; each service of Intune has limits of its own.

use std::time::Duration;

use url::Url;

/// Requests that Graph counts together, for one application and tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    /// Conditional access, named locations and identity protection: one request per second and
    /// tenant, over all applications, without `Retry-After`.
    ConditionalAccess,
    /// Groups, users and directory policies: resource units.
    Identity,
    /// Sign-ins, audits and reports of the directory.
    IdentityReports,
    /// One service of Intune.
    Intune(&'static str),
    /// A service without published limits.
    Other,
}

/// So much in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) units: u32,
    pub(crate) window: Duration,
}

/// What one request uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) bucket: Bucket,
    pub(crate) units: u32,
}

/// The services of Intune by the beginning of the path below `deviceManagement` or
/// `deviceAppManagement`. The names are those of the documentation's resource types.
const INTUNE: &[(&str, &str)] = &[
    ("androidDeviceOwnerEnrollmentProfiles", "androidforwork"),
    ("androidForWork", "androidforwork"),
    ("androidManagedStore", "androidforwork"),
    ("zebraFota", "androidforwork"),
    ("iosLobAppProvisioningConfigurations", "apps"),
    ("mobileApp", "apps"),
    ("wdacSupplementalPolicies", "apps"),
    ("auditEvents", "auditing"),
    ("managedEBook", "books"),
    ("chromeOSOnboardingSettings", "chromebooksync"),
    ("termsAndConditions", "companyterms"),
    ("importedDeviceIdentities", "corpenrollment"),
    ("cloudCertificationAuthority", "deviceconfig"),
    ("derivedCredentials", "deviceconfig"),
    ("deviceCompliancePolic", "deviceconfig"),
    ("deviceConfiguration", "deviceconfig"),
    ("hardwareConfigurations", "deviceconfig"),
    ("ndesConnectors", "deviceconfig"),
    ("resourceAccessProfiles", "deviceconfig"),
    ("complianceCategories", "deviceconfigv2"),
    ("compliancePolicies", "deviceconfigv2"),
    ("configurationCategories", "deviceconfigv2"),
    ("configurationPolic", "deviceconfigv2"),
    ("configurationSettings", "deviceconfigv2"),
    ("inventoryPolicies", "deviceconfigv2"),
    ("reusablePolicySettings", "deviceconfigv2"),
    ("reusableSettings", "deviceconfigv2"),
    ("intents", "deviceintent"),
    ("templates", "deviceintent"),
    ("applePushNotificationCertificate", "devices"),
    ("detectedApps", "devices"),
    ("deviceComplianceScripts", "devices"),
    ("deviceCustomAttributeShellScripts", "devices"),
    ("deviceHealthScripts", "devices"),
    ("deviceManagementScripts", "devices"),
    ("deviceShellScripts", "devices"),
    ("managedDevice", "devices"),
    ("appleUserInitiatedEnrollmentProfiles", "enrollment"),
    ("depOnboardingSettings", "enrollment"),
    ("windowsAutopilot", "enrollment"),
    ("groupPolic", "grouppolicy"),
    ("androidManagedAppProtections", "mam"),
    ("defaultManagedAppProtections", "mam"),
    ("iosManagedAppProtections", "mam"),
    ("managedApp", "mam"),
    ("targetedManagedAppConfigurations", "mam"),
    ("windowsManagedAppProtections", "mam"),
    ("notificationMessageTemplates", "notification"),
    ("assignmentFilters", "policyset"),
    ("policySets", "policyset"),
    ("operationApproval", "rbac"),
    ("role", "rbac"),
    ("remoteAssistance", "remoteassistance"),
    ("windowsDriverUpdate", "softwareupdate"),
    ("windowsFeatureUpdate", "softwareupdate"),
    ("windowsQualityUpdate", "softwareupdate"),
    ("virtualEndpoint", "cloudpc"),
];

/// Intune's `managedDevice`, `detectedApp` and the like may be asked for twice as often.
const DEVICES: &str = "devices";

/// What is not in the table, such as `deviceCategories` or the partners.
const ONBOARDING: &str = "onboarding";

/// The parts of the directory: users, groups, applications and tenant-wide policies.
const IDENTITY: &[&str] = &[
    "administrativeUnits",
    "applications",
    "devices",
    "directory",
    "directoryObjects",
    "directoryRoles",
    "groupLifecyclePolicies",
    "groupSettings",
    "groups",
    "organization",
    "policies",
    "roleManagement",
    "servicePrincipals",
    "users",
];

impl Bucket {
    /// The service's name, for numbers.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::ConditionalAccess => "conditional_access",
            Self::Identity => "identity",
            Self::IdentityReports => "identity_reports",
            Self::Intune(service) => service,
            Self::Other => "other",
        }
    }

    /// The published limit for one application and tenant. Where it depends on the tenant's size,
    /// that of the smallest.
    pub(crate) fn limit(self) -> Limit {
        let (units, seconds) = match self {
            Self::ConditionalAccess => (1, 1),
            Self::Identity => (3_500, 10),
            Self::IdentityReports => (5, 10),
            Self::Intune(DEVICES) => (2_000, 20),
            Self::Intune(_) | Self::Other => (1_000, 20),
        };
        Limit {
            units,
            window: Duration::from_secs(seconds),
        }
    }

    /// Whether it belongs to Intune, which a tenant may not have.
    pub(crate) const fn is_intune(self) -> bool {
        matches!(self, Self::Intune(_))
    }

    fn of(segments: &[&str]) -> Self {
        match *segments {
            ["deviceManagement" | "deviceAppManagement", ref rest @ ..] => {
                let name = rest.first().copied().unwrap_or_default();
                let service = INTUNE.iter().find(|(prefix, _)| name.starts_with(prefix));
                Self::Intune(service.map_or(ONBOARDING, |(_, service)| service))
            }
            ["identity", "conditionalAccess" | "riskPrevention", ..]
            | ["identityProtection", ..] => Self::ConditionalAccess,
            ["auditLogs" | "reports", ..] => Self::IdentityReports,
            [first, ..] if IDENTITY.contains(&first) => Self::Identity,
            _ => Self::Other,
        }
    }
}

impl Charge {
    /// What a read of `url` uses up, on the Graph whose root, without version, is `graph`.
    pub(crate) fn of(graph: &Url, url: &Url) -> Self {
        let path = url.path();
        let below = path
            .strip_prefix(graph.path().trim_end_matches('/'))
            .unwrap_or(path);
        // The version stands between.
        let path = below
            .trim_start_matches('/')
            .split_once('/')
            .map_or("", |(_, rest)| rest);
        Self::of_relative(path, url.query().unwrap_or_default())
    }

    /// What a read of `url`, which is relative to a version's root, uses up.
    pub(crate) fn of_sub_request(url: &str) -> Self {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        Self::of_relative(path, query)
    }

    fn of_relative(path: &str, query: &str) -> Self {
        let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let bucket = Bucket::of(&segments);
        let units = if bucket == Bucket::Identity {
            units(&segments, query)
        } else {
            1
        };
        Self { bucket, units }
    }
}

/// Resource units of a read of the directory.
fn units(segments: &[&str], query: &str) -> u32 {
    let base = match *segments {
        [
            "groups" | "users",
            _,
            "transitiveMembers" | "transitiveMemberOf",
        ] => 5,
        ["groups", _, "members"] | ["directoryObjects", "getByIds"] => 3,
        ["applications" | "users"] => 2,
        _ => 1,
    };
    let has = |name: &str| query.split('&').any(|part| part.starts_with(name));
    let small = query
        .split('&')
        .filter_map(|part| part.strip_prefix("$top="))
        .any(|top| top.parse().is_ok_and(|top: u32| top < 20));
    let dearer = u32::from(has("$expand="));
    let cheaper = u32::from(has("$select=")) + u32::from(small);
    (base + dearer).saturating_sub(cheaper).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::collections;

    fn charge(url: &str) -> Charge {
        let graph = Url::parse("https://graph.example/base/").unwrap();
        Charge::of(
            &graph,
            &Url::parse(&format!("https://graph.example/base{url}")).unwrap(),
        )
    }

    #[test]
    fn services_are_known_by_the_path() {
        for (path, bucket) in [
            (
                "/beta/deviceManagement/configurationPolicies",
                Bucket::Intune("deviceconfigv2"),
            ),
            (
                "/beta/deviceManagement/configurationPolicies/7/assignments",
                Bucket::Intune("deviceconfigv2"),
            ),
            (
                "/beta/deviceManagement/deviceConfigurations",
                Bucket::Intune("deviceconfig"),
            ),
            (
                "/beta/deviceManagement/deviceCompliancePolicies",
                Bucket::Intune("deviceconfig"),
            ),
            (
                "/beta/deviceAppManagement/mobileApps",
                Bucket::Intune("apps"),
            ),
            (
                "/beta/deviceAppManagement/managedAppPolicies",
                Bucket::Intune("mam"),
            ),
            (
                "/beta/deviceManagement/managedDeviceCleanupRules",
                Bucket::Intune("devices"),
            ),
            (
                "/beta/deviceManagement/roleScopeTags",
                Bucket::Intune("rbac"),
            ),
            ("/beta/deviceManagement", Bucket::Intune("onboarding")),
            (
                "/v1.0/identity/conditionalAccess/namedLocations",
                Bucket::ConditionalAccess,
            ),
            (
                "/v1.0/identityProtection/riskyUsers",
                Bucket::ConditionalAccess,
            ),
            ("/v1.0/policies/authorizationPolicy", Bucket::Identity),
            ("/v1.0/groups", Bucket::Identity),
            ("/v1.0/auditLogs/signIns", Bucket::IdentityReports),
            (
                "/v1.0/identityGovernance/termsOfUse/agreements",
                Bucket::Other,
            ),
        ] {
            assert_eq!(charge(path), Charge { bucket, units: 1 }, "{path}");
            let relative = path.trim_start_matches("/beta").trim_start_matches("/v1.0");
            assert_eq!(Charge::of_sub_request(relative).bucket, bucket, "{path}");
        }
    }

    #[test]
    fn units_follow_the_published_costs() {
        for (url, units) in [
            ("/v1.0/groups?$top=999", 1),
            ("/v1.0/groups?$expand=members", 2),
            ("/v1.0/groups?$expand=members&$select=id", 1),
            ("/v1.0/groups/7/members", 3),
            ("/v1.0/groups/7/members?$select=id&$top=5", 1),
            ("/v1.0/groups/7/transitiveMembers?$select=id", 4),
            ("/v1.0/directoryObjects/getByIds", 3),
            ("/v1.0/organization?$select=id&$top=1", 1),
            (
                "/beta/deviceAppManagement/mobileApps?$expand=assignments",
                1,
            ),
        ] {
            assert_eq!(charge(url).units, units, "{url}");
        }
    }

    #[test]
    fn every_collection_of_the_registry_has_a_published_limit() {
        let unpublished: Vec<&str> = collections()
            .iter()
            .map(|one| one.path())
            .filter(|path| Charge::of_sub_request(path).bucket == Bucket::Other)
            .collect();
        assert_eq!(
            unpublished,
            ["/identityGovernance/termsOfUse/agreements"],
            "Bucket::of has no service for these paths"
        );
    }
}
