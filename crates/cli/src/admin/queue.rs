//! Holding a kind of run, and letting it go again.

use serde_json::json;

use super::open;
use crate::args::connections::Administration;
use crate::args::queue::QueueControl;
use crate::output;

/// Lets no further run of the kind be taken up.
pub(crate) async fn pause(
    control: &QueueControl,
    reason: Option<&str>,
    as_json: bool,
) -> anyhow::Result<()> {
    let Administration { database, by } = &control.administration;
    let changed = open(database)?
        .pause(control.kind, by.as_str(), reason)
        .await?;
    say(control, true, changed, as_json)
}

/// Lets runs of the kind be taken up again.
pub(crate) async fn resume(control: &QueueControl, as_json: bool) -> anyhow::Result<()> {
    let Administration { database, by } = &control.administration;
    let changed = open(database)?.resume(control.kind, by.as_str()).await?;
    say(control, false, changed, as_json)
}

/// Asking twice is no failure: what was asked for is so.
fn say(control: &QueueControl, paused: bool, changed: bool, as_json: bool) -> anyhow::Result<()> {
    let kind = control.kind;
    if as_json {
        output::json(&json!({ "kind": kind, "paused": paused, "changed": changed }))?;
        return Ok(());
    }
    output::line(match (paused, changed) {
        (true, true) => format!("{kind} is paused"),
        (true, false) => format!("{kind} was paused already"),
        (false, true) => format!("{kind} is taken up again"),
        (false, false) => format!("{kind} was not paused"),
    })?;
    Ok(())
}
