//! `atlas groups`: groups of a tenant's directory.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::admin::read_secret;
use crate::args::groups::{GroupsResolve, GroupsSearch, GroupsSync};
use crate::client::ApiClient;
use crate::output::{self, cell};
use crate::runs::follow;
use crate::sync::print_started;

const HEADINGS: [&str; 4] = ["NAME", "TYPE", "ID", "GONE SINCE"];

/// Starts or joins a sync of groups per tenant. With `--follow` the exit status says whether all
/// succeeded.
pub(crate) async fn sync(arguments: &GroupsSync, as_json: bool) -> anyhow::Result<ExitCode> {
    let api = ApiClient::new(&arguments.api)?;
    let mut started = Vec::new();
    for tenant in &arguments.tenants {
        let tenant_id = api.tenant_id(tenant).await?;
        let path = format!("/tenants/{tenant_id}/directory-groups-sync");
        started.push(api.post(&path, &json!({})).await?.body);
    }
    if !arguments.follow {
        print_started(&started, as_json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runs: Vec<Value> = started.iter().map(|answer| answer["run"].clone()).collect();
    follow::to_the_end(&api, runs, as_json).await
}

/// Groups whose names are found by a text: stored ones, or with the user's own token the directory's.
pub(crate) async fn search(arguments: &GroupsSearch, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.api)?;
    let tenant_id = api.tenant_id(&arguments.tenant).await?;
    let path = format!("/tenants/{tenant_id}/directory-groups");
    let answer = match &arguments.graph_token_file {
        Some(file) => {
            let token = read_secret(file)?;
            let body = json!({"q": arguments.q, "limit": arguments.limit.min(100)});
            api.post_as_user(&format!("{path}/search"), &body, &token)
                .await?
                .body
        }
        None => {
            let query = [
                ("q", arguments.q.clone()),
                ("limit", arguments.limit.to_string()),
            ];
            api.get(&path, &query).await?.body
        }
    };
    print(&answer, as_json)
}

/// Names for ids.
pub(crate) async fn resolve(arguments: &GroupsResolve, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.api)?;
    let tenant_id = api.tenant_id(&arguments.tenant).await?;
    let path = format!("/tenants/{tenant_id}/directory-groups/resolve");
    let answer = api.post(&path, &json!({"ids": arguments.ids})).await?.body;
    print(&answer, as_json)
}

/// Groups to standard output; what is to be known of them beside, to standard error.
fn print(answer: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(answer)?;
        return Ok(());
    }
    let groups = answer["items"].as_array().into_iter().flatten();
    let known = groups.map(|group| {
        ["/name", "/type", "/id", "/removed_at"]
            .iter()
            .map(|pointer| cell(group, pointer))
            .collect()
    });
    let unresolved = answer["unresolved"].as_array().into_iter().flatten();
    let unknown = unresolved.map(|id| {
        let id = id.as_str().unwrap_or_default().to_owned();
        vec!["(not known)".to_owned(), String::new(), id, String::new()]
    });
    let rows: Vec<_> = known.chain(unknown).collect();
    output::table(&HEADINGS, &rows)?;
    let hint = cell(answer, "/hint");
    if !hint.is_empty() {
        let as_of = cell(answer, "/data_as_of");
        output::note(output::one_line(&format!("{hint} {as_of}")));
    }
    Ok(())
}
