//! Containers in a Docker engine that is already running.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::{Running, postgres, redis, wire};
use crate::directory::{PrivateDirectory, write_private};
use crate::interrupt::Interrupt;
use crate::process::{self, Service};
use crate::random;

const POSTGRES_IMAGE: &str = "postgres:17-alpine";
const REDIS_IMAGE: &str = "redis:7.2-alpine";
/// An image may have to be fetched first.
const START_LIMIT: Duration = Duration::from_secs(300);

/// PostgreSQL in a container.
pub(super) fn postgres(
    settings: &[&str],
    directory: &Arc<PrivateDirectory>,
    interrupt: &Interrupt,
) -> anyhow::Result<Running> {
    let engine = engine(interrupt)?;
    let (port, password) = (wire::free_port()?, random::hex()?);
    let variables = directory.path().join("postgres.env");
    let user = postgres::USER;
    let text =
        format!("POSTGRES_USER={user}\nPOSTGRES_PASSWORD={password}\nPOSTGRES_DB=postgres\n");
    write_private(&variables, &text)?;
    let mut command = container(&format!("127.0.0.1:{port}:5432"));
    command
        .arg("--env-file")
        .arg(&variables)
        .args([POSTGRES_IMAGE, "-c", postgres::CONNECTIONS]);
    for setting in settings {
        command.args(["-c", setting]);
    }
    // The image's own first start listens on a socket only, so what answers on TCP is the real one.
    let mut process = Service::start("postgres", &mut command, None, directory)?;
    process.wait_until(START_LIMIT, interrupt, || {
        wire::postgres_is_ready(port, user)
    })?;
    Ok(Running {
        url: format!("postgres://{user}:{password}@127.0.0.1:{port}/postgres"),
        process: Some(process),
        source: format!("{POSTGRES_IMAGE} in Docker {engine}, private, on port {port}"),
        tools: None,
    })
}

/// Redis in a container.
pub(super) fn redis(
    directory: &Arc<PrivateDirectory>,
    interrupt: &Interrupt,
) -> anyhow::Result<Running> {
    let engine = engine(interrupt)?;
    let (port, password) = (wire::free_port()?, random::hex()?);
    let mut command = container(&format!("127.0.0.1:{port}:6379"));
    command.args(["--interactive", REDIS_IMAGE, "redis-server", "-"]);
    let configuration = redis::configuration("0.0.0.0", 6379, &password);
    let mut process = Service::start("redis", &mut command, Some(&configuration), directory)?;
    process.wait_until(START_LIMIT, interrupt, || {
        wire::redis_is_ready(port, &password)
    })?;
    Ok(Running {
        url: format!("redis://:{password}@127.0.0.1:{port}/"),
        process: Some(process),
        source: format!("{REDIS_IMAGE} in Docker {engine}, private, on port {port}"),
        tools: None,
    })
}

/// The client stays in the foreground, passes signals on, and the container goes with it.
fn container(publish: &str) -> Command {
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--sig-proxy=true", "--publish", publish]);
    command
}

fn engine(interrupt: &Interrupt) -> anyhow::Result<String> {
    let mut command = Command::new("docker");
    command.args(["version", "--format", "{{.Server.Version}}"]);
    Ok(process::output(&mut command, interrupt)?.trim().to_owned())
}
