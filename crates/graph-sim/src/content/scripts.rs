//! Payloads of scripts. Bodies hold credentials, as they do in reality.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::row::View;
use super::{Rng, Row};

fn body(row: &Row<'_>, rng: &mut Rng) -> String {
    let secret = row.secret(rng);
    STANDARD.encode(format!(
        "$password = 'script-secret-{secret:016x}'\nWrite-Output 'done'\n"
    ))
}

/// A remediation script or a compliance script. Lists give empty bodies.
pub(super) fn health_script(row: &Row<'_>, view: View<'_>, rng: &mut Rng) -> Value {
    let detection = body(row, rng);
    let remediation = body(row, rng);
    json!({
        "publisher": if row.object.built_in { "Microsoft" } else { "IT" },
        "detectionScriptContent": if view.item { detection } else { String::new() },
        "remediationScriptContent": if view.item { remediation } else { String::new() },
        "runAsAccount": rng.pick(&["system", "user"]),
        "enforceSignatureCheck": rng.percent(20),
        "runAs32Bit": rng.percent(20),
        "isGlobalScript": row.object.built_in,
        "highestAvailableVersion": row.object.built_in.then_some("2"),
        "deviceHealthScriptType": "deviceHealthScript",
        "detectionScriptParameters": [],
    })
}

/// A script for Windows or macOS. Real lists give no bodies; these do, because a client must not
/// keep them even then.
pub(super) fn script(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "scriptContent": body(row, rng),
        "runAsAccount": rng.pick(&["system", "user"]),
        "enforceSignatureCheck": rng.percent(20),
        "fileName": "script.ps1",
        "runAs32Bit": rng.percent(20),
    })
}
