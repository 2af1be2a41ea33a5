//! A row: the members that all collections share, around the payload of its shape.

use serde_json::{Map, Value, json};

use super::identity::Purpose;
use super::links::LinkSource;
use super::navigation::Held;
use super::{Links, Rng, names, places};
use super::{
    administrative, app_policies, apps, catalog, cloud_pc, compliance, conditional_access,
    directory_objects, enrollment, intents, messages, policy_sets, profiles, roles, scripts,
    tokens,
};
use crate::collections::{Assignments, Collection, Kind, Shape, collections};
use crate::directory::{Directory, Edit, Object};

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

/// How many settings lists show that cut them.
const CUT_SETTINGS: usize = 25;

/// A navigation to be expanded, and those to be expanded in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expand {
    pub(crate) name: String,
    pub(crate) inner: Vec<Expand>,
}

/// How a row is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// On its own instead of in a list. Lists leave out or shorten some members.
    pub(crate) item: bool,
    /// Under `/v1.0`, which leaves out some members.
    pub(crate) v1: bool,
    /// With members of enumerations that the caller may not know.
    pub(crate) unknown_members: bool,
    pub(crate) expand: &'a [Expand],
}

/// An object with all that its row is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(super) directory: &'a Directory,
    pub(super) index: usize,
    pub(super) collection: &'static Collection,
    pub(super) collection_seed: u64,
    pub(crate) object: Object,
    /// An edit that is tried out.
    pub(super) trial: Option<Edit>,
}

/// What all ids and payloads of a tenant's collection are made from.
pub(super) fn collection_seed(directory: &Directory, collection: &Collection) -> u64 {
    Rng::from_text(collection.path(), directory.seed).next()
}

impl<'a> Row<'a> {
    /// An object of the collection with this index.
    pub(crate) fn new(directory: &'a Directory, index: usize, object: Object) -> Self {
        let collection = &collections()[index];
        Self {
            directory,
            index,
            collection,
            collection_seed: collection_seed(directory, collection),
            object,
            trial: None,
        }
    }

    /// The collection's index in the table.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The policy type that the object belongs to.
    pub(crate) fn key(&self) -> &'static str {
        &self.collection.variants[usize::from(self.object.variant)].key
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
    pub(crate) fn odata_type(&self) -> Option<&'static str> {
        let variant = &self.collection.variants[usize::from(self.object.variant)];
        self.choice(&variant.odata_types, 1)
    }

    /// The type without the name space; empty when rows carry none.
    pub(super) fn short_type(&self) -> &'static str {
        let full = self.odata_type().unwrap_or_default();
        full.trim_start_matches("#microsoft.graph.")
    }

    /// The template family, as a caller sees it who knows all of them.
    pub(super) fn template_family(&self) -> &'static str {
        let variant = &self.collection.variants[usize::from(self.object.variant)];
        self.choice(&variant.template_families, 2).unwrap_or("none")
    }

    /// Numbers that differ after each change of the object's secret.
    pub(super) fn secret(&self, rng: &mut Rng) -> u64 {
        rng.next() ^ u64::from(self.object.secret).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// The URL of a proxy, with the name and the password that somebody put into it.
    pub(super) fn proxy_url(&self, tail: &str) -> String {
        let password = self.rng(Purpose::ProxyPassword).next();
        format!("http://svc-proxy:purl-{password:016x}@proxy.example.com{tail}")
    }

    /// The row.
    pub(crate) fn body(&self, view: View<'_>, links: &mut Links) -> Map<String, Value> {
        links.set_source(LinkSource::Row);
        let mut body = Map::new();
        if let Some(odata_type) = self.odata_type() {
            body.insert("@odata.type".to_owned(), json!(odata_type));
        }
        if self.collection.shape != Shape::PartnerTenant {
            body.insert("id".to_owned(), json!(self.id()));
        }
        if self.collection.kind() == Kind::Children {
            links.add("child_of", "dep_onboarding_setting", &self.parent_id(), &[]);
        }
        if let (Some(property), Some(name)) = (&self.collection.name_property, self.name()) {
            body.insert(property.clone(), json!(name));
        }
        body.insert("description".to_owned(), self.description());
        self.insert_times(&mut body);
        self.insert_version(&mut body);
        self.insert_scope_tags(&mut body, view, links);
        if let Value::Object(details) = self.details(view, links) {
            body.extend(details);
        }
        if self.collection.assignments != Assignments::None
            && self.collection.kind() != Kind::Singleton
            && self.collection.is_intune()
        {
            body.insert("isAssigned".to_owned(), json!(self.assignment_count() > 0));
        }
        for expand in view.expand {
            self.expand(&mut body, view, expand, links);
        }
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

    fn insert_version(&self, body: &mut Map<String, Value>) {
        let Some(property) = &self.collection.version_property else {
            return;
        };
        let version = if self.collection.shape == Shape::ManagedAppPolicy {
            let etag =
                Rng::from_parts(&[self.rng(Purpose::Times).next(), u64::from(self.revision())])
                    .guid();
            json!(format!("\"{etag}\""))
        } else {
            json!(1 + self.revision())
        };
        body.insert(property.clone(), version);
    }

    fn insert_scope_tags(&self, body: &mut Map<String, Value>, view: View<'_>, links: &mut Links) {
        let Some(property) = &self.collection.scope_tag_property else {
            return;
        };
        if view.v1 && !self.collection.scope_tags_in_v1 {
            return;
        }
        // The list of apps has wrong scope tags; the app itself has the right ones.
        let tags = if self.collection.shape == Shape::MobileApp {
            if view.item {
                links.set_source(LinkSource::Item);
                let tags = self.scope_tags(links);
                links.set_source(LinkSource::Row);
                tags
            } else {
                Vec::new()
            }
        } else {
            self.scope_tags(links)
        };
        body.insert(property.clone(), json!(tags));
    }

    fn details(&self, view: View<'_>, links: &mut Links) -> Value {
        let mut rng = self.rng(Purpose::Details);
        let rng = &mut rng;
        match self.collection.shape {
            Shape::ConfigurationPolicy => {
                let mut details = catalog::policy(self, rng, links);
                let family = self.template_family();
                if NEW_FAMILIES.contains(&family) && !view.unknown_members {
                    details["templateReference"]["templateFamily"] = json!("unknownFutureValue");
                }
                details
            }
            Shape::ReusableSetting => catalog::reusable_setting(rng),
            Shape::Intent => intents::intent(self, rng, links),
            Shape::GroupPolicy => administrative::profile(rng),
            Shape::DeviceConfiguration => profiles::profile(self, rng, links),
            Shape::CompliancePolicy => compliance::policy(self, rng, links),
            Shape::CompliancePolicyV2 => compliance::linux_policy(self),
            Shape::Enrollment => enrollment::configuration(self, rng, links),
            Shape::MobileApp => apps::app(self, view, rng, links),
            Shape::AppConfiguration => app_policies::configuration(self, rng, links),
            Shape::ManagedAppPolicy => app_policies::managed(self, rng, links),
            Shape::PolicySet => policy_sets::policy_set(),
            Shape::CloudPcPolicy => cloud_pc::policy(self, rng, links),
            Shape::CloudPcUserSetting => cloud_pc::user_setting(rng),
            Shape::VppToken => tokens::vpp(self, rng),
            Shape::DepToken => tokens::enrollment(self, rng),
            Shape::HealthScript => scripts::health_script(self, view, rng),
            Shape::Script => scripts::script(self, view, rng),
            Shape::ConditionalAccess => conditional_access::policy(self, rng, links),
            Shape::NamedLocation => conditional_access::named_location(self, rng),
            Shape::RoleDefinition => roles::definition(self, rng),
            Shape::RoleAssignment => roles::assignment(self, rng, links),
            Shape::PartnerTenant => directory_objects::partner_tenant(self, rng),
            Shape::AssignmentFilter => directory_objects::assignment_filter(self, rng),
            Shape::ScopeTag => json!({"isBuiltIn": self.object.serial == 0}),
            Shape::NotificationTemplate => messages::template(self, rng),
            Shape::Group => directory_objects::group(self, rng),
            Shape::Organization => directory_objects::organization(rng),
            Shape::Plain => directory_objects::plain(self, rng),
        }
    }

    fn expand(
        &self,
        body: &mut Map<String, Value>,
        view: View<'_>,
        expand: &Expand,
        links: &mut Links,
    ) {
        let name = &expand.name;
        let value = if name == "assignments" {
            Some(Held::Many(self.assignments(links)))
        } else {
            self.navigate(name, &expand.inner, links)
        };
        let cut = name == "settings" && !view.item && self.directory.cuts_settings;
        let value = match value {
            Some(Held::Many(mut rows)) => {
                if cut {
                    rows.truncate(CUT_SETTINGS);
                }
                Value::Array(rows)
            }
            Some(Held::One(row)) => row,
            None => return,
        };
        let version = if view.v1 { "v1.0" } else { "beta" };
        let context = format!(
            "https://graph.microsoft.com/{version}/$metadata#{}('{}')/{name}",
            self.collection.path().trim_start_matches('/'),
            self.id(),
        );
        body.insert(format!("{name}@odata.context"), json!(context));
        body.insert(name.clone(), value);
    }

    /// The group at this place of the tenant's list, from the beginning.
    pub(super) fn group(&self, serial: usize) -> String {
        self.id_in(places::GROUPS, serial)
    }
}
