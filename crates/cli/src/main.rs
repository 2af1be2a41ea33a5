//! The `atlas` command: administration of an installation (through its database) and a client of
//! its HTTP API. Exit status 0 is success, 1 a failure with one line that says why, 2 wrong usage,
//! and 141 a closed standard output.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; output.rs prints"
)]

mod admin;
mod args;
mod client;
mod doctor;
mod groups;
mod inventory;
mod output;
mod queue;
mod runs;
mod schedule;
mod sync;

use std::process::ExitCode;

use clap::Parser;

use args::groups::GroupsCommand;
use args::inventory::InventoryCommand;
use args::queue::QueueCommand;
use args::runs::RunsCommand;
use args::{Arguments, Command};
use output::NotPrinted;

/// What a shell reports of a program that SIGPIPE ended, which is how most programs end when nobody
/// reads what they print: 128 and the number of the signal. Not 0, because what was printed did not
/// arrive; it may have been a new token.
const NOBODY_READS: u8 = 141;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(execute(arguments)));
    match result {
        Ok(code) => code,
        Err(error) => {
            let closed = error
                .downcast_ref::<NotPrinted>()
                .is_some_and(NotPrinted::is_closed);
            if closed {
                return ExitCode::from(NOBODY_READS);
            }
            let error = output::one_line(&format!("{error:#}"));
            output::note(format_args!("atlas: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let json = arguments.json;
    match arguments.command {
        Command::Migrate(command) => admin::migrate(&command, json).await?,
        Command::Doctor(command) => return doctor::run(&command, json).await,
        Command::Tenant(command) => admin::tenant::run(command, json).await?,
        Command::User(command) => admin::users::run(command, json).await?,
        Command::Token(command) => admin::tokens::run(command, json).await?,
        Command::Member(command) => admin::members::run(command, json).await?,
        Command::Audit(command) => admin::audit::run(command, json).await?,
        Command::Keys(command) => admin::keys::run(command, json).await?,
        Command::Sync(command) => return sync::run(&command, json).await,
        Command::Schedule(command) => schedule::run(&command, json).await?,
        Command::Runs(RunsCommand::List(command)) => runs::list(&command, json).await?,
        Command::Runs(RunsCommand::Show(command)) => runs::show(&command, json).await?,
        Command::Runs(RunsCommand::Watch(command)) => return runs::watch(&command, json).await,
        Command::Runs(RunsCommand::Cancel(command)) => runs::cancel(&command, json).await?,
        Command::Runs(RunsCommand::Retry(command)) => return runs::retry(&command, json).await,
        Command::Inventory(InventoryCommand::List(command)) => {
            inventory::list(&command, json).await?;
        }
        Command::Groups(GroupsCommand::Sync(command)) => {
            return groups::sync(&command, json).await;
        }
        Command::Groups(GroupsCommand::Search(command)) => groups::search(&command, json).await?,
        Command::Groups(GroupsCommand::Resolve(command)) => groups::resolve(&command, json).await?,
        Command::Inventory(InventoryCommand::Links(command)) => {
            inventory::links(&command, json).await?;
        }
        Command::Inventory(InventoryCommand::Changes(command)) => {
            inventory::changes(&command, json).await?;
        }
        Command::Inventory(InventoryCommand::Show(command)) => {
            inventory::versions::show(&command, json).await?;
        }
        Command::Inventory(InventoryCommand::History(command)) => {
            inventory::versions::history(&command, json).await?;
        }
        Command::Inventory(InventoryCommand::Diff(command)) => {
            inventory::versions::diff(&command, json).await?;
        }
        Command::Inventory(InventoryCommand::Export(command)) => {
            inventory::export::export(&command, json).await?;
        }
        Command::Queue(QueueCommand::Status(api)) => queue::status(&api, json).await?,
        Command::Queue(QueueCommand::Pause { control, reason }) => {
            admin::queue::pause(&control, reason.as_deref(), json).await?;
        }
        Command::Queue(QueueCommand::Resume(control)) => {
            admin::queue::resume(&control, json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
