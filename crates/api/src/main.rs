//! `atlas-api`: serves the API, prints its description, or asks whether it is ready.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use atlas_api::options::{Arguments, Command};
use atlas_api::{Parts, deliveries_document, document, pool_numbers, serve};
use atlas_domain::causes::Causes;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_queue::{Doorbell, QueueOptions, RedisFault};
use atlas_store::{Store, StoreOptions};
use atlas_telemetry::metrics::{self, Program};
use clap::Parser as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

/// How long a caller waits for a connection to PostgreSQL.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the API waits with listening until lists are prepared and Redis has been looked at.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the API may take to say whether it is ready.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Openapi) => std::io::stdout()
            .write_all(document().as_bytes())
            .context("cannot print the document"),
        Some(Command::Webhooks) => std::io::stdout()
            .write_all(deliveries_document().as_bytes())
            .context("cannot print the document"),
        Some(Command::Health) => health(arguments.serve.listen).await,
        Some(Command::Serve) | None => match atlas_telemetry::init(&arguments.log) {
            Ok(()) => run(&arguments).await,
            Err(error) => Err(error.into()),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whether anybody reads it decides nothing.
            let _ = writeln!(std::io::stderr(), "atlas-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    metrics::serve(Program::Api, arguments.metrics)?;
    let arguments = &arguments.serve;
    arguments.check().map_err(anyhow::Error::msg)?;
    let database_url = arguments.database.url()?;
    let redis_url = arguments.redis.url()?;
    let store = StoreOptions {
        database_url,
        pooling: arguments.database.pooling(),
        pool_size: arguments.database_pool.into(),
        read_pool_size: arguments.read_pool_size(),
        application_name: "atlas-api".to_owned(),
        acquire_timeout: ACQUIRE_TIMEOUT,
    };
    let queue = QueueOptions {
        push_timeout: arguments.push_timeout,
        ca_file: arguments.redis.redis_ca_file.clone(),
        ..QueueOptions::new(redis_url, arguments.queue_namespace.as_str())
    };
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let store = Store::new(&store, clock.clone(), entropy.clone())?;
    let doorbell = Doorbell::new(&queue)?;
    let ((), examined) = tokio::join!(prepare_lists(store.clone()), examine(&doorbell));
    examined?;
    if metrics::is_serving() {
        tokio::spawn(pool_numbers::run(store.clone()));
    }
    let parts = Parts {
        store,
        doorbell,
        clock,
        entropy,
    };
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    if let Some(path) = &arguments.address_file {
        write_address(path, address)?;
    }
    let shutdown = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    serve(listener, arguments.api_options(), parts, shutdown).await?;
    Ok(())
}

/// Opens the connections of lists, so that their first callers do not wait for it. When that takes
/// longer than [`PREPARE_TIMEOUT`], it goes on while the API serves; when it fails, the API serves
/// without: readiness reports what is missing.
async fn prepare_lists(store: Store) {
    let preparing = tokio::spawn(async move {
        if let Err(error) = store.open_reads().await {
            tracing::warn!(error = %Causes(&error), "the lists are not prepared yet");
        }
    });
    // Dropping the handle leaves the task running.
    let _ = tokio::time::timeout(PREPARE_TIMEOUT, preparing).await;
}

/// Refuses a Redis with which the queue cannot work. When the answer takes longer than
/// [`PREPARE_TIMEOUT`], the API serves without: readiness reports what is wrong.
async fn examine(doorbell: &Doorbell) -> Result<(), RedisFault> {
    let doorbell = doorbell.clone();
    let examining = tokio::spawn(async move { doorbell.examine().await });
    match tokio::time::timeout(PREPARE_TIMEOUT, examining).await {
        Ok(Ok(examined)) => examined,
        _ => Ok(()),
    }
}

/// Whoever waits for the file never sees half of it.
fn write_address(path: &std::path::Path, address: SocketAddr) -> anyhow::Result<()> {
    let unfinished = path.with_extension("partial");
    std::fs::write(&unfinished, address.to_string())
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Asks the API that listens at this address whether it is ready.
async fn health(listen: SocketAddr) -> anyhow::Result<()> {
    let address = SocketAddr::new(reachable(listen.ip()), listen.port());
    let asked = tokio::time::timeout(HEALTH_TIMEOUT, status_line(address)).await;
    let line = asked
        .context("no answer in time")?
        .with_context(|| format!("cannot ask {address}"))?;
    anyhow::ensure!(line.starts_with("HTTP/1.1 200"), "not ready: {line}");
    Ok(())
}

async fn status_line(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Who listens everywhere is reached here.
const fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}
