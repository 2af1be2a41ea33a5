//! A private Redis, in memory only.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::programs::{DoesNotStart, Redis};
use super::{Running, Tools, wire};
use crate::directory::PrivateDirectory;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process::Service;
use crate::random;

const START_LIMIT: Duration = Duration::from_secs(30);
const PORTS_TO_TRY: usize = 3;

/// Runs a server on a free port of the loopback interface.
pub(super) fn start(
    programs: &Redis,
    directory: &Arc<PrivateDirectory>,
    interrupt: &Interrupt,
) -> anyhow::Result<Running> {
    let shown = programs.server.display();
    let version = programs
        .version(interrupt)
        .with_context(|| shown.to_string())?;
    let password = random::hex()?;
    let mut failure = None;
    for _ in 0..PORTS_TO_TRY {
        let port = wire::free_port()?;
        // The configuration comes by standard input, so that the password is in no argument.
        let mut command = programs.command();
        command.arg("-").current_dir(directory.path());
        let configuration = configuration("127.0.0.1", port, &password);
        let started = Service::start("redis", &mut command, Some(&configuration), directory)
            .and_then(|mut service| {
                service.wait_until(START_LIMIT, interrupt, || {
                    wire::redis_is_ready(port, &password)
                })?;
                Ok(service)
            });
        match started {
            Ok(process) => {
                return Ok(Running {
                    url: format!("redis://:{password}@127.0.0.1:{port}/"),
                    process: Some(process),
                    source: format!("{version} from {shown}, private, on port {port}"),
                    tools: Some(Tools::Redis(programs.clone())),
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

/// Nothing is written to disk, and nothing is evicted: a full memory is an error that shows.
pub(super) fn configuration(bind: &str, port: u16, password: &str) -> String {
    format!(
        "bind {bind}\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\n\
         daemonize no\nmaxmemory-policy noeviction\n"
    )
}
