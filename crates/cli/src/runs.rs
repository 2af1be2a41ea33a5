//! `atlas runs`: list, show, watch, cancel, retry.

pub(crate) mod follow;

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::args::runs::{OneRun, RunCancel, RunRetry, RunsList};
use crate::client::ApiClient;
use crate::output::{self, cell};
use crate::sync;

/// The newest runs.
pub(crate) async fn list(arguments: &RunsList, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.api)?;
    let mut query = Vec::new();
    if let Some(tenant) = &arguments.tenant {
        query.push(("tenant_id", api.tenant_id(tenant).await?));
    }
    if let Some(status) = &arguments.status {
        query.push(("status", status.clone()));
    }
    let runs = api
        .list("/operation-runs", query, usize::from(arguments.limit))
        .await?;
    if as_json {
        output::json(&json!({ "items": runs }))?;
        return Ok(());
    }
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            [
                "/id",
                "/tenant/name",
                "/kind",
                "/status",
                "/outcome",
                "/created_at",
                "/initiator/display",
            ]
            .iter()
            .map(|pointer| cell(run, pointer))
            .collect()
        })
        .collect();
    let headings = [
        "RUN", "TENANT", "KIND", "STATUS", "OUTCOME", "CREATED", "BY",
    ];
    output::table(&headings, &rows)?;
    Ok(())
}

/// One run with its results.
pub(crate) async fn show(arguments: &OneRun, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.api)?;
    let path = format!("/operation-runs/{}", arguments.id);
    let run = api.get(&path, &[]).await?.body;
    let results = api
        .list(&format!("{path}/results"), Vec::new(), usize::MAX)
        .await?;
    if as_json {
        output::json(&json!({ "run": run, "results": results }))?;
        return Ok(());
    }
    output::line(one_run(&run))?;
    let rows: Vec<_> = results
        .iter()
        .map(|result| {
            [
                "/policy_type",
                "/status",
                "/pages",
                "/seen",
                "/values_read",
                "/values_verified",
                "/created",
                "/changed",
                "/missing",
                "/error/code",
            ]
            .iter()
            .map(|pointer| cell(result, pointer))
            .collect()
        })
        .collect();
    let headings = [
        "TYPE", "STATUS", "PAGES", "SEEN", "READ", "VERIFIED", "CREATED", "CHANGED", "MISSING",
        "ERROR",
    ];
    output::table(&headings, &rows)?;
    Ok(())
}

/// Follows one run to its end; the exit status says whether it succeeded.
pub(crate) async fn watch(arguments: &OneRun, as_json: bool) -> anyhow::Result<ExitCode> {
    let api = ApiClient::new(&arguments.api)?;
    let run = api
        .get(&format!("/operation-runs/{}", arguments.id), &[])
        .await?
        .body;
    follow::to_the_end(&api, vec![run], as_json).await
}

/// Asks for a run to stop, and says whether it has or will.
pub(crate) async fn cancel(arguments: &RunCancel, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.run.api)?;
    let mut body = Map::new();
    if let Some(reason) = &arguments.reason {
        body.insert("reason".to_owned(), json!(reason));
    }
    let path = format!("/operation-runs/{}/cancel", arguments.run.id);
    let run = api.post(&path, &Value::Object(body)).await?.body;
    if as_json {
        output::json(&run)?;
        return Ok(());
    }
    let mut line = one_run(&run);
    if cell(&run, "/status") != "completed" {
        let deadline = cell(&run, "/cancel/deadline_at");
        line.push_str(&format!("(asked to stop; cancelled by {deadline})"));
    }
    output::line(output::one_line(&line))?;
    Ok(())
}

/// Asks for the work of a run again. With `--follow` the exit status says whether it succeeded.
pub(crate) async fn retry(arguments: &RunRetry, as_json: bool) -> anyhow::Result<ExitCode> {
    let api = ApiClient::new(&arguments.run.api)?;
    let scope = if arguments.failed_only {
        "failed_only"
    } else {
        "all"
    };
    let path = format!("/operation-runs/{}/retry", arguments.run.id);
    let started = api.post(&path, &json!({ "scope": scope })).await?.body;
    if arguments.follow {
        return follow::to_the_end(&api, vec![started["run"].clone()], as_json).await;
    }
    sync::print_started(&[started], as_json)?;
    Ok(ExitCode::SUCCESS)
}

fn one_run(run: &Value) -> String {
    let mut line = format!(
        "{} of {}: {} {}",
        cell(run, "/kind"),
        cell(run, "/tenant/name"),
        cell(run, "/status"),
        cell(run, "/outcome"),
    );
    let error = cell(run, "/error/detail");
    if !error.is_empty() {
        line.push_str(&format!(" ({error} {})", cell(run, "/error/hint")));
    }
    output::one_line(&line)
}
