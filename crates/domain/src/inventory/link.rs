//! Links: what an inventory item depends on, and what it applies to.
//!
//! A link goes from an item to a target. Targets are named by kind and id, whether or not the
//! inventory has them: a link whose target is not there is reported as dangling, and is no error.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::words::words;

words! {
    /// What a link means, read from the item to the target.
    #[derive(PartialOrd, Ord)]
    pub enum LinkKind: "kind of link" {
        /// The item applies to the target.
        AssignedTo = "assigned_to",
        /// The item applies to others, but not to the target.
        ExcludedFrom = "excluded_from",
        /// An assignment of the item is narrowed by the target, a filter.
        UsesAssignmentFilter = "uses_assignment_filter",
        /// An assignment of the item comes from the target, a policy set.
        AssignedViaPolicySet = "assigned_via_policy_set",
        /// Administrators see the item through the target, a scope tag.
        ScopedBy = "scoped_by",
        /// The item, a policy set, bundles the target.
        Contains = "contains",
        /// The app replaces the target app.
        Supersedes = "supersedes",
        /// The app needs the target app.
        DependsOnApp = "depends_on_app",
        /// The item configures the target app.
        ConfiguresApp = "configures_app",
        /// The item protects the data of the target app.
        ProtectsApp = "protects_app",
        /// Enrollment waits for the target app.
        BlocksOnApp = "blocks_on_app",
        /// The app belongs to the target category.
        InAppCategory = "in_app_category",
        /// The app is licensed by the target, an Apple token.
        UsesVppToken = "uses_vpp_token",
        /// The item notifies people with the target template.
        NotifiesWith = "notifies_with",
        /// The item's messages also go to the target group.
        NotifiesCc = "notifies_cc",
        /// The target script determines compliance.
        UsesComplianceScript = "uses_compliance_script",
        /// A setting refers to the target, a reusable setting.
        UsesReusableSetting = "uses_reusable_setting",
        /// The item was made from the target template.
        BasedOnTemplate = "based_on_template",
        /// The profile uses the target, a certificate profile.
        UsesCertificate = "uses_certificate",
        /// The profile uses the target, derived credentials.
        UsesDerivedCredential = "uses_derived_credential",
        /// The profile connects through the target, a tunnel site.
        UsesTunnelSite = "uses_tunnel_site",
        /// The item's settings come from the target, an uploaded definition file.
        UsesAdmx = "uses_admx",
        /// The item is a child of the target.
        ChildOf = "child_of",
        /// Conditional access looks at the target.
        Targets = "targets",
        /// Conditional access leaves the target out.
        Excludes = "excludes",
        /// Conditional access allows or demands the target, a place.
        UsesLocation = "uses_location",
        /// Conditional access leaves the target, a place, out.
        ExcludesLocation = "excludes_location",
        /// Conditional access looks at the target, an authentication context.
        UsesAuthenticationContext = "uses_authentication_context",
        /// Conditional access demands the target, an authentication strength.
        UsesAuthenticationStrength = "uses_authentication_strength",
        /// Conditional access demands agreement to the target.
        UsesTerms = "uses_terms",
        /// The role assignment grants the target, a role definition.
        GrantsRole = "grants_role",
        /// The role assignment grants it to the target.
        HasMember = "has_member",
        /// The role assignment grants it over the target.
        HasScope = "has_scope",
        /// The scope tag is put on the devices of the target group.
        AutoTags = "auto_tags",
        /// The Cloud PC policy joins through the target, a connection.
        UsesConnection = "uses_connection",
        /// The Cloud PC policy installs the target, an image.
        UsesImage = "uses_image",
    }
}

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
        /// An assignment filter.
        AssignmentFilter = "assignment_filter",
        /// A policy set.
        PolicySet = "policy_set",
        /// A scope tag of Intune roles.
        RoleScopeTag = "role_scope_tag",
        /// An app.
        MobileApp = "mobile_app",
        /// An app category.
        MobileAppCategory = "mobile_app_category",
        /// A volume purchase token of Apple.
        VppToken = "vpp_token",
        /// A template of messages.
        NotificationMessageTemplate = "notification_message_template",
        /// A script that determines compliance.
        ComplianceScript = "compliance_script",
        /// A reusable setting.
        ReusablePolicySetting = "reusable_policy_setting",
        /// A template of settings catalog policies.
        ConfigurationPolicyTemplate = "configuration_policy_template",
        /// A template of intents.
        DeviceManagementTemplate = "device_management_template",
        /// A device configuration profile.
        DeviceConfiguration = "device_configuration",
        /// A settings catalog policy, of any family.
        ConfigurationPolicy = "configuration_policy",
        /// A compliance policy.
        CompliancePolicy = "compliance_policy",
        /// An app protection policy.
        ManagedAppProtection = "managed_app_protection",
        /// A configuration of managed apps.
        TargetedManagedAppConfiguration = "targeted_managed_app_configuration",
        /// A configuration of apps on managed devices.
        MobileAppConfiguration = "mobile_app_configuration",
        /// An enrollment restriction or status page.
        EnrollmentConfiguration = "enrollment_configuration",
        /// An Autopilot profile.
        AutopilotProfile = "autopilot_profile",
        /// A platform script.
        DeviceManagementScript = "device_management_script",
        /// An iOS app provisioning profile.
        IosAppProvisioning = "ios_app_provisioning",
        /// Derived credentials.
        DerivedCredential = "derived_credential",
        /// A tunnel site.
        TunnelSite = "tunnel_site",
        /// An uploaded definition file.
        GroupPolicyDefinitionFile = "group_policy_definition_file",
        /// A token of Apple's enrollment programs.
        DepOnboardingSetting = "dep_onboarding_setting",
        /// A named location.
        NamedLocation = "named_location",
        /// An authentication context.
        AuthenticationContext = "authentication_context",
        /// An authentication strength.
        AuthenticationStrength = "authentication_strength",
        /// Terms of use.
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

words! {
    /// Where a set of links was read. A set replaces the stored links of the same source and no
    /// others: when assignments cannot be read, the links that the object states stay.
    #[derive(PartialOrd, Ord)]
    pub enum LinkSource: "source of links" {
        /// The object's own members.
        Object = "object",
        /// Its assignments.
        Assignments = "assignments",
        /// Relations that are read separately: settings, relationships, certificates.
        Related = "related",
    }
}

/// What a link points at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkTarget {
    /// What kind of thing.
    pub kind: TargetKind,
    /// Its id among its kind.
    pub id: String,
}

/// One link. Two links of an item that differ in the qualifier only are two links.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// What it means.
    pub kind: LinkKind,
    /// Where it goes.
    pub target: LinkTarget,
    /// What else is said of it: `intent`, `filter_id`, `filter_type` and the like. Few and short.
    pub qualifier: BTreeMap<String, String>,
}

/// All links of an item from one source, each once, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSet {
    /// Which reading.
    pub source: LinkSource,
    pub links: Vec<Link>,
}

impl LinkSet {
    /// Sorts the links and drops repetitions.
    #[must_use]
    pub fn new(source: LinkSource, mut links: Vec<Link>) -> Self {
        links.sort_unstable();
        links.dedup();
        Self { source, links }
    }

    /// A digest of the links, which are sorted: two sets of the same links have the same digest.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        let mut feed = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text.as_bytes());
        };
        for link in &self.links {
            feed(link.kind.as_str());
            feed(link.target.kind.as_str());
            feed(&link.target.id);
            feed(&link.qualifier.len().to_string());
            for (name, value) in &link.qualifier {
                feed(name);
                feed(value);
            }
        }
        let whole: [u8; 32] = hash.finalize().into();
        std::array::from_fn(|at| whole[at])
    }
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

    #[test]
    fn the_digest_differs_with_every_part_of_a_link() {
        let link = |id: &str, qualifier: &[(&str, &str)]| Link {
            kind: LinkKind::AssignedTo,
            target: LinkTarget {
                kind: TargetKind::Group,
                id: id.to_owned(),
            },
            qualifier: qualifier
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let sets = [
            vec![],
            vec![link("a", &[])],
            vec![link("a", &[("intent", "required")])],
            vec![link("a", &[("intent", "available")])],
            vec![link("a", &[]), link("b", &[])],
        ];
        let digest = |links: &Vec<Link>| LinkSet::new(LinkSource::Object, links.clone()).digest();
        let digests: std::collections::BTreeSet<_> = sets.iter().map(digest).collect();
        assert_eq!(digests.len(), sets.len());
        let turned = vec![link("b", &[]), link("a", &[])];
        assert_eq!(digest(&turned), digest(&sets[4]));
    }

    #[test]
    fn words_are_read_back_and_unknown_ones_refused() {
        for kind in LinkKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for kind in TargetKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("assigned".parse::<LinkKind>().is_err());
    }

    #[test]
    fn a_set_holds_each_link_once_in_order() {
        let link = |id: &str| Link {
            kind: LinkKind::AssignedTo,
            target: LinkTarget {
                kind: TargetKind::Group,
                id: id.to_owned(),
            },
            qualifier: BTreeMap::new(),
        };
        let set = LinkSet::new(LinkSource::Object, vec![link("b"), link("a"), link("b")]);
        assert_eq!(set.links, [link("a"), link("b")]);
    }
}
