//! Which service stands behind a path, and what its published limits are.
//!
//! The names of Intune's services are those of the throttling pages of Microsoft Graph's
//! documentation, which limit each of them on its own.

/// A service with limits of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Service(pub(crate) &'static str);

pub(crate) const CONDITIONAL_ACCESS: Service = Service("conditional_access");
pub(crate) const IDENTITY: Service = Service("identity");
const REPORTS: Service = Service("reports");
const OTHER: Service = Service("other");

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limit {
    /// In milliseconds, sliding.
    pub(crate) window_ms: f64,
    /// Requests or resource units of one application in one tenant; none for no such limit.
    pub(crate) per_application: Option<f64>,
    /// Of all applications in one tenant.
    pub(crate) per_tenant: Option<f64>,
    /// Whether refusals say when to come back.
    pub(crate) reports_wait: bool,
    /// Whether reading costs resource units instead of one each.
    pub(crate) in_units: bool,
}

/// How large a directory is, which decides its limit of resource units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectorySize {
    /// Under 50 users.
    Small,
    /// 50 to 500.
    #[default]
    Medium,
    /// More.
    Large,
}

/// Intune's services by the first segment under their root.
const INTUNE: [(&str, &str); 44] = [
    ("configurationPolicies", "device_config_v2"),
    ("configurationSettings", "device_config_v2"),
    ("configurationPolicyTemplates", "device_config_v2"),
    ("compliancePolicies", "device_config_v2"),
    ("complianceCategories", "device_config_v2"),
    ("reusablePolicySettings", "device_config_v2"),
    ("inventoryPolicies", "device_config_v2"),
    ("intents", "device_intent"),
    ("templates", "device_intent"),
    ("groupPolicyConfigurations", "gp_analytics"),
    ("groupPolicyUploadedDefinitionFiles", "gp_analytics"),
    ("deviceEnrollmentConfigurations", "enrollment"),
    ("windowsAutopilotDeploymentProfiles", "enrollment"),
    ("windowsAutopilotSettings", "enrollment"),
    ("importedDeviceIdentities", "enrollment"),
    ("depOnboardingSettings", "device_enrollment"),
    ("appleUserInitiatedEnrollmentProfiles", "device_enrollment"),
    ("androidDeviceOwnerEnrollmentProfiles", "android_for_work"),
    (
        "androidManagedStoreAccountEnterpriseSettings",
        "android_for_work",
    ),
    ("applePushNotificationCertificate", "devices"),
    ("managedDeviceCleanupRules", "devices"),
    ("deviceCategories", "devices"),
    ("windowsFeatureUpdateProfiles", "updates"),
    ("windowsQualityUpdateProfiles", "updates"),
    ("windowsQualityUpdatePolicies", "updates"),
    ("windowsDriverUpdateProfiles", "updates"),
    ("termsAndConditions", "company_terms"),
    ("notificationMessageTemplates", "notifications"),
    ("roleDefinitions", "rbac"),
    ("roleAssignments", "rbac"),
    ("roleScopeTags", "rbac"),
    ("operationApprovalPolicies", "rbac"),
    ("microsoftTunnelConfigurations", "tunnel"),
    ("microsoftTunnelSites", "tunnel"),
    ("chromeOSOnboardingSettings", "chromebook_sync"),
    ("domainJoinConnectors", "odj"),
    ("complianceManagementPartners", "partner_integration"),
    ("deviceManagementPartners", "partner_integration"),
    ("mobileThreatDefenseConnectors", "partner_integration"),
    ("serviceNowConnections", "partner_integration"),
    ("remoteAssistancePartners", "remote_assistance"),
    ("virtualEndpoint", "cloud_pc"),
    ("zebraFotaDeployments", "android_for_work"),
    ("auditEvents", "auditing"),
];

/// The services of apps by the first segment under their root.
const APPS: [(&str, &str); 12] = [
    ("mobileApps", "applications"),
    ("mobileAppRelationships", "applications"),
    ("mobileAppCategories", "applications"),
    ("mobileAppConfigurations", "applications"),
    ("vppTokens", "applications"),
    ("iosLobAppProvisioningConfigurations", "applications"),
    ("wdacSupplementalPolicies", "applications"),
    ("managedEBooks", "books"),
    ("policySets", "bundles"),
    ("mdmWindowsInformationProtectionPolicies", "wip"),
    ("windowsInformationProtectionPolicies", "wip"),
    ("windowsInformationProtectionDeviceRegistrations", "wip"),
];

/// The service behind a path, which begins with the version.
pub(crate) fn service_of(path: &str) -> Service {
    let mut segments = path.split('/').skip(2);
    let (first, second) = (
        segments.next().unwrap_or_default(),
        segments.next().unwrap_or_default(),
    );
    let second = second.split('(').next().unwrap_or_default();
    let named = |table: &[(&str, &'static str)], fallback: &'static str| {
        let found = table.iter().find(|(segment, _)| *segment == second);
        Service(found.map_or(fallback, |(_, service)| service))
    };
    match first {
        "deviceManagement" => named(&INTUNE, "device_configuration"),
        "deviceAppManagement" => named(&APPS, "managed_applications"),
        "identity" | "identityProtection" => CONDITIONAL_ACCESS,
        "auditLogs" | "reports" => REPORTS,
        "groups"
        | "users"
        | "directoryObjects"
        | "organization"
        | "groupLifecyclePolicies"
        | "groupSettings"
        | "policies" => IDENTITY,
        _ => OTHER,
    }
}

impl Service {
    pub(crate) fn limit(self, size: DirectorySize) -> Limit {
        let intune = Limit {
            window_ms: 20_000.0,
            per_application: Some(1_000.0),
            per_tenant: Some(2_000.0),
            reports_wait: true,
            in_units: false,
        };
        match self {
            CONDITIONAL_ACCESS => Limit {
                window_ms: 1_000.0,
                per_application: None,
                per_tenant: Some(1.0),
                reports_wait: false,
                ..intune
            },
            IDENTITY => Limit {
                window_ms: 10_000.0,
                per_application: Some(match size {
                    DirectorySize::Small => 3_500.0,
                    DirectorySize::Medium => 5_000.0,
                    DirectorySize::Large => 8_000.0,
                }),
                per_tenant: None,
                in_units: true,
                ..intune
            },
            REPORTS => Limit {
                window_ms: 10_000.0,
                per_application: Some(5.0),
                per_tenant: None,
                ..intune
            },
            Service("devices") => Limit {
                per_application: Some(2_000.0),
                per_tenant: Some(4_000.0),
                ..intune
            },
            OTHER => Limit {
                per_application: None,
                per_tenant: None,
                ..intune
            },
            _ => intune,
        }
    }
}

/// What a request costs: resource units where the service counts in them.
pub(crate) fn cost(path: &str, query: &str) -> f64 {
    let base = if path.ends_with("/getByIds") || path.ends_with("/members") {
        3
    } else if path.ends_with("/transitiveMembers") {
        5
    } else {
        1
    };
    let has = |name: &str| query.split('&').any(|part| part.starts_with(name));
    let small_page = query
        .split('&')
        .filter_map(|part| part.strip_prefix("$top="))
        .any(|top| top.parse::<u32>().is_ok_and(|top| top < 20));
    let change = i32::from(has("$expand=")) - i32::from(has("$select=")) - i32::from(small_page);
    f64::from((base + change).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::collections;

    #[test]
    fn every_collection_has_a_service_with_a_limit() {
        for collection in collections() {
            let path = format!("/beta{}", collection.path());
            let known = ["identityGovernance"].iter().any(|one| path.contains(one));
            let limit = service_of(&path).limit(DirectorySize::Large);
            let limited = limit.per_application.or(limit.per_tenant).is_some();
            assert_ne!(limited, known, "{path}");
        }
        assert_eq!(
            service_of("/beta/deviceManagement/intents('a')/x").0,
            "device_intent"
        );
        assert_eq!(
            service_of("/v1.0/identity/conditionalAccess/policies"),
            CONDITIONAL_ACCESS
        );
    }

    #[test]
    fn what_is_asked_decides_the_cost() {
        let groups = "/v1.0/groups";
        for (path, query, units) in [
            (groups, "", 1.0),
            (groups, "$expand=members", 2.0),
            (groups, "$select=id&$top=5", 1.0),
            ("/v1.0/directoryObjects/getByIds", "", 3.0),
            ("/v1.0/groups/1/transitiveMembers", "$select=id", 4.0),
            ("/v1.0/groups/1/members", "$select=id&$top=19", 1.0),
        ] {
            let found = cost(path, query);
            assert!((found - units).abs() < 0.01, "{path} {query}: {found}");
        }
    }
}
