//! What has to be read of a row besides its list.

use serde_json::Value;

use crate::collections::{Assignments, Collection, Related};
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
    /// The values of an administrative template.
    DefinitionValues,
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
            Self::DefinitionValues => "definition values",
            Self::Relationships => "relationships",
        }
    }

    /// Whether it brings links of the set of related ones.
    pub(crate) fn is_related(&self, collection: &Collection) -> bool {
        match self {
            Self::Assignments => false,
            Self::Item => !collection.related.is_empty(),
            _ => true,
        }
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
            Self::DefinitionValues => {
                "/definitionValues?$expand=definition($expand=definitionFile)".to_owned()
            }
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

/// What has to be read for a row, besides its list. `with_assignments` says whether the row carries
/// its assignments.
pub(crate) fn further_reads(
    collection: &Collection,
    with_assignments: bool,
    row: &Value,
) -> Vec<FurtherRead> {
    let mut further_reads = Vec::new();
    match collection.assignments() {
        Assignments::ExpandList if !with_assignments => {
            further_reads.push(FurtherRead::Assignments);
        }
        Assignments::SubResource => further_reads.push(FurtherRead::Assignments),
        Assignments::ExpandItem => further_reads.push(FurtherRead::Item),
        Assignments::ExpandList | Assignments::None => {}
    }
    for related in &collection.related {
        match related {
            Related::App | Related::PolicySetItems | Related::RoleAssignment => {
                if !further_reads.contains(&FurtherRead::Item) {
                    further_reads.push(FurtherRead::Item);
                }
            }
            Related::AppRelations => {
                if may_have_relations(row) {
                    further_reads.push(FurtherRead::Relationships);
                }
            }
            Related::Certificates => {
                if let Some((kind, properties)) = certificates::to_read(row) {
                    further_reads.push(FurtherRead::Certificates { kind, properties });
                }
            }
            Related::ComplianceRules => {
                further_reads.extend([FurtherRead::Settings, FurtherRead::Rules]);
            }
            Related::DefinitionFiles => further_reads.push(FurtherRead::DefinitionValues),
            // Reported by all of the tenant's reusable settings at once.
            Related::ReusableSettings => {}
        }
    }
    further_reads
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
