//! `cargo xtask demo`: the whole installation on this machine, with a simulated Microsoft Graph.

mod history;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use atlas_services::directory::PrivateDirectory;
use atlas_services::http;
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::programs::{Administration, Programs};
use atlas_services::random;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

use crate::processes::{Processes, Setup};

const TENANTS: [&str; 3] = ["Contoso", "Fabrikam", "Northwind"];
const ROLES: [&str; 4] = ["owner", "manager", "operator", "readonly"];
const INITIATOR: &str = "operator";
const WORKERS: usize = 2;
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How to show it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// End after the syncs instead of staying up; exit status 0 only if they succeeded.
    #[arg(long)]
    exit: bool,
    /// How many objects each simulated tenant has, about.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    size: u32,
}

/// Sets everything up, presses sync, and shows what came of it.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let programs = Programs::build(workspace, false, interrupt)?;
    let mut services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let installation = Installation::prepare(&programs, &services, interrupt)?;
    let setup = Setup {
        keys_file: &installation.keys_file,
        queue_namespace: &installation.queue_namespace,
        workers: WORKERS,
        simulator: &["--size", &options.size.to_string()],
        api: &[],
    };
    let mut processes = Processes::start(&programs, &services, &setup, interrupt)?;
    say("Pressing sync for all tenants");
    let synced = sync(&programs, &installation, processes.url(), interrupt)?;
    // A program that died is the better explanation of a sync that failed.
    processes.check()?;
    say("Changing policies in Microsoft Graph, and syncing again");
    let made = history::make(&installation, &processes, interrupt);
    processes.check()?;
    made?;
    let stored = show(&installation, &processes)?;
    if options.exit {
        if !synced {
            bail!("a sync did not succeed; its run above says why");
        }
        if !stored {
            bail!("the syncs ended, but a tenant has no items");
        }
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "\nRunning until Ctrl-C. Logs: {}",
        logs(services.directory())
    );
    while interrupt.pause(LOOK_AGAIN).is_ok() {
        services.check()?;
        processes.check()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A tenant of the demonstration.
#[derive(Debug)]
struct Tenant {
    id: String,
    name: String,
}

/// Somebody who may ask the API.
#[derive(Debug)]
struct User {
    role: &'static str,
    email: String,
    /// In clear text: it ends with the demonstration.
    token: String,
}

/// A database that is ready for the API and the workers.
#[derive(Debug)]
struct Installation {
    tenants: Vec<Tenant>,
    /// One user for each role, in the order of [`ROLES`].
    users: Vec<User>,
    keys_file: PathBuf,
    queue_namespace: String,
}

impl Installation {
    /// Sets up schema, key, tenants, users, roles and tokens, as an operator does.
    fn prepare(
        programs: &Programs,
        services: &Services,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let (database_url, directory) = (services.database_url(), services.directory());
        let operator = Administration::begin(programs, database_url, directory, interrupt)?;
        // Somebody's own database may hold an earlier demonstration: names must be new.
        let mark = random::hex()?[..6].to_owned();
        let mut tenants = Vec::new();
        for name in TENANTS {
            let name = format!("{name} {mark}");
            tenants.push(Tenant {
                id: operator.add_tenant(&name)?,
                name,
            });
        }
        let ids: Vec<_> = tenants.iter().map(|tenant| tenant.id.clone()).collect();
        let mut users = Vec::new();
        for role in ROLES {
            let email = format!("{role}-{mark}@demo.example");
            let token = operator.add_user(&email, role, &ids)?;
            if role == INITIATOR {
                operator.make_operator(&email)?;
            }
            users.push(User { role, email, token });
        }
        let keys_file = operator.keys_file().to_owned();
        Ok(Self {
            tenants,
            users,
            keys_file,
            queue_namespace: format!("demo-{mark}"),
        })
    }

    /// Who presses sync: somebody who may, and no more than that. Also an operator of the installation,
    /// to whom the console shows queues and workers.
    fn initiator(&self) -> &User {
        let found = self.users.iter().find(|user| user.role == INITIATOR);
        found.unwrap_or(&self.users[0])
    }
}

/// Presses sync for all tenants and follows the runs with a progress bar each; whether all
/// succeeded.
fn sync(
    programs: &Programs,
    installation: &Installation,
    api_url: &str,
    interrupt: &Interrupt,
) -> anyhow::Result<bool> {
    let mut command = programs.command("atlas");
    command.args(["sync", "--follow"]);
    command.args(installation.tenants.iter().map(|tenant| &tenant.id));
    command
        .env("ATLAS_URL", api_url)
        .env("ATLAS_TOKEN", &installation.initiator().token);
    Ok(process::run(&mut command, interrupt)?.success())
}

/// Prints what was found and where to look; whether every tenant has items.
fn show(installation: &Installation, processes: &Processes) -> anyhow::Result<bool> {
    let token = installation.initiator().token.as_str();
    let get = |path: &str| http::get_json(processes.address(), path, token);
    let mut stored = true;
    for tenant in &installation.tenants {
        let summary = get(&format!("/tenants/{}/inventory-summary", tenant.id))?;
        let present = summary["present"]
            .as_i64()
            .context("a summary without a count")?;
        stored &= present > 0;
        say(&format!("Inventory of {}: {present} items", tenant.name));
        for of_type in array(&summary, "types")? {
            let present = of_type["present"].as_i64().unwrap_or_default();
            println!("{present:>7}  {}", text(of_type, "label"));
        }
    }
    say(&format!(
        "Notifications of {}",
        installation.initiator().email
    ));
    for notice in array(&get("/me/notifications")?, "items")?.iter().rev() {
        println!("  {}: {}", text(notice, "title"), text(notice, "body"));
    }
    say("Where to look");
    println!("  API documentation       {}/docs", processes.url());
    for run in array(&get("/operation-runs")?, "items")? {
        let name = run["tenant"]["name"].as_str().unwrap_or_default();
        println!(
            "  run: {name:<18} {}",
            run["links"]["view"].as_str().unwrap_or_default()
        );
    }
    for tenant in &installation.tenants {
        println!(
            "  items: {:<16} {}/tenants/{}/inventory-items",
            tenant.name,
            processes.url(),
            tenant.id
        );
    }
    say("Who may ask (Authorization: Bearer …)");
    for user in &installation.users {
        println!("  {:<9} {}", user.role, user.token);
    }
    say("Open the console");
    println!("  address  {}/console/", processes.url());
    println!("  token    {token}");
    Ok(stored)
}

fn say(heading: &str) {
    println!("\n{heading}");
}

fn logs(directory: &PrivateDirectory) -> String {
    format!("{}/*.log", directory.path().display())
}

fn array<'a>(value: &'a Value, member: &str) -> anyhow::Result<&'a Vec<Value>> {
    value[member]
        .as_array()
        .with_context(|| format!("an answer without {member}"))
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}
