//! Payloads of scripts. Bodies hold credentials, as they do in reality.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::row::View;
use super::{Rng, Row};

/// The body at a place among the object's. Edits add lines to it.
fn body(row: &Row<'_>, rng: &mut Rng, place: usize) -> String {
    let secret = row.secret(rng);
    let mut lines = format!("$password = 'script-secret-{secret:016x}'\nWrite-Output 'done'\n");
    for edit in 1..=row.edits().at(place).of(0) {
        lines.push_str(&format!("Write-Output 'edit {edit}'\n"));
    }
    STANDARD.encode(lines)
}

/// A remediation script or a compliance script. Lists give empty bodies.
pub(super) fn health_script(row: &Row<'_>, view: View<'_>, rng: &mut Rng) -> Value {
    let detection = body(row, rng, 0);
    let remediation = body(row, rng, 1);
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

/// A script for Windows or macOS. Lists give no bodies, except in tenants of the mode that shows
/// them: a client must not keep them even then.
pub(super) fn script(row: &Row<'_>, view: View<'_>, rng: &mut Rng) -> Value {
    let body = body(row, rng, 0);
    let shown = view.item || row.directory.lists_scripts;
    json!({
        "scriptContent": shown.then_some(body),
        "runAsAccount": rng.pick(&["system", "user"]),
        "enforceSignatureCheck": rng.percent(20),
        "fileName": "script.ps1",
        "runAs32Bit": rng.percent(20),
    })
}
