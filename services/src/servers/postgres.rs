//! A private PostgreSQL: its data, its log and its password live as long as the command.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::account::Account;
use super::programs::{DoesNotStart, Postgres};
use super::{Durability, Running, Tools, wire};
use crate::directory::PrivateDirectory;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process::{self, Service};
use crate::{random, room};

/// The superuser of the private instance.
pub(super) const USER: &str = "atlas";
/// Many tests run at once, and each has pools of its own.
pub(super) const CONNECTIONS: &str = "max_connections=400";
const START_LIMIT: Duration = Duration::from_secs(60);
/// What a new cluster takes, and as much again for what the tests of one command write.
const ROOM: u64 = 128_000_000;
/// Between choosing a port and listening on it, somebody else may take it.
const PORTS_TO_TRY: usize = 3;

/// Makes a cluster and runs it on a free port of the loopback interface.
pub(super) fn start(
    programs: &Postgres,
    settings: &[&str],
    directory: &Arc<PrivateDirectory>,
    interrupt: &Interrupt,
) -> anyhow::Result<Running> {
    let shown = programs.directory.display();
    let version = programs
        .version(interrupt)
        .with_context(|| shown.to_string())?;
    room::ensure(directory.path(), ROOM)?;
    let account = Account::unprivileged()?;
    let password = random::hex()?;
    // A candidate before this one may have failed half-way, so the name must be fresh.
    let home = directory.subdirectory(&format!("postgres-{}", &random::hex()?[..8]))?;
    account.own(&home)?;
    initialise(programs, account, &home, &password, interrupt)
        .with_context(|| shown.to_string())
        .context(DoesNotStart)?;
    let mut failure = None;
    for _ in 0..PORTS_TO_TRY {
        let port = wire::free_port()?;
        match serve(
            programs, account, &home, port, settings, directory, interrupt,
        ) {
            Ok(process) => {
                return Ok(Running {
                    url: format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"),
                    process: Some(process),
                    source: format!("{version} from {shown}, private, on port {port}"),
                    tools: Some(Tools::Postgres(programs.clone())),
                });
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure
        .context("no port")?
        .context(shown.to_string())
        .context(DoesNotStart))
}

/// What a durability means to the server, as settings.
pub(super) fn settings(durability: Durability) -> &'static [&'static str] {
    match durability {
        Durability::Disposable => &["fsync=off", "full_page_writes=off"],
        Durability::Durable => &["fsync=on", "synchronous_commit=on", "max_wal_size=4GB"],
    }
}

fn initialise(
    programs: &Postgres,
    account: Account,
    home: &Path,
    password: &str,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let password_file = home.join("password");
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&password_file)
        .and_then(|mut file| file.write_all(password.as_bytes()))
        .with_context(|| format!("cannot write {}", password_file.display()))?;
    account.own(&password_file)?;
    let mut command = programs.command("initdb");
    command
        .arg("--pgdata")
        .arg(home.join("data"))
        .arg("--pwfile")
        .arg(&password_file)
        // A random password on the loopback interface. SCRAM would protect it on a network, at the
        // price of thousands of hash rounds for each of the very many connections that tests make.
        .args(["--username", USER, "--auth=password", "--no-sync"])
        .args(["--locale=C", "--encoding=UTF8"])
        .current_dir(home);
    account.apply(&mut command);
    process::output(&mut command, interrupt)?;
    fs::remove_file(password_file)?;
    Ok(())
}

fn serve(
    programs: &Postgres,
    account: Account,
    home: &Path,
    port: u16,
    settings: &[&str],
    directory: &Arc<PrivateDirectory>,
    interrupt: &Interrupt,
) -> anyhow::Result<Service> {
    let mut command = programs.command("postgres");
    command.arg("-D").arg(home.join("data")).current_dir(home);
    let port_setting = format!("port={port}");
    let fixed = [
        "listen_addresses=127.0.0.1",
        // The limit on the length of a socket's path is small, and nobody needs the socket.
        "unix_socket_directories=",
        // The queries are short, and the compiler's library need not be there then.
        "jit=off",
        CONNECTIONS,
        &port_setting,
    ];
    for setting in fixed.iter().chain(settings) {
        command.args(["-c", setting]);
    }
    account.apply(&mut command);
    let mut service = Service::start("postgres", &mut command, None, directory)?;
    service.wait_until(START_LIMIT, interrupt, || {
        wire::postgres_is_ready(port, USER)
    })?;
    Ok(service)
}
