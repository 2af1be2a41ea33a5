//! `cargo xtask …`: everything that a developer or a CI machine does with this repository.
//!
//! It depends on none of the crates that the programs are made of, so that it is ready in seconds: it
//! builds and runs their programs instead.

mod bench;
mod browser;
mod ci;
mod conformance;
mod console;
mod demo;
mod deny;
mod openapi;
mod processes;
mod sbom;
mod scale;
mod schema;
mod soak;
mod test;
mod tools;

use std::process::ExitCode;
use std::time::Duration;

use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::{Parser, Subcommand};

/// How often the services are looked after while nothing else happens.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Tasks of the TenantAtlas repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Show everything at work: services, simulated tenants, API, workers, two syncs.
    Demo(demo::Options),
    /// Run every test against real PostgreSQL and Redis, which are found or started first.
    Test {
        /// Fetch a browser where this machine has none, and run the tests that open pages in one. The
        /// exit status is 77 when there is none to fetch.
        #[arg(long, conflicts_with = "arguments")]
        browser: bool,
        /// Passed to the test runner, in place of the whole workspace: `-- -p atlas-store admission`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Inject faults at random while callers start syncs, and check every run against its invariants.
    Soak(soak::Options),
    /// Check what a change must pass: format, lints, documentation, OpenAPI document, tests, a soak.
    Ci {
        /// Also run what takes long: plans among a million rows, clients and judges of the OpenAPI
        /// document, pages in a browser, a soak of ten minutes, and one of 10,000 events.
        #[arg(long)]
        all: bool,
    },
    /// Run the tests that seed a million rows, which take minutes each.
    Scale,
    /// Have others' programs judge openapi/tenantatlas.json, and clients that are made from it work with
    /// a live server. The exit status is 77 when npm or Python, or what they fetch, is not to be had.
    Conformance(conformance::Options),
    /// Check the console's sources, and write its client and its built files. The exit status is 77
    /// when npm, or what it fetches, is not to be had.
    Console {
        /// Fail when the committed files are others.
        #[arg(long)]
        check: bool,
    },
    /// Use the console in Chromium, against real programs, services and a simulated Microsoft Graph. The
    /// exit status is 77 when Chromium, npm, or what it fetches, is not to be had.
    Browser(browser::Options),
    /// Check licences, bans and sources of what is depended on, as deny.toml says. The exit status is
    /// 77 when cargo-deny, or what it needs, is not to be had.
    Deny(deny::Options),
    /// Write what each program is made of to target/sbom, as CycloneDX. Builds cargo-cyclonedx where it
    /// is not installed; the exit status is 77 when it is not to be had.
    Sbom,
    /// Write openapi/tenantatlas.json, the API's description of itself, and openapi/webhooks.json, that of
    /// what webhooks deliver.
    Openapi {
        /// Write nothing; fail when the committed document is another.
        #[arg(long)]
        check: bool,
    },
    /// Write what the store has of the database's schema: schema.rs and the expanded statements.
    ///
    /// Run it after adding a migration or changing a statement under crates/store/sql. The store's
    /// tests fail while these files are not current.
    Schema,
    /// Measure the programs beside a peer or a limit; `cargo xtask bench --help` names the measurements.
    #[command(disable_help_flag = true)]
    Bench {
        /// What to measure, and how.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Find or start PostgreSQL and Redis, print where they are, and keep them until Ctrl-C.
    Services,
}

fn main() -> ExitCode {
    match execute(&Arguments::parse().task) {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("interrupted");
            // What a shell answers for a program that SIGINT ended.
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(task: &Task) -> anyhow::Result<ExitCode> {
    let interrupt = Interrupt::listen()?;
    let workspace = Workspace::find()?;
    match task {
        Task::Test { browser: true, .. } => test::run_in_browser(&workspace, &interrupt),
        Task::Test { arguments, .. } => test::run(&workspace, arguments, &interrupt),
        Task::Soak(options) => soak::run(&workspace, options, &interrupt),
        Task::Demo(options) => demo::run(&workspace, options, &interrupt),
        Task::Openapi { check } => openapi::run(&workspace, *check, &interrupt),
        Task::Deny(options) => deny::run(&workspace, options, &interrupt),
        Task::Sbom => sbom::run(&workspace, &interrupt),
        Task::Schema => schema::run(&workspace, &interrupt),
        Task::Bench { arguments } => bench::run(&workspace, arguments, &interrupt),
        Task::Ci { all } => ci::run(&workspace, *all, &interrupt),
        Task::Conformance(options) => conformance::run(&workspace, options, &interrupt),
        Task::Console { check } => console::run(&workspace, *check, &interrupt),
        Task::Browser(options) => browser::run(&workspace, options, &interrupt),
        Task::Scale => scale::run(&workspace, &interrupt),
        Task::Services => {
            let mut services = Services::start(&workspace, Durability::Disposable, &interrupt)?;
            services.print_exports();
            eprintln!("Ready. Ctrl-C stops what was started.");
            while interrupt.pause(LOOK_AGAIN).is_ok() {
                services.check()?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
