//! Watching runs: a progress bar each, asked for as often as the API says.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::client::ApiClient;
use crate::output::{self, cell};

/// How often to ask at most, whatever the API says: a person is watching.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(2);

/// Watches every run until it is completed; success only if all of them succeeded.
pub(crate) async fn to_the_end(
    api: &ApiClient,
    runs: Vec<Value>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let bars = MultiProgress::new();
    let watched = runs.iter().map(|run| one(api, run, bars.add(bar(run))));
    let ended = futures::future::try_join_all(watched).await?;
    if as_json {
        output::json(&json!({ "runs": ended }))?;
    } else {
        let rows: Vec<_> = ended.iter().map(summary).collect();
        let headings = [
            "TENANT", "RUN", "OUTCOME", "SEEN", "NEW", "CHANGED", "MISSING", "ERROR",
        ];
        output::table(&headings, &rows)?;
    }
    let all_succeeded = ended.iter().all(|run| cell(run, "/outcome") == "succeeded");
    Ok(if all_succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn one(api: &ApiClient, run: &Value, bar: ProgressBar) -> anyhow::Result<Value> {
    let path = format!("/operation-runs/{}", cell(run, "/id"));
    loop {
        let answer = api.get(&path, &[]).await?;
        show(&bar, &answer.body);
        if cell(&answer.body, "/status") == "completed" {
            bar.finish();
            return Ok(answer.body);
        }
        let wait = answer
            .ask_again_in
            .unwrap_or(SHORTEST)
            .clamp(SHORTEST, LONGEST);
        tokio::time::sleep(wait).await;
    }
}

fn bar(run: &Value) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<20} [{bar:40}] {pos}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let prefix = output::one_line(&cell(run, "/tenant/name"));
    ProgressBar::new(0).with_style(style).with_prefix(prefix)
}

fn show(bar: &ProgressBar, run: &Value) {
    let number = |pointer: &str| run.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let done =
        number("/progress/completed") + number("/progress/failed") + number("/progress/skipped");
    bar.set_length(number("/progress/total"));
    bar.set_position(done);
    let state = match cell(run, "/outcome") {
        outcome if outcome.is_empty() => cell(run, "/status"),
        outcome => outcome,
    };
    bar.set_message(format!("{state}, {} items", number("/progress/items_seen")));
}

fn summary(run: &Value) -> Vec<String> {
    [
        "/tenant/name",
        "/id",
        "/outcome",
        "/counts/items_seen",
        "/counts/items_created",
        "/counts/items_changed",
        "/counts/items_missing",
        "/error/detail",
    ]
    .iter()
    .map(|pointer| cell(run, pointer))
    .collect()
}
