//! How much memory a worker takes while Microsoft Graph, or somebody in its place, answers with what is
//! meant to use it up.

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::program::Program;

/// What the worker is allowed of answers.
const ALLOWED: &str = "16MiB";

/// `docs/OPERATIONS.md`: 96 MiB and twice what is allowed.
const MOST: u64 = (96 + 2 * 16) * 1024;

/// Lists that are read at once.
const LISTS: [&str; 4] = [
    "/beta/deviceAppManagement/mobileApps",
    "/beta/deviceManagement/deviceCompliancePolicies",
    "/beta/deviceManagement/configurationPolicies",
    "/beta/deviceManagement/deviceConfigurations",
];

/// The policy types that are on them.
const TYPES: &str = r#"{"policy_types": ["mobileApp", "deviceCompliancePolicy",
    "settingsCatalogPolicy", "deviceConfiguration"], "include_foundations": false}"#;

/// The most memory that the process has had, in KiB.
fn peak(program: &Program) -> u64 {
    let path = format!("/proc/{}/status", program.child.id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stays_under_its_limit_whatever_graph_answers() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let worker = installation.worker_with("one", &[("ATLAS_MAX_BYTES_IN_FLIGHT", ALLOWED)]);
    for (lists, effect) in [
        (4, json!({"kind": "endless_body"})),
        (4, json!({"kind": "compressed_blanks", "bytes": 20_000_000})),
        (4, json!({"kind": "padded", "bytes": 3_500_000})),
        (4, json!({"kind": "huge_row", "bytes": 3_000_000})),
        (4, json!({"kind": "deep_nesting", "levels": 100_000})),
        // The simulator needs hundreds of megabytes for each.
        (1, json!({"kind": "wide_row", "bytes": 3_000_000})),
    ] {
        for list in &LISTS[..lists] {
            let rule = json!({"path": {"exact": list}, "count": null, "effect": effect});
            installation.simulate("faults", rule.to_string()).await;
        }
        let answer = installation.press(tenant, &member, TYPES).await;
        let started: Value = answer.json().await.unwrap();
        let run = started["run"]["id"].as_str().unwrap();
        let run = installation.ended(&member, run).await;
        let code = run.pointer("/error/code").and_then(Value::as_str);
        let peak = peak(&worker);
        eprintln!("{effect}: {} {code:?}, at most {peak} KiB", run["outcome"]);
        assert!(run["attempt"].as_u64().unwrap() <= 2, "{effect}: {run}");
        assert!(peak < MOST, "{effect}: {peak} KiB");
        installation.forget("faults").await;
    }
    // And then it works.
    let answer = installation.press(tenant, &member, TYPES).await;
    let started: Value = answer.json().await.unwrap();
    let run = started["run"]["id"].as_str().unwrap();
    let run = installation.ended(&member, run).await;
    assert_eq!(run["outcome"], "succeeded", "{run}");
}
