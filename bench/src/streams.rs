//! Many open streams in one API process: their memory, and starts with and without them, in turns.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::programs::{Api, Programs};
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::load::{Load, Rate};
use super::tenants::Tenants;
use super::{memory, milliseconds};

/// Streams and starts are spread over these. Nothing happens in the second half, where most streams are.
const TENANTS: usize = 32;
/// Callers that start.
const CONNECTIONS: usize = 16;
/// Measurements of each kind, in turns.
const TURNS: usize = 3;
/// What may be lost of starts beside streams: as much as two equal measurements differ.
const LEAST_RATIO: f64 = 0.9;
/// What the streams may cost, in MiB.
const MOST_MEMORY: f64 = 100.0;
/// How long a stream may take to begin.
const BEGIN: Duration = Duration::from_secs(30);

/// How to measure streams.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Streams that are open.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    streams: u16,
    /// How long each measurement of starts takes, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Fail when the streams cost 100 MiB or more, or starts beside them reach less than 0.9 of those
    /// without.
    #[arg(long)]
    check: bool,
}

/// Streams that are open until they are dropped, read on a thread of their own.
struct Open {
    _runtime: Runtime,
}

/// Measures streams and prints what they cost.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let Tenants { ids, token, .. } = Tenants::add(TENANTS, &programs, &services, interrupt)?;
    let mut command = super::api(&programs, &services);
    command.env("ATLAS_STREAMS_PER_USER", options.streams.to_string());
    let api = Api::start("api", command, services.directory(), interrupt)?;
    let keys = super::policy_types(&api, &token)?;
    let started = ids[..TENANTS / 2].to_vec();
    let load = Load::new(api.address(), token.clone(), started, keys);
    let duration = Duration::from_secs(options.seconds);
    let measure = || load.created(CONNECTIONS, duration, &services, interrupt);
    // What the process needs for starts is there before anything is compared.
    measure()?;
    let (mut without, mut beside, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        without.push(measure()?);
        let before = memory::present("atlas-api")?;
        let open = Open::all(api.address(), &ids, &token, options.streams)?;
        memory.push(memory::present("atlas-api")? - before);
        beside.push(measure()?);
        drop(open);
        interrupt.check()?;
    }
    let (without, beside) = (median(without), median(beside));
    let ratio = beside.per_second / without.per_second;
    // Later turns find memory that earlier ones have left.
    let memory = memory.into_iter().fold(0.0, f64::max);
    println!(
        "\n{:>8}  {:>9}  {:>9} {:>8} {:>8}  {:>9} {:>8} {:>8}  {:>7}",
        "streams", "MiB", "starts/s", "p50", "p99", "beside/s", "p50", "p99", "ratio"
    );
    println!(
        "{:>8}  {:>9.1}  {:>9.0} {:>8} {:>8}  {:>9.0} {:>8} {:>8}  {:>7.2}",
        options.streams,
        memory,
        without.per_second,
        milliseconds(without.p50),
        milliseconds(without.p99),
        beside.per_second,
        milliseconds(beside.p50),
        milliseconds(beside.p99),
        ratio
    );
    if options.check {
        ensure!(memory < MOST_MEMORY, "the streams cost too much memory");
        ensure!(ratio >= LEAST_RATIO, "starts beside streams are slower");
    }
    Ok(())
}

/// The measurement in the middle, by its rate.
fn median(mut rates: Vec<Rate>) -> Rate {
    rates.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    rates.swap_remove(rates.len() / 2)
}

impl Open {
    /// Opens streams of the tenants in turn, and reads all of them from then on.
    fn all(
        address: SocketAddr,
        tenants: &[String],
        token: &str,
        count: u16,
    ) -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("a runtime")?;
        runtime.block_on(async {
            let mut opening = JoinSet::new();
            for tenant in tenants.iter().cycle().take(count.into()) {
                let request = format!(
                    "GET /tenants/{tenant}/stream HTTP/1.1\r\nHost: {address}\r\n\
                     Authorization: Bearer {token}\r\n\r\n"
                );
                opening.spawn(async move { timeout(BEGIN, open(address, request)).await? });
            }
            while let Some(opened) = opening.join_next().await {
                let mut connection = opened??;
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 14];
                    while matches!(connection.read(&mut buffer).await, Ok(1..)) {}
                });
            }
            anyhow::Ok(())
        })?;
        Ok(Self { _runtime: runtime })
    }
}

/// A stream that has sent its snapshot.
async fn open(address: SocketAddr, request: String) -> anyhow::Result<TcpStream> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(request.as_bytes()).await?;
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    while !read.windows(15).any(|part| part == b"event: snapshot") {
        let count = connection.read(&mut buffer).await?;
        ensure!(count > 0, "{}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&buffer[..count]);
    }
    Ok(connection)
}
