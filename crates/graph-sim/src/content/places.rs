//! The collections that objects refer to.

pub(crate) const GROUPS: &str = "/groups";
pub(crate) const FILTERS: &str = "/deviceManagement/assignmentFilters";
pub(crate) const SCOPE_TAGS: &str = "/deviceManagement/roleScopeTags";
pub(crate) const POLICY_SETS: &str = "/deviceAppManagement/policySets";
pub(crate) const APPS: &str = "/deviceAppManagement/mobileApps";
pub(crate) const APP_CATEGORIES: &str = "/deviceAppManagement/mobileAppCategories";
pub(crate) const VPP_TOKENS: &str = "/deviceAppManagement/vppTokens";
pub(crate) const APP_CONFIGURATIONS: &str = "/deviceAppManagement/mobileAppConfigurations";
pub(crate) const MANAGED_APP_CONFIGURATIONS: &str =
    "/deviceAppManagement/targetedManagedAppConfigurations";
pub(crate) const MANAGED_APP_PROTECTIONS: &str = "/deviceAppManagement/iosManagedAppProtections";
pub(crate) const MDM_WIP_POLICIES: &str =
    "/deviceAppManagement/mdmWindowsInformationProtectionPolicies";
pub(crate) const APP_PROVISIONING: &str =
    "/deviceAppManagement/iosLobAppProvisioningConfigurations";
pub(crate) const MESSAGE_TEMPLATES: &str = "/deviceManagement/notificationMessageTemplates";
pub(crate) const COMPLIANCE_SCRIPTS: &str = "/deviceManagement/deviceComplianceScripts";
pub(crate) const COMPLIANCE_POLICIES: &str = "/deviceManagement/deviceCompliancePolicies";
pub(crate) const REUSABLE_SETTINGS: &str = "/deviceManagement/reusablePolicySettings";
pub(crate) const CONFIGURATION_POLICIES: &str = "/deviceManagement/configurationPolicies";
pub(crate) const CONFIGURATION_TEMPLATES: &str = "/deviceManagement/configurationPolicyTemplates";
pub(crate) const INTENT_TEMPLATES: &str = "/deviceManagement/templates";
pub(crate) const PROFILES: &str = "/deviceManagement/deviceConfigurations";
pub(crate) const DERIVED_CREDENTIALS: &str = "/deviceManagement/derivedCredentials";
pub(crate) const TUNNEL_SITES: &str = "/deviceManagement/microsoftTunnelSites";
pub(crate) const DEFINITION_FILES: &str = "/deviceManagement/groupPolicyUploadedDefinitionFiles";
pub(crate) const ENROLLMENT_TOKENS: &str = "/deviceManagement/depOnboardingSettings";
pub(crate) const ENROLLMENT: &str = "/deviceManagement/deviceEnrollmentConfigurations";
pub(crate) const AUTOPILOT: &str = "/deviceManagement/windowsAutopilotDeploymentProfiles";
pub(crate) const SCRIPTS: &str = "/deviceManagement/deviceManagementScripts";
pub(crate) const ROLES: &str = "/deviceManagement/roleDefinitions";
pub(crate) const LOCATIONS: &str = "/identity/conditionalAccess/namedLocations";
pub(crate) const CONTEXTS: &str =
    "/identity/conditionalAccess/authenticationContextClassReferences";
pub(crate) const STRENGTHS: &str = "/identity/conditionalAccess/authenticationStrength/policies";
pub(crate) const TERMS: &str = "/identityGovernance/termsOfUse/agreements";
pub(crate) const CONNECTIONS: &str = "/deviceManagement/virtualEndpoint/onPremisesConnections";
pub(crate) const IMAGES: &str = "/deviceManagement/virtualEndpoint/deviceImages";
