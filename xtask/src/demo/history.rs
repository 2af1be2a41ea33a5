//! What happens after the first syncs, so that there is something to look at: changes in the simulated
//! tenants, syncs that find them, a sync that cannot read everything, and a schedule.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use atlas_services::http::{self, Method};
use atlas_services::interrupt::Interrupt;
use serde_json::{Value, json};

use super::{Installation, Tenant, text};
use crate::processes::Processes;

const LIMIT: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// A list that the simulator refuses to one tenant, and the permission that it then misses.
const REFUSED: &str = "/beta/deviceManagement/deviceHealthScripts";
const MISSING: &str = "DeviceManagementScripts.Read.All";

/// Makes the history of the first two tenants.
pub(super) fn make(
    installation: &Installation,
    processes: &Processes,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let history = History {
        installation,
        processes,
        interrupt,
    };
    let [contoso, fabrikam, ..] = installation.tenants.as_slice() else {
        bail!("there are fewer than two tenants");
    };
    let (of_contoso, of_fabrikam) = (history.directory(contoso)?, history.directory(fabrikam)?);
    history.simulate(
        &Method::PUT,
        "audit",
        &json!({"late_from_ms": 0, "late_to_ms": 0}),
    )?;
    let anna = json!({
        "kind": "user",
        "id": "7d3d2c0e-6d0f-4f2a-9d64-0f3f0a5f6b7c",
        "name": "anna@contoso.example",
    });
    history.change(
        &of_contoso,
        &json!({
            "seed": 5, "actor": anna, "add": 4, "delete": 3, "rename": 2, "edit": 3, "reassign": 3,
            "edit_value": 6,
        }),
    )?;
    history.change(&of_fabrikam, &json!({"seed": 6, "add": 2, "edit_value": 3}))?;
    let refusal = json!({
        "path": {"exact": REFUSED},
        "tenant": of_fabrikam,
        "count": null,
        "effect": {"kind": "forbidden", "permission": MISSING},
    });
    history.simulate(&Method::POST, "faults", &refusal)?;
    history.sync(&[contoso, fabrikam])?;
    // From here on the list can be read, so that a retry of what failed succeeds.
    history.simulate(&Method::DELETE, "faults", &Value::Null)?;
    history.change(
        &of_contoso,
        &json!({"seed": 7, "edit_value": 2, "edit_nested": 2}),
    )?;
    history.sync(&[contoso])?;
    let daily = json!({"time": "02:30", "zone": "Europe/Berlin", "jitter_minutes": 60});
    let path = format!("/tenants/{}/schedule", contoso.id);
    let owner = &installation.users[0].token;
    http::send_json(&Method::PUT, processes.address(), &path, owner, &daily)?;
    Ok(())
}

struct History<'a> {
    installation: &'a Installation,
    processes: &'a Processes,
    interrupt: &'a Interrupt,
}

impl History<'_> {
    fn token(&self) -> &str {
        &self.installation.initiator().token
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        http::get_json(self.processes.address(), path, self.token())
    }

    /// The tenant's id in Microsoft Entra, by which the simulator knows it.
    fn directory(&self, tenant: &Tenant) -> anyhow::Result<String> {
        let tenant = self.get(&format!("/tenants/{}", tenant.id))?;
        Ok(text(&tenant, "directory_id").to_owned())
    }

    fn simulate(&self, method: &Method, what: &str, document: &Value) -> anyhow::Result<()> {
        let path = format!("/_sim/{what}");
        http::send_json(method, self.processes.simulator(), &path, "", document).map(drop)
    }

    fn change(&self, directory: &str, script: &Value) -> anyhow::Result<()> {
        self.simulate(&Method::POST, &format!("mutate/{directory}"), script)
    }

    /// Syncs these tenants at the same time, to the end.
    fn sync(&self, tenants: &[&Tenant]) -> anyhow::Result<()> {
        let mut runs = Vec::new();
        for tenant in tenants {
            let path = format!("/tenants/{}/inventory-sync", tenant.id);
            let address = self.processes.address();
            let started = http::send_json(&Method::POST, address, &path, self.token(), &json!({}))?;
            let id = started["run"]["id"].as_str().context("a run without id")?;
            runs.push(id.to_owned());
        }
        let until = Instant::now() + LIMIT;
        for run in runs {
            loop {
                let now = self.get(&format!("/operation-runs/{run}"))?;
                if text(&now, "status") == "completed" {
                    break;
                }
                if Instant::now() > until {
                    bail!("the run {run} has not ended");
                }
                self.interrupt.pause(LOOK_AGAIN)?;
            }
        }
        Ok(())
    }
}
