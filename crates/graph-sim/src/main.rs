//! The simulator as a program: see the library's first page.

mod help;

use std::io::{IsTerminal as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use atlas_graph_sim::{Latency, PublishedLimits, Simulator, SimulatorOptions};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A Microsoft Graph to develop, test and measure against. It holds invented tenants and no secrets
/// worth keeping; it is not for networks that others can reach.
#[derive(Debug, Parser)]
#[command(name = "atlas-graph-sim", version, after_long_help = help::text())]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "ATLAS_SIM_LISTEN", default_value = "127.0.0.1:8085")]
    listen: SocketAddr,
    /// A file to write the address to once it listens.
    #[arg(long, value_name = "PATH")]
    address_file: Option<PathBuf>,
    /// Decides what tenants hold.
    #[arg(long, env = "ATLAS_SIM_SEED", default_value_t = 1)]
    seed: u64,
    /// How many objects each tenant holds.
    #[arg(long, env = "ATLAS_SIM_SIZE", default_value_t = 300)]
    size: usize,
    /// How many groups each directory has at least.
    #[arg(long, env = "ATLAS_SIM_GROUPS", default_value_t = 0)]
    groups: usize,
    /// How many policies of the settings catalog each tenant has at least.
    #[arg(long, env = "ATLAS_SIM_CATALOG_POLICIES", default_value_t = 0)]
    catalog_policies: usize,
    /// How many settings each policy has. Without it they have 1 to 60.
    #[arg(long, env = "ATLAS_SIM_SETTINGS_PER_POLICY")]
    settings_per_policy: Option<usize>,
    /// A directory id that exists; may be given more than once. Without any, all do.
    #[arg(long = "tenant", value_name = "DIRECTORY_ID")]
    tenants: Vec<String>,
    /// The application that may sign in.
    #[arg(
        long,
        env = "ATLAS_SIM_CLIENT_ID",
        default_value = "00000000-0000-4000-8000-00000000c11e"
    )]
    client_id: String,
    /// A file with the application's secret. Without it the secret is `simulator-secret`.
    #[arg(long, env = "ATLAS_SIM_CLIENT_SECRET_FILE", value_name = "PATH")]
    client_secret_file: Option<PathBuf>,
    /// How long every answer takes, such as `120ms`, with the time to make it.
    #[arg(long, env = "ATLAS_SIM_LATENCY", default_value = "0s", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// How much longer it takes for each row, such as `50us`.
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    latency_per_row: Duration,
    /// How much longer one answer in a hundred takes, such as `1400ms`; half take a seventh of it
    /// or less.
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    latency_jitter: Duration,
    /// How many percent longer it takes when something is expanded.
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    latency_expand: u32,
    /// Refuse requests over Microsoft Graph's published limits. They are counted in any case.
    #[arg(long, env = "ATLAS_SIM_ENFORCE_LIMITS")]
    enforce_limits: bool,
    /// How many times shorter the windows of those limits are.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    limits_time_scale: f64,
    /// A file with a certificate, in PEM, that the application may prove itself with; may be given
    /// more than once.
    #[arg(long = "certificate-file", value_name = "PATH")]
    certificates: Vec<PathBuf>,
    /// How long tokens are good for.
    #[arg(long, default_value = "3599s", value_parser = humantime::parse_duration)]
    token_lifetime: Duration,
    /// The largest page, whatever collections allow and callers ask for.
    #[arg(long)]
    max_page_size: Option<usize>,
    /// What to log: a filter of the `tracing-subscriber` crate.
    #[arg(long, env = "ATLAS_LOG", default_value = "info,actix_server=warn")]
    log: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(EnvFilter::try_new(&arguments.log).context("--log")?)
        .init();
    // Before the address is written, so that a signal that comes right after it is not lost.
    let mut terminate = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for SIGINT")?;

    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("listen on {}", arguments.listen))?;
    let simulator = Simulator::start_on(listener, options(&arguments)?).await?;
    if let Some(path) = &arguments.address_file {
        write_address(path, simulator.address())?;
    }
    tracing::info!(address = %simulator.address(), seed = arguments.seed, size = arguments.size,
        "listening");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    Ok(())
}

fn options(arguments: &Arguments) -> anyhow::Result<SimulatorOptions> {
    let defaults = SimulatorOptions::default();
    let client_secret = match &arguments.client_secret_file {
        None => defaults.client_secret.clone(),
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("read the client secret from {}", path.display()))?
            .trim_end()
            .to_owned(),
    };
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .with_context(|| format!("read a certificate from {}", path.display()))
    };
    let certificates: Vec<String> = arguments
        .certificates
        .iter()
        .map(read)
        .collect::<anyhow::Result<_>>()?;
    Ok(SimulatorOptions {
        seed: arguments.seed,
        size: arguments.size,
        groups: arguments.groups,
        catalog_policies: arguments.catalog_policies,
        settings_per_policy: arguments.settings_per_policy,
        any_tenant: arguments.tenants.is_empty(),
        tenants: arguments.tenants.clone(),
        client_id: arguments.client_id.clone(),
        client_secret,
        token_lifetime: arguments.token_lifetime,
        latency: Latency {
            base: arguments.latency,
            per_row: arguments.latency_per_row,
            jitter: arguments.latency_jitter,
            expand_percent: arguments.latency_expand,
        },
        max_page_size: arguments.max_page_size,
        limits: PublishedLimits {
            enforce: arguments.enforce_limits,
            time_scale: arguments.limits_time_scale,
            ..PublishedLimits::default()
        },
        certificates,
        ..defaults
    })
}

/// Written beside it and then renamed, so that nobody reads half an address.
fn write_address(path: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let unfinished = path.with_extension("tmp");
    let write = || {
        let mut file = std::fs::File::create(&unfinished)?;
        writeln!(file, "{address}")?;
        std::fs::rename(&unfinished, path)
    };
    write().with_context(|| format!("write the address to {}", path.display()))
}
