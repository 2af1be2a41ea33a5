//! What has to be read of a row besides its list.

use serde_json::Value;

use crate::collections::{Assignments, Collection, Related, ValuesAt};
use crate::request::link::segment;
use crate::row::links::certificates;

/// Settings on a page, as `$top` requests them.
pub(crate) const MOST_SETTINGS: usize = 1_000;

/// A read for one object, under its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FurtherRead {
    /// Its collection of assignments.
    Assignments,
    /// The object itself, with what the list does not carry.
    Item,
    /// The profile as the kind that it is, with its navigation properties.
    Certificates {
        kind: &'static str,
        properties: &'static [&'static str],
    },
    /// The settings of a policy.
    Settings,
    /// The rules of a policy for devices that do not comply.
    Rules,
    /// The values of an administrative template, with what stands in their boxes unless that is read
    /// apart.
    DefinitionValues { presented: bool },
    /// The settings of an intent.
    IntentSettings,
    /// The messages of a template, one for each language.
    Messages,
    /// A script with its body.
    Script,
    /// The relations of an app.
    Relationships,
}

impl FurtherRead {
    /// A name for logs, one for each variant.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Assignments => "assignments",
            Self::Item => "item",
            Self::Certificates { .. } => "certificates",
            Self::Settings => "settings",
            Self::Rules => "rules",
            Self::DefinitionValues { .. } => "definition values",
            Self::IntentSettings => "intent settings",
            Self::Messages => "messages",
            Self::Script => "script",
            Self::Relationships => "relationships",
        }
    }

    /// Whether it brings links of the set of related ones.
    pub(crate) fn is_related(&self, collection: &Collection) -> bool {
        match self {
            Self::Assignments | Self::IntentSettings | Self::Messages | Self::Script => false,
            Self::Item => !collection.related.is_empty(),
            Self::Settings => collection.related.contains(&Related::ComplianceRules),
            Self::DefinitionValues { .. }
            | Self::Certificates { .. }
            | Self::Rules
            | Self::Relationships => true,
        }
    }

    /// Whether it brings the object's values.
    pub(crate) fn is_values(&self, collection: &Collection) -> bool {
        match self {
            Self::Settings
            | Self::DefinitionValues { .. }
            | Self::IntentSettings
            | Self::Messages
            | Self::Script => true,
            Self::Item => Self::of_values(collection) == Some(Self::Item),
            Self::Assignments | Self::Certificates { .. } | Self::Rules | Self::Relationships => {
                false
            }
        }
    }

    /// Whether it brings the object's values and nothing else.
    pub(crate) fn is_only_values(&self, collection: &Collection) -> bool {
        *self != Self::Item && self.is_values(collection) && !self.is_related(collection)
    }

    /// The read that brings an object's values, for types that have some.
    fn of_values(collection: &Collection) -> Option<Self> {
        Some(match collection.values? {
            ValuesAt::Settings => Self::Settings,
            ValuesAt::DefinitionValues => Self::DefinitionValues { presented: true },
            ValuesAt::IntentSettings => Self::IntentSettings,
            ValuesAt::Messages => Self::Messages,
            ValuesAt::Scripts if collection.assignments() != Assignments::ExpandItem => {
                Self::Script
            }
            ValuesAt::Scripts | ValuesAt::PolicySetItems => Self::Item,
        })
    }

    /// The address, relative to the version. `None` when the id has no form that could stand in a
    /// path.
    pub(crate) fn url(&self, collection: &Collection, id: &str) -> Option<String> {
        let id = segment(id)?;
        let rest = match self {
            Self::Assignments => "/assignments".to_owned(),
            Self::Item => item_query(collection),
            Self::Certificates { kind, properties } => {
                format!("/microsoft.graph.{kind}?$expand={}", properties.join(","))
            }
            Self::Settings => format!("/settings?$top={MOST_SETTINGS}"),
            Self::Rules => {
                "/scheduledActionsForRule?$expand=scheduledActionConfigurations".to_owned()
            }
            Self::DefinitionValues { presented } => {
                let values = "/definitionValues?$expand=definition($expand=definitionFile)";
                let presentations = if *presented {
                    ",presentationValues($expand=presentation)"
                } else {
                    ""
                };
                format!("{values}{presentations}")
            }
            Self::IntentSettings => "/settings".to_owned(),
            Self::Messages => "/localizedNotificationMessages".to_owned(),
            Self::Script => String::new(),
            Self::Relationships => "/relationships".to_owned(),
        };
        Some(format!("{}/{id}{rest}", collection.path()))
    }
}

/// An app by itself carries its icon, which can be larger than everything else of it.
fn item_query(collection: &Collection) -> String {
    let mut expanded = Vec::new();
    if collection.assignments() == Assignments::ExpandItem {
        expanded.push("assignments");
    }
    let related = |one: Related| collection.related.contains(&one);
    if related(Related::PolicySetItems) {
        expanded.push("items");
    }
    if related(Related::RoleAssignment) {
        expanded.push("roleDefinition");
    }
    if related(Related::App) {
        return "?$select=id,roleScopeTagIds&$expand=categories".to_owned();
    }
    format!("?$expand={}", expanded.join(","))
}

/// What has to be read for a row, besides its list.
pub(crate) struct Lacking {
    /// Whether links are wanted, and assignments that the row does not carry.
    pub(crate) dependencies: bool,
    /// Whether the row carries its assignments.
    pub(crate) with_assignments: bool,
    /// Whether its values are to be read. Otherwise they are known, or it has none.
    pub(crate) values: bool,
}

/// What has to be read for a row, besides its list. What brings links together with values that are
/// known is not read: the stored links stand as the stored values do.
pub(crate) fn further_reads(
    collection: &Collection,
    lacking: &Lacking,
    row: &Value,
) -> Vec<FurtherRead> {
    let mut reads = Vec::new();
    if lacking.dependencies {
        reads.extend(assignments(collection, lacking.with_assignments));
        for related in &collection.related {
            add_related(*related, lacking.values, row, &mut reads);
        }
    }
    let values = FurtherRead::of_values(collection).filter(|_| lacking.values);
    if let Some(values) = values.filter(|read| !reads.contains(read)) {
        reads.push(values);
    }
    reads
}

fn assignments(collection: &Collection, with_assignments: bool) -> Option<FurtherRead> {
    match collection.assignments() {
        Assignments::ExpandList if !with_assignments => Some(FurtherRead::Assignments),
        Assignments::SubResource => Some(FurtherRead::Assignments),
        Assignments::ExpandItem => Some(FurtherRead::Item),
        Assignments::ExpandList | Assignments::None => None,
    }
}

fn add_related(related: Related, values: bool, row: &Value, reads: &mut Vec<FurtherRead>) {
    match related {
        Related::App | Related::PolicySetItems | Related::RoleAssignment => {
            if !reads.contains(&FurtherRead::Item) {
                reads.push(FurtherRead::Item);
            }
        }
        Related::AppRelations => {
            if may_have_relations(row) {
                reads.push(FurtherRead::Relationships);
            }
        }
        Related::Certificates => {
            if let Some((kind, properties)) = certificates::to_read(row) {
                reads.push(FurtherRead::Certificates { kind, properties });
            }
        }
        Related::ComplianceRules => {
            if values {
                reads.extend([FurtherRead::Settings, FurtherRead::Rules]);
            }
        }
        // Read with the values.
        Related::DefinitionFiles
        // Reported by all of the tenant's reusable settings at once.
        | Related::ReusableSettings => {}
    }
}

/// An app without these counts may have relations all the same.
fn may_have_relations(app: &Value) -> bool {
    [
        "dependentAppCount",
        "supersedingAppCount",
        "supersededAppCount",
    ]
    .iter()
    .any(|count| app.get(*count).and_then(Value::as_u64) != Some(0))
}
