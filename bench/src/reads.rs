//! Every read of the API in an installation of a million runs and a million items: each list, filter,
//! detail and count, its first and its hundredth page, on the first and the tenth call of a database
//! connection; and what callers who repeat the slowest list cost another caller.

mod cases;
mod machine;
mod measurement;
mod neighbours;
mod places;
pub(super) mod seed;
mod table;

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use self::cases::Budget;
use self::measurement::{Measurement, Pending, ROUNDS};
use self::places::Places;
use super::database::Database;
use atlas_services::interrupt::Interrupt;
use atlas_services::programs::{Administration, Api, Programs};
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

/// Selects the last measurement with `--only`.
const NEIGHBOURS: &str = "neighbours";

/// How to measure reads.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many runs, over 200 tenants.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    runs: u64,
    /// How many inventory items, over 200 tenants.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    items: u64,
    /// Calls of each read after the tenth.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    calls: u32,
    /// Measure only reads whose line contains this text; `neighbours` is the last measurement.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How long another caller is measured alone, and then beside its neighbours, in seconds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=600))]
    seconds: u64,
}

impl Options {
    fn selects(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|text| name.contains(text))
    }
}

/// Where the API runs, and who calls it.
struct Installation<'a> {
    programs: &'a Programs,
    services: &'a Services,
    interrupt: &'a Interrupt,
    /// Of the member of all tenants.
    token: String,
    started: Cell<usize>,
}

impl Installation<'_> {
    /// An API with one connection to the database, which has run nothing but what readiness asks, and
    /// without a limit on callers.
    fn fresh_api(&self) -> anyhow::Result<Api> {
        let mut command = self.command();
        command
            .env("ATLAS_DATABASE_POOL", "1")
            .env("ATLAS_DATABASE_READ_POOL", "1")
            .env("ATLAS_RATE_LIMIT", super::RATE_LIMIT);
        self.start(command)
    }

    /// An API as it is by default.
    fn usual_api(&self) -> anyhow::Result<Api> {
        self.start(self.command())
    }

    fn command(&self) -> Command {
        let mut command = super::api(self.programs, self.services);
        command.env_remove("ATLAS_RATE_LIMIT");
        command
    }

    fn start(&self, command: Command) -> anyhow::Result<Api> {
        // Each writes its address to a file of its own: an old address would look like a new one.
        let number = self.started.get() + 1;
        self.started.set(number);
        let name = format!("api-{number}");
        Api::start(&name, command, self.services.directory(), self.interrupt)
    }
}

/// Seeds and measures.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let directory = services.directory();
    let operator = Administration::begin(&programs, services.database_url(), directory, interrupt)?;
    let database = Database::connect(&services, interrupt)?;
    seed::plant(workspace, &database, options.runs, options.items)?;
    let installation = Installation {
        programs: &programs,
        services: &services,
        interrupt,
        token: operator.add_token(seed::MEMBER_OF_ALL)?,
        started: Cell::new(0),
    };
    let places = Places::find(&installation)?;
    let measured = measure(&installation, &places, options)?;
    machine::measure()?;
    if !measured.is_empty() {
        table::print_exceeding(&measured);
    }
    if options.selects(NEIGHBOURS) {
        let list = slowest_list(&measured).unwrap_or_else(|| places.fill(cases::USUALLY_SLOWEST));
        let duration = Duration::from_secs(options.seconds);
        neighbours::measure(&installation, &operator, &database, &list, duration)?;
    }
    Ok(())
}

fn measure(
    installation: &Installation<'_>,
    places: &Places,
    options: &Options,
) -> anyhow::Result<Vec<Measurement>> {
    let mut pending = Vec::new();
    for case in cases::ALL {
        for page in case.pages() {
            let name = case.name(*page);
            if !options.selects(&name) {
                continue;
            }
            let one = Pending::find(installation, places, case, *page, name.clone());
            pending.extend(one.with_context(|| name)?);
        }
    }
    for _ in 0..ROUNDS {
        for one in &mut pending {
            let round = one.measure(installation, options);
            round.with_context(|| one.name().to_owned())?;
        }
    }
    let mut measured = Vec::new();
    for one in pending {
        measured.push(one.finish()?);
    }
    if !measured.is_empty() {
        table::print_head();
    }
    measured.iter().for_each(table::print_line);
    Ok(measured)
}

/// The path of the first page that took longest, of those that an index should serve.
fn slowest_list(measured: &[Measurement]) -> Option<String> {
    let lists = measured.iter().filter(|one| {
        one.case.budget == Budget::Index && one.case.path.starts_with("/operation-runs?")
    });
    lists
        .max_by_key(|one| one.p50)
        .map(|one| one.first_page.clone())
}
