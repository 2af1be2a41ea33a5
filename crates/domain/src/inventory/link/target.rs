//! What a link points at.

use crate::words::words;

words! {
    /// What a link points at. Those that an inventory can hold say by which policy types.
    #[derive(PartialOrd, Ord)]
    pub enum TargetKind: "kind of target" {
        /// A group of the directory.
        Group = "group",
        /// A group that exists in no directory: `all_devices` or `all_users`.
        VirtualGroup = "virtual_group",
        /// A user of the directory.
        User = "user",
        /// A directory role, by the id of its template.
        DirectoryRole = "directory_role",
        /// An application of the directory, by its application id.
        Application = "application",
        /// A service principal of the directory.
        ServicePrincipal = "service_principal",
        /// A word of Microsoft Graph that stands for many: `All`, `None`, `GuestsOrExternalUsers`,
        /// `AllTrusted`, `Office365` and the like.
        Special = "special",
        /// A collection of Configuration Manager.
        Collection = "collection",
        /// An app by bundle or package id, of any store.
        AppIdentifier = "app_identifier",
        AssignmentFilter = "assignment_filter",
        PolicySet = "policy_set",
        /// A scope tag of Intune roles.
        RoleScopeTag = "role_scope_tag",
        MobileApp = "mobile_app",
        MobileAppCategory = "mobile_app_category",
        /// A volume purchase token of Apple.
        VppToken = "vpp_token",
        NotificationMessageTemplate = "notification_message_template",
        /// A script that determines compliance.
        ComplianceScript = "compliance_script",
        ReusablePolicySetting = "reusable_policy_setting",
        /// A template of settings catalog policies.
        ConfigurationPolicyTemplate = "configuration_policy_template",
        /// A template of intents.
        DeviceManagementTemplate = "device_management_template",
        /// A device configuration profile.
        DeviceConfiguration = "device_configuration",
        /// A settings catalog policy, of any family.
        ConfigurationPolicy = "configuration_policy",
        CompliancePolicy = "compliance_policy",
        /// An app protection policy.
        ManagedAppProtection = "managed_app_protection",
        TargetedManagedAppConfiguration = "targeted_managed_app_configuration",
        /// A configuration of apps on managed devices.
        MobileAppConfiguration = "mobile_app_configuration",
        /// An enrollment restriction or status page.
        EnrollmentConfiguration = "enrollment_configuration",
        AutopilotProfile = "autopilot_profile",
        /// A platform script.
        DeviceManagementScript = "device_management_script",
        /// An iOS app provisioning profile.
        IosAppProvisioning = "ios_app_provisioning",
        DerivedCredential = "derived_credential",
        TunnelSite = "tunnel_site",
        /// An uploaded definition file.
        GroupPolicyDefinitionFile = "group_policy_definition_file",
        /// A token of Apple's enrollment programs.
        DepOnboardingSetting = "dep_onboarding_setting",
        NamedLocation = "named_location",
        AuthenticationContext = "authentication_context",
        AuthenticationStrength = "authentication_strength",
        TermsOfUse = "terms_of_use",
        /// A role definition of Intune.
        RoleDefinition = "role_definition",
        /// An on-premises connection of Cloud PCs.
        CloudPcConnection = "cloud_pc_connection",
        /// An image of Cloud PCs.
        CloudPcImage = "cloud_pc_image",
        /// A target that this version does not know; the qualifier has Graph's word for its kind.
        Other = "other",
    }
}

/// What a link points at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkTarget {
    pub kind: TargetKind,
    /// Its id among its kind.
    pub id: String,
}

impl TargetKind {
    /// The kind under which links point at items of this policy type, when they can.
    #[must_use]
    pub fn of_policy_type(policy_type: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|kind| kind.policy_types().contains(&policy_type))
            .copied()
    }

    /// The policy types under which an inventory holds such a target; empty when it holds none.
    #[must_use]
    pub const fn policy_types(self) -> &'static [&'static str] {
        match self {
            Self::Group => &["directoryGroup"],
            Self::AssignmentFilter => &["assignmentFilter"],
            Self::PolicySet => &["policySet"],
            Self::RoleScopeTag => &["roleScopeTag"],
            Self::MobileApp => &["mobileApp"],
            Self::MobileAppCategory => &["mobileAppCategory"],
            Self::VppToken => &["vppToken"],
            Self::NotificationMessageTemplate => &["notificationMessageTemplate"],
            Self::ComplianceScript => &["deviceComplianceScript"],
            Self::ReusablePolicySetting => &["reusablePolicySetting"],
            Self::ConfigurationPolicyTemplate => &["configurationPolicyTemplate"],
            Self::DeviceManagementTemplate => &["deviceManagementTemplate"],
            Self::DeviceConfiguration => &[
                "deviceConfiguration",
                "windowsUpdateRing",
                "iosUpdateConfiguration",
                "macOSSoftwareUpdateConfiguration",
            ],
            Self::ConfigurationPolicy => &[
                "settingsCatalogPolicy",
                "endpointSecurityAntivirus",
                "endpointSecurityDiskEncryption",
                "endpointSecurityFirewall",
                "endpointSecurityEdr",
                "endpointSecurityAttackSurfaceReduction",
                "endpointSecurityAccountProtection",
                "endpointSecurityApplicationControl",
                "endpointSecurityPrivilegeManagement",
                "securityBaselinePolicy",
                "linuxScriptPolicy",
                "deviceConfigurationPolicyTemplateFamily",
                "autopilotDevicePreparationPolicy",
                "appQuietTimePolicy",
                "windowsRecoveryPolicy",
            ],
            Self::CompliancePolicy => &["deviceCompliancePolicy", "compliancePolicyV2"],
            Self::ManagedAppProtection => &[
                "iosManagedAppProtection",
                "androidManagedAppProtection",
                "windowsManagedAppProtection",
                "managedAppPolicy",
                "defaultManagedAppProtection",
                "mdmWindowsInformationProtectionPolicy",
                "windowsInformationProtectionPolicy",
            ],
            Self::TargetedManagedAppConfiguration => &["targetedManagedAppConfiguration"],
            Self::MobileAppConfiguration => &["mobileAppConfiguration", "androidOemConfig"],
            Self::EnrollmentConfiguration => &[
                "enrollmentLimitRestriction",
                "enrollmentPlatformRestriction",
                "enrollmentStatusPage",
                "windowsHelloForBusinessEnrollment",
                "coManagementAuthority",
                "enrollmentNotification",
                "windowsRestoreEnrollment",
            ],
            Self::AutopilotProfile => &["windowsAutopilotDeploymentProfile"],
            Self::DeviceManagementScript => &["deviceManagementScript", "deviceShellScript"],
            Self::IosAppProvisioning => &["iosLobAppProvisioningConfiguration"],
            Self::DerivedCredential => &["derivedCredential"],
            Self::TunnelSite => &["microsoftTunnelSite"],
            Self::GroupPolicyDefinitionFile => &["groupPolicyUploadedDefinitionFile"],
            Self::DepOnboardingSetting => &["depOnboardingSetting"],
            Self::NamedLocation => &["namedLocation"],
            Self::AuthenticationContext => &["authenticationContext"],
            Self::AuthenticationStrength => &["authenticationStrengthPolicy"],
            Self::TermsOfUse => &["termsOfUseAgreement"],
            Self::RoleDefinition => &["roleDefinition"],
            Self::CloudPcConnection => &["cloudPcOnPremisesConnection"],
            Self::CloudPcImage => &["cloudPcDeviceImage"],
            Self::VirtualGroup
            | Self::User
            | Self::DirectoryRole
            | Self::Application
            | Self::ServicePrincipal
            | Self::Special
            | Self::Collection
            | Self::AppIdentifier
            | Self::Other => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_types::registry;

    #[test]
    fn every_policy_type_that_a_target_names_is_registered() {
        for kind in TargetKind::ALL {
            for word in kind.policy_types() {
                assert!(registry().find(word).is_some(), "{kind}: {word}");
            }
        }
    }

    #[test]
    fn a_policy_type_is_pointed_at_by_one_kind() {
        let mut all: Vec<_> = TargetKind::ALL
            .iter()
            .flat_map(|kind| kind.policy_types())
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(
            TargetKind::of_policy_type("windowsUpdateRing"),
            Some(TargetKind::DeviceConfiguration)
        );
        assert_eq!(TargetKind::of_policy_type("windows"), None);
    }
}
