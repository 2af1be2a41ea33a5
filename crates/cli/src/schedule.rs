//! `atlas schedule`: when tenants are synced by themselves.

use serde_json::{Map, Value, json};

use crate::args::schedule::{ScheduleCommand, ScheduleSet};
use crate::client::ApiClient;
use crate::output::{self, cell};

/// Shows, sets or removes a tenant's schedule.
pub(crate) async fn run(command: &ScheduleCommand, as_json: bool) -> anyhow::Result<()> {
    let (ScheduleCommand::Show(of)
    | ScheduleCommand::Remove(of)
    | ScheduleCommand::Set(ScheduleSet { of, .. })) = command;
    let api = ApiClient::new(&of.api)?;
    let path = format!("/tenants/{}/schedule", api.tenant_id(&of.tenant).await?);
    match command {
        ScheduleCommand::Show(_) => print(&api.get(&path, &[]).await?.body, as_json),
        ScheduleCommand::Set(set) => {
            let body = Value::Object(body(set));
            print(&api.put(&path, &body).await?.body, as_json)
        }
        ScheduleCommand::Remove(_) => {
            api.delete(&path).await?;
            if as_json {
                output::json(&json!({"removed": true}))?;
            } else {
                output::line("the tenant is synced by itself no more")?;
            }
            Ok(())
        }
    }
}

fn body(set: &ScheduleSet) -> Map<String, Value> {
    let timing = [("time", &set.time), ("cron", &set.cron)];
    let given = timing
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))));
    let rest = [
        ("zone", json!(set.zone)),
        ("jitter_minutes", json!(set.jitter_minutes)),
        ("catch_up", json!(set.catch_up.as_str())),
    ];
    let rest = rest.map(|(name, value)| (name.to_owned(), value));
    given.chain(rest).collect()
}

fn print(schedule: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(schedule)?;
        return Ok(());
    }
    let of = |pointer: &str| cell(schedule, pointer);
    let timing = [of("/time"), of("/cron")].concat();
    let dues = schedule["next_due"].as_array().into_iter().flatten();
    let dues: Vec<&str> = dues.filter_map(Value::as_str).collect();
    let rows: Vec<Vec<String>> = [
        ("at", format!("{timing} {}", of("/zone"))),
        ("jitter", format!("{} min", of("/jitter_minutes"))),
        ("catch up", of("/catch_up")),
        (
            "set by",
            format!("{} {}", of("/set_by/display"), of("/set_at")),
        ),
        ("next", dues.join(", ")),
        ("last fired", of("/last_fired/fired_at")),
        ("last run", of("/last_fired/links/view")),
        (
            "skipped",
            pair(schedule, "/skipped/due_at", "/skipped/reason"),
        ),
        (
            "stopped",
            pair(schedule, "/stopped/stopped_at", "/stopped/reason"),
        ),
    ]
    .into_iter()
    .filter(|(_, value)| !value.trim().is_empty())
    .map(|(name, value)| vec![name.to_owned(), value])
    .collect();
    output::table(&["SCHEDULE", ""], &rows)?;
    Ok(())
}

fn pair(value: &Value, time: &str, word: &str) -> String {
    format!("{} {}", cell(value, time), cell(value, word))
}
