//! The installation that is read, as the files of `tests/scale` make it, which tests at scale use too.

use std::fs;
use std::time::Instant;

use anyhow::Context;

use atlas_services::workspace::Workspace;

use crate::database::Database;

/// What the schema of an earlier version has tables for.
const SEED: &str = "tests/scale/seed.sql";
/// What only this version has tables for.
const LATER: &str = "tests/scale/seed_later.sql";
/// A member of all tenants who operates the installation.
pub(super) const MEMBER_OF_ALL: &str = "everywhere@seed.example";
/// A member of all tenants who starts syncs.
pub(super) const STARTER: &str = "starter@seed.example";
/// How many further members of all tenants there are.
pub(super) const NEIGHBOURS: usize = 10;

/// One of them, counted from 1.
pub(super) fn neighbour(number: usize) -> String {
    format!("neighbour-{number}@seed.example")
}

/// The id of a tenant by its number, from 1 to 200; the first one is the largest.
pub(super) fn tenant(number: usize) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}

/// A schedule for each tenant.
fn schedules() -> String {
    format!(
        "INSERT INTO tenant_schedules (tenant_id, time_of_day, zone, jitter_minutes, catch_up, set_by, \
            next_due_at) \
        SELECT t.id, '02:30', 'Europe/Berlin', 60, 'latest', u.id, now() + interval '1 day' \
        FROM tenants t, users u WHERE u.email = '{MEMBER_OF_ALL}'"
    )
}

/// The id of a webhook with a long delivery log.
pub(super) const WEBHOOK: &str = "00000000-0000-7000-8000-00000000feed";

/// A webhook of the member of all tenants, disabled, so that nothing is sent, with 100,000 deliveries of 30
/// days.
fn webhook() -> String {
    format!(
        "INSERT INTO webhook_endpoints (id, user_id, url, event_types, public_url, key_id, secret, position, \
            disabled_at, disable_reason) \
        SELECT '{WEBHOOK}', u.id, 'https://receiver.example/hook', '{{}}', 'https://atlas.example', 'none', \
            '', 0, now(), 'by_owner' \
        FROM users u WHERE u.email = '{MEMBER_OF_ALL}'; \
        INSERT INTO webhook_deliveries (id, endpoint_id, tenant_id, cause, event_id, event_type, position, \
            attempt, outcome, status, detail, took_ms, at) \
        SELECT gen_random_uuid(), '{WEBHOOK}', t.id, 'event', gen_random_uuid(), 'operation_run.completed', \
            n, 1, 'delivered', 204, 'the receiver answered with status 204', 80, now() - n * interval '26 s' \
        FROM generate_series(1, 100000) n, (SELECT id FROM tenants ORDER BY id LIMIT 1) t"
    )
}

/// Fills the empty database, whose schema is this version's.
pub(super) fn plant(
    workspace: &Workspace,
    database: &Database<'_>,
    runs: u64,
    items: u64,
) -> anyhow::Result<()> {
    plant_files(workspace, database, (runs, items), &[SEED, LATER])?;
    database.execute(&schedules())?;
    database.execute(&webhook())?;
    database.execute("VACUUM (ANALYZE) webhook_deliveries")
}

/// Fills the empty database, whose schema may be that of an earlier version.
pub(crate) fn plant_earlier(
    workspace: &Workspace,
    database: &Database<'_>,
    runs: u64,
    items: u64,
) -> anyhow::Result<()> {
    plant_files(workspace, database, (runs, items), &[SEED])
}

fn plant_files(
    workspace: &Workspace,
    database: &Database<'_>,
    (runs, items): (u64, u64),
    files: &[&str],
) -> anyhow::Result<()> {
    eprintln!("Storing {runs} runs and {items} items.");
    let began = Instant::now();
    database.execute(&format!("SET seed.runs = {runs}; SET seed.items = {items}"))?;
    for &file in files {
        let seed = fs::read_to_string(workspace.root.join(file)).context(file.to_owned())?;
        database.execute(&seed).context(file.to_owned())?;
    }
    database.execute("DISCARD TEMP")?;
    // Else the reads that are measured would do what vacuuming does, each on its rows.
    database.execute("VACUUM (ANALYZE)")?;
    database.execute("CHECKPOINT")?;
    eprintln!("Stored after {:.0} s.", began.elapsed().as_secs_f64());
    Ok(())
}
