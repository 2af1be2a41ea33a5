//! How much memory a worker takes while Microsoft Graph, or somebody in its place, answers with what is
//! meant to use it up.

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::program::Program;

/// What the worker is allowed of answers.
const ALLOWED: &str = "32MiB";

/// `docs/OPERATIONS.md`: 160 MiB and twice what is allowed.
const MOST: u64 = (160 + 2 * 32) * 1024;

/// Lists of objects, whose assignments are read in batches for some of them.
const TYPES: &str = r#"{"policy_types": ["mobileApp", "deviceCompliancePolicy",
    "settingsCatalogPolicy", "deviceConfiguration", "iosManagedAppProtection", "intent"]}"#;

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
    let everything = json!({"prefix": "/"});
    let one_list = json!({"exact": "/beta/deviceManagement/deviceConfigurations"});
    for (path, effect) in [
        (&everything, json!({"kind": "endless_body"})),
        (
            &everything,
            json!({"kind": "compressed_blanks", "bytes": 40_000_000}),
        ),
        (&everything, json!({"kind": "padded", "bytes": 7_000_000})),
        (&everything, json!({"kind": "huge_row", "bytes": 6_000_000})),
        (
            &everything,
            json!({"kind": "deep_nesting", "levels": 100_000}),
        ),
        (&one_list, json!({"kind": "wide_row", "bytes": 4_000_000})),
    ] {
        // The sign-in is to succeed.
        let token = json!({"path": {"suffix": "/oauth2/v2.0/token"}, "count": null,
            "effect": {"kind": "delayed", "milliseconds": 1}});
        let rule = json!({"path": path, "count": null, "effect": effect});
        for rule in [token, rule] {
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
