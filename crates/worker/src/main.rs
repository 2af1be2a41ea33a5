//! `atlas-worker`: runs operation runs.

use std::io::{Read, Write as _};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use atlas_domain::vault::Keyring;
use atlas_telemetry::metrics::{self, Program};
use atlas_worker::options::{Arguments, Command, HealthOptions, RunOptions};
use atlas_worker::{health, process};
use clap::Parser;
use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Key files are a few lines; more is a mistake.
const MAX_KEY_FILE: u64 = 64 * 1024;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Command::Health(options) => say_health(options),
        Command::Run(options) => work(options, &arguments.log),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whether anybody reads it decides nothing.
            let _ = writeln!(std::io::stderr(), "atlas-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn say_health(options: &HealthOptions) -> anyhow::Result<()> {
    let path = &options.file.path;
    let text = if options.live {
        let worker = health::read_alive(path).map_err(|reason| anyhow!("not alive: {reason}"))?;
        format!("alive: {worker}")
    } else {
        let worker = health::read(path).map_err(|reason| anyhow!("not ready: {reason}"))?;
        match worker.degraded {
            None => format!("ready: {}", worker.worker_id),
            Some(lack) => format!("degraded: {}: {lack}", worker.worker_id),
        }
    };
    // The status is the answer, whether anybody reads the text or not.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

fn work(options: &RunOptions, log: &atlas_telemetry::LogOptions) -> anyhow::Result<()> {
    atlas_telemetry::init(log)?;
    options.check().map_err(|reason| anyhow!(reason))?;
    let keys = keys(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime")?;
    runtime.block_on(async {
        metrics::serve(Program::Worker, options.metrics)?;
        let shutdown = CancellationToken::new();
        tokio::spawn(on_signal(shutdown.clone()));
        process::run(options, keys, shutdown).await?;
        Ok(())
    })
}

async fn on_signal(shutdown: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be heard; stopping");
        shutdown.cancel();
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.cancel();
}

#[allow(
    clippy::disallowed_methods,
    reason = "a key is taken from the environment only: flags stand in the process list"
)]
fn keys(options: &RunOptions) -> anyhow::Result<Keyring> {
    let (text, source) = match &options.secret_keys_file {
        Some(path) => {
            let mut text = String::new();
            std::fs::File::open(path)
                .and_then(|file| file.take(MAX_KEY_FILE).read_to_string(&mut text))
                .with_context(|| format!("cannot read the keys from {}", path.display()))?;
            (
                SecretString::from(text.trim_end()),
                "ATLAS_SECRET_KEYS_FILE",
            )
        }
        None => match std::env::var("ATLAS_SECRET_KEYS") {
            Ok(text) => (SecretString::from(text), "ATLAS_SECRET_KEYS"),
            Err(_) => bail!("no keys: set ATLAS_SECRET_KEYS or ATLAS_SECRET_KEYS_FILE"),
        },
    };
    Keyring::parse(text.expose_secret()).context(source)
}
