//! Payloads of administrative templates: profiles, and what they set.

mod definitions;
mod presentations;

use serde_json::{Value, json};

use self::definitions::PolicyDefinition;
use super::identity::Purpose;
use super::row::Expand;
use super::{Links, Rng, Row, merge, places};

/// A profile of administrative templates.
pub(super) fn profile(rng: &mut Rng) -> Value {
    json!({
        "policyConfigurationIngestionType": rng.pick(&["builtIn", "custom", "mixed"]),
    })
}

/// How many values a profile has or had.
pub(super) fn value_count(row: &Row<'_>) -> usize {
    1 + row.rng(Purpose::Navigation).below(6)
}

/// The values of a profile. Definitions of uploaded files lead to the file. Edits: part 0 enables
/// or disables, 1 to 3 are of presentations.
pub(super) fn definition_values(row: &Row<'_>, expand: &[Expand], links: &mut Links) -> Vec<Value> {
    let find = |name: &str| expand.iter().find(|one| one.name == name);
    let definition = find("definition");
    let with_file =
        definition.is_some_and(|one| one.inner.iter().any(|one| one.name == "definitionFile"));
    let presentations = find("presentationValues");
    let (created, modified) = row.times();
    let edits = row.edits();
    let first = row.rng(Purpose::Values).below(PolicyDefinition::COUNT);
    let mut rng = row.rng(Purpose::Navigation);
    let mut values = Vec::new();
    for place in 0..1 + rng.below(6) {
        let edits = edits.at(place);
        let id = rng.guid();
        let enabled = rng.percent(80) != (edits.of(0) % 2 == 1);
        let uploaded = place == 0 && rng.percent(60);
        // Once the definition's id.
        rng.guid();
        let file = uploaded.then(|| row.one_in(places::DEFINITION_FILES, &mut rng));
        if edits.is_removed() {
            continue;
        }
        let policy = PolicyDefinition::at(first + place * PolicyDefinition::STEP);
        let mut value = json!({
            "id": id,
            "enabled": enabled,
            "configurationType": "policy",
            "createdDateTime": created,
            "lastModifiedDateTime": modified,
        });
        if definition.is_some() {
            value["definition"] = policy.json(uploaded);
        }
        if with_file {
            let file = file.map(|file| {
                json!({
                    "@odata.type": "#microsoft.graph.groupPolicyUploadedDefinitionFile",
                    "id": links.one("uses_admx", "group_policy_definition_file", file),
                    "fileName": "contoso.admx",
                })
            });
            merge(&mut value["definition"], json!({"definitionFile": file}));
        }
        if let Some(expanded) = presentations {
            let inner = expanded.inner.iter().any(|one| one.name == "presentation");
            // A policy that is disabled has none.
            let all = if enabled {
                presentations::values(policy, &id, row, edits, inner)
            } else {
                Vec::new()
            };
            value["presentationValues"] = Value::Array(all);
        }
        values.push(value);
    }
    values
}
