//! What policies of administrative templates are set to, beside being enabled.

use serde_json::{Value, json};

use super::definitions::PolicyDefinition;
use crate::content::edits::PlaceEdits;
use crate::content::identity::Purpose;
use crate::content::{Rng, Row, merge};

/// The kinds of presentations by layout: what the value's and the presentation's types end in, and
/// the label.
const LAYOUTS: [&[(&str, &str, &str)]; 5] = [
    &[],
    &[
        ("Text", "TextBox", "Address:"),
        ("Decimal", "DecimalTextBox", "Minutes:"),
    ],
    &[
        ("List", "ListBox", "Exceptions"),
        ("Boolean", "CheckBox", "Apply to all drives"),
    ],
    &[
        ("MultiText", "MultiTextBox", "Entries"),
        ("LongDecimal", "LongDecimalTextBox", "Limit:"),
    ],
    &[
        ("Text", "DropdownList", "Mode:"),
        // Two with one label.
        ("Boolean", "CheckBox", "Allow"),
        ("Boolean", "CheckBox", "Allow"),
    ],
];

/// The values of a policy's presentations. Part 1 and those after it are edits of them.
pub(super) fn values(
    policy: PolicyDefinition,
    definition_value: &str,
    row: &Row<'_>,
    edits: PlaceEdits<'_>,
    with_presentation: bool,
) -> Vec<Value> {
    let (created, modified) = row.times();
    let mut seeded = Rng::from_text(definition_value, row.collection_seed);
    LAYOUTS[policy.layout()]
        .iter()
        .enumerate()
        .map(|(number, (kind, sort, label))| {
            let id = seeded.guid();
            let drawn = seeded.below(1_000);
            let mut value = json!({
                "@odata.type": format!("#microsoft.graph.groupPolicyPresentationValue{kind}"),
                "id": id,
                "createdDateTime": created,
                "lastModifiedDateTime": modified,
            });
            merge(
                &mut value,
                content(kind, sort, row, drawn, edits.of(1 + number)),
            );
            if with_presentation {
                value["presentation"] = json!({
                    "@odata.type": format!("#microsoft.graph.groupPolicyPresentation{sort}"),
                    "id": policy.presentation_id(number),
                    "label": label,
                    "lastModifiedDateTime": "2021-02-24T00:11:21.6203744Z",
                });
            }
            value
        })
        .collect()
}

fn content(kind: &str, sort: &str, row: &Row<'_>, drawn: usize, times: usize) -> Value {
    match (kind, sort) {
        ("Boolean", _) => json!({"value": (drawn + times) % 2 == 1}),
        ("Decimal" | "LongDecimal", _) => json!({"value": drawn + 1_000 * times}),
        ("List", _) => {
            let mut pairs: Vec<Value> = (0..1 + drawn % 3)
                .map(|number| json!({"name": format!("key{number}"), "value": format!("value{drawn}")}))
                .collect();
            pairs.extend(
                (times > 0).then(|| json!({"name": format!("added{times}"), "value": null})),
            );
            json!({"values": pairs})
        }
        ("MultiText", _) => {
            let mut lines = vec![format!("line {drawn}"), "*.example.com".to_owned()];
            lines.extend((times > 0).then(|| format!("added {times}")));
            json!({"values": lines})
        }
        (_, "DropdownList") => json!({"value": ((drawn + times) % 4).to_string()}),
        _ if row.rng(Purpose::Values).next().is_multiple_of(4) => {
            json!({"value": row.proxy_url(&format!("/text{times}"))})
        }
        _ => json!({"value": format!("https://intranet{drawn}.example.com/{times}")}),
    }
}
