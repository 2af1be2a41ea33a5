//! `docs/OPERATIONS.md` has every number that the programs report, as the code defines it.

use std::collections::BTreeSet;

use atlas_telemetry::metrics::{Program, definitions};

#[test]
fn the_runbook_has_every_number_with_its_labels_and_its_program() {
    let expected: BTreeSet<[String; 3]> = definitions()
        .map(|definition| {
            let labels: Vec<_> = definition
                .labels
                .iter()
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            let programs: Vec<_> = definition
                .programs
                .iter()
                .map(|program| match program {
                    Program::Api => "API",
                    Program::Worker => "worker",
                })
                .collect();
            let labels = match labels.is_empty() {
                true => "–".to_owned(),
                false => labels.join(", "),
            };
            [
                format!("`{}`", definition.name),
                labels,
                programs.join(", "),
            ]
        })
        .collect();
    let page = crate::read("docs/OPERATIONS.md");
    let found: BTreeSet<[String; 3]> = page
        .lines()
        .filter(|line| line.starts_with("| `atlas_"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            [cells[1], cells[2], cells[3]].map(str::to_owned)
        })
        .collect();
    assert_eq!(found, expected);
}
