//! A row: the members that all collections share, around the payload of its shape.

use serde_json::{Map, Value, json};

use super::identity::Purpose;
use super::{Rng, names};
use super::{access, apps, configuration, directory_objects, scripts};
use crate::collections::{Assignments, Collection, Kind, Shape};
use crate::directory::{Directory, Object, TenantFacts};

/// Template families that are newer than the enumeration's `unknownFutureValue`: who does not ask
/// for unknown members sees that word instead.
const NEW_FAMILIES: [&str; 6] = [
    "companyPortal",
    "windowsOsRecoveryPolicies",
    "windowsRecoveryAndRemediationConfiguration",
    "maintenanceWindows",
    "deviceConfigurationScripts",
    "deviceConfigurationPolicies",
];

/// How a row is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// On its own instead of in a list. Lists leave out or shorten some members.
    pub(crate) item: bool,
    /// Under `/v1.0`, which leaves out some members.
    pub(crate) v1: bool,
    /// With members of enumerations that the caller may not know.
    pub(crate) unknown_members: bool,
    pub(crate) assignments: bool,
    pub(crate) settings: bool,
}

/// An object with all that its row is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(super) facts: &'a TenantFacts,
    pub(super) collection: &'static Collection,
    pub(super) collection_seed: u64,
    pub(super) object: Object,
}

impl<'a> Row<'a> {
    pub(crate) fn new(
        directory: &'a Directory,
        collection: &'static Collection,
        object: Object,
    ) -> Self {
        Self::of(&directory.facts, collection, object)
    }

    fn of(facts: &'a TenantFacts, collection: &'static Collection, object: Object) -> Self {
        Self {
            facts,
            collection,
            collection_seed: Rng::from_text(collection.path(), facts.seed).next(),
            object,
        }
    }

    /// An object of another collection of the same tenant.
    pub(super) fn sibling(&self, collection: &'static Collection, serial: u32) -> Row<'a> {
        Row::of(self.facts, collection, Object::new(serial, 0))
    }

    /// The policy type that the object belongs to.
    pub(crate) fn key(&self) -> &'static str {
        &self.collection.variants[usize::from(self.object.variant)].key
    }

    /// The id of the parent, for children.
    pub(crate) fn parent_id(&self) -> String {
        let parents = self.facts.parents.max(1);
        let parent = usize::try_from(self.object.serial % parents).unwrap_or(0);
        self.id_in(Shape::DepToken, parent)
    }

    /// The name, when rows of this collection have one.
    pub(crate) fn name(&self) -> Option<String> {
        self.collection.name_property.as_ref()?;
        let mut rng = self.rng(Purpose::Name);
        let serial = self.object.serial;
        let first = match (self.collection.shape, serial) {
            (Shape::ScopeTag, 0) => "Default".to_owned(),
            (Shape::Group, _) => names::group_name(&mut rng, serial),
            _ => names::name(&mut rng, serial),
        };
        Some(match self.object.renamed {
            0 => first,
            times => format!("{first} (renamed {times})"),
        })
    }

    /// One of the values that the variant offers, always the same one for this object.
    fn choice(&self, from: &'static [String], salt: u64) -> Option<&'static str> {
        if from.is_empty() {
            return None;
        }
        let mut rng = Rng::from_parts(&[
            self.collection_seed,
            u64::from(self.object.serial),
            Purpose::Details as u64,
            salt,
        ]);
        Some(&from[rng.below(from.len())])
    }

    /// The value of `@odata.type`, with `#`, when rows carry one.
    pub(super) fn odata_type(&self) -> Option<&'static str> {
        let variant = &self.collection.variants[usize::from(self.object.variant)];
        self.choice(&variant.odata_types, 1)
    }

    /// The template family, as a caller sees it who knows all of them.
    pub(super) fn template_family(&self) -> &'static str {
        let variant = &self.collection.variants[usize::from(self.object.variant)];
        self.choice(&variant.template_families, 2).unwrap_or("none")
    }

    /// The row.
    pub(crate) fn body(&self, view: View) -> Map<String, Value> {
        let mut body = Map::new();
        if let Some(odata_type) = self.odata_type() {
            body.insert("@odata.type".to_owned(), json!(odata_type));
        }
        if self.collection.shape != Shape::PartnerTenant {
            body.insert("id".to_owned(), json!(self.id()));
        }
        if let (Some(property), Some(name)) = (&self.collection.name_property, self.name()) {
            body.insert(property.clone(), json!(name));
        }
        body.insert("description".to_owned(), self.description());
        self.insert_times(&mut body);
        if let Some(property) = &self.collection.version_property {
            let version = if self.collection.shape == Shape::ManagedAppPolicy {
                let etag = Rng::from_parts(&[
                    self.rng(Purpose::Times).next(),
                    u64::from(self.object.edited) + u64::from(self.object.renamed),
                ])
                .guid();
                json!(format!("\"{etag}\""))
            } else {
                json!(1 + self.object.edited + self.object.renamed)
            };
            body.insert(property.clone(), version);
        }
        if let Some(property) = &self.collection.scope_tag_property
            && (!view.v1 || self.collection.scope_tags_in_v1)
        {
            // The list of apps does not tell the truth about scope tags; the app itself does.
            let tags = if self.collection.shape == Shape::MobileApp && !view.item {
                Vec::new()
            } else {
                self.scope_tags()
            };
            body.insert(property.clone(), json!(tags));
        }
        if let Value::Object(details) = self.details(view) {
            body.extend(details);
        }
        self.expand(&mut body, view);
        body
    }

    fn description(&self) -> Value {
        match self.object.edited {
            0 => json!(names::description(&mut self.rng(Purpose::Description))),
            times => json!(format!("Changed {times} times.")),
        }
    }

    fn insert_times(&self, body: &mut Map<String, Value>) {
        let (created, modified) = self.times();
        if let Some(property) = &self.collection.created_property {
            body.insert(property.clone(), json!(created));
        }
        if let Some(property) = &self.collection.modified_property
            && property != "createdDateTime"
        {
            body.insert(property.clone(), json!(modified));
        }
    }

    fn details(&self, view: View) -> Value {
        let mut rng = self.rng(Purpose::Details);
        match self.collection.shape {
            Shape::ConfigurationPolicy => {
                let mut details = configuration::configuration_policy(self, &mut rng);
                let family = self.template_family();
                if NEW_FAMILIES.contains(&family) && !view.unknown_members {
                    details["templateReference"]["templateFamily"] = json!("unknownFutureValue");
                }
                details
            }
            Shape::DeviceConfiguration => configuration::device_configuration(self, &mut rng),
            Shape::CompliancePolicy => configuration::compliance_policy(&mut rng),
            Shape::GroupPolicy => configuration::group_policy(&mut rng),
            Shape::Enrollment => configuration::enrollment(self, &mut rng),
            Shape::MobileApp => apps::mobile_app(self, view, &mut rng),
            Shape::AppConfiguration => apps::app_configuration(self, &mut rng),
            Shape::ManagedAppPolicy => apps::managed_app_policy(&mut rng),
            Shape::VppToken => apps::vpp_token(&mut rng),
            Shape::DepToken => apps::dep_token(&mut rng),
            Shape::HealthScript => scripts::health_script(self, view, &mut rng),
            Shape::Script => scripts::script(&mut rng),
            Shape::ConditionalAccess => access::conditional_access(self, &mut rng),
            Shape::NamedLocation => access::named_location(self, &mut rng),
            Shape::RoleDefinition => access::role_definition(self, &mut rng),
            Shape::RoleAssignment => access::role_assignment(self, &mut rng),
            Shape::PartnerTenant => access::partner_tenant(self, &mut rng),
            Shape::AssignmentFilter => directory_objects::assignment_filter(&mut rng),
            Shape::ScopeTag => json!({"isBuiltIn": self.object.serial == 0}),
            Shape::NotificationTemplate => directory_objects::notification_template(self, &mut rng),
            Shape::Group => directory_objects::group(self, &mut rng),
            Shape::Organization => directory_objects::organization(&mut rng),
            Shape::Plain => directory_objects::plain(self, &mut rng),
        }
    }

    fn expand(&self, body: &mut Map<String, Value>, view: View) {
        if self.collection.assignments != Assignments::None
            && self.collection.kind() != Kind::Singleton
            && self.collection.is_intune()
        {
            body.insert("isAssigned".to_owned(), json!(self.assignment_count() > 0));
        }
        if view.assignments {
            let version = if view.v1 { "v1.0" } else { "beta" };
            let context = format!(
                "https://graph.microsoft.com/{version}/$metadata#{}('{}')/assignments",
                self.collection.path().trim_start_matches('/'),
                self.id(),
            );
            body.insert("assignments@odata.context".to_owned(), json!(context));
            body.insert("assignments".to_owned(), json!(self.assignments()));
        }
        if view.settings {
            let settings: Vec<Value> = (0..self.setting_count())
                .map(|number| self.setting(number))
                .collect();
            body.insert("settings".to_owned(), json!(settings));
        }
    }

    /// How many settings a configuration policy has.
    pub(crate) fn setting_count(&self) -> usize {
        1 + self.rng(Purpose::Settings).below(60)
    }

    /// One setting of a configuration policy.
    pub(crate) fn setting(&self, number: usize) -> Value {
        configuration::setting(&mut self.rng(Purpose::Settings), number)
    }
}
