//! What a link means.

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
