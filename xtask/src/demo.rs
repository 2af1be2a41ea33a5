//! `cargo xtask demo`: the whole house on this machine, with a simulated Microsoft Graph.

mod installation;
mod processes;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use self::installation::Installation;
use self::processes::Processes;
use crate::directory::PrivateDirectory;
use crate::http;
use crate::interrupt::Interrupt;
use crate::process;
use crate::services::{Durability, Services};
use crate::workspace::Workspace;

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
    let build = ["build", "--workspace", "--all-targets"];
    if !process::run(&mut workspace.cargo(&build), interrupt)?.success() {
        bail!("the programs do not build");
    }
    let mut services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let installation = Installation::prepare(workspace, &services, interrupt)?;
    let mut processes =
        Processes::start(workspace, &services, &installation, options.size, interrupt)?;
    say("Pressing sync for both tenants");
    let synced = installation.sync(processes.url(), interrupt)?;
    // A program that died is the better explanation of a sync that failed.
    processes.check()?;
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
            println!("{:>7}  {}", of_type["present"], text(of_type, "label"));
        }
    }
    say(&format!("What {} was told", installation.initiator().email));
    for notice in array(&get("/me/notifications")?, "items")?.iter().rev() {
        println!("  {}: {}", text(notice, "title"), text(notice, "body"));
    }
    say("Where to look");
    println!("  API documentation  {}/docs", processes.url());
    for run in array(&get("/operation-runs")?, "items")? {
        let name = run["tenant"]["name"].as_str().unwrap_or_default();
        println!(
            "  run of {name:<12}{}",
            run["links"]["view"].as_str().unwrap_or_default()
        );
    }
    for tenant in &installation.tenants {
        println!(
            "  inventory          {}/tenants/{}/inventory-items ({})",
            processes.url(),
            tenant.id,
            tenant.name
        );
    }
    say("Who may ask (Authorization: Bearer …)");
    for user in &installation.users {
        println!("  {:<9} {}", user.role, user.token);
    }
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
