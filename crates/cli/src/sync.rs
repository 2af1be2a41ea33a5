//! `atlas sync`: press sync, and watch if asked to.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::args::runs::SyncArguments;
use crate::client::ApiClient;
use crate::output::{self, cell};
use crate::runs::follow;

/// Starts or joins a run per tenant. With `--follow` the exit status says whether all succeeded.
pub(crate) async fn run(arguments: &SyncArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let api = ApiClient::new(&arguments.api)?;
    let body = selection(arguments);
    let mut started = Vec::new();
    for tenant in &arguments.tenants {
        let tenant_id = api.tenant_id(tenant).await?;
        let answer = api
            .post(&format!("/tenants/{tenant_id}/inventory-sync"), &body)
            .await?;
        started.push(answer.body);
    }
    if !arguments.follow {
        print_started(&started, as_json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runs: Vec<Value> = started.iter().map(|answer| answer["run"].clone()).collect();
    follow::to_the_end(&api, runs, as_json).await
}

/// Prints what became of starts.
pub(crate) fn print_started(started: &[Value], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(&json!({ "started": started }))?;
    } else {
        let rows: Vec<_> = started.iter().map(started_row).collect();
        output::table(&["TENANT", "RUN", "DISPOSITION", "VIEW"], &rows)?;
    }
    Ok(())
}

fn selection(arguments: &SyncArguments) -> Value {
    let mut body = Map::new();
    if !arguments.policy_types.is_empty() {
        body.insert("policy_types".to_owned(), json!(arguments.policy_types));
    }
    if !arguments.categories.is_empty() {
        body.insert("categories".to_owned(), json!(arguments.categories));
    }
    if arguments.no_foundations {
        body.insert("include_foundations".to_owned(), json!(false));
    }
    if arguments.no_dependencies {
        body.insert("include_dependencies".to_owned(), json!(false));
    }
    if arguments.verify_all {
        body.insert("verify".to_owned(), json!("all"));
    }
    Value::Object(body)
}

fn started_row(answer: &Value) -> Vec<String> {
    [
        "/run/tenant/name",
        "/run/id",
        "/disposition",
        "/run/links/view",
    ]
    .iter()
    .map(|pointer| cell(answer, pointer))
    .collect()
}
