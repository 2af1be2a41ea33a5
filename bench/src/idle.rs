//! What workers without work cost: statements and connections of PostgreSQL, commands and connections
//! of Redis.
//!
//! A query is one execution of a statement that a client sent, as `pg_stat_statements` counts them:
//! `BEGIN` and `SET` are some, and so are statements that fail to find a row; preparing one is none,
//! nor is what triggers run. Counts of transactions would have several statements as one. What
//! is observed is in a database of its own, which the measurement itself does not use.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::process::{self, Service};
use atlas_services::programs::{Administration, Programs, START_LIMIT};
use atlas_services::servers::{Durability, RedisCounts, Services};
use atlas_services::workspace::Workspace;
use clap::Args;

use super::database::Database;

/// What is expected of twenty workers.
const QUERIES_PER_SECOND: f64 = 10.0;
const CONNECTIONS: f64 = 20.0;
/// How often the connections are counted.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Where the measurement itself is connected to.
const OBSERVER: &str = "observer";
/// Statements that are listed, those with the most executions first.
const LISTED: u32 = 10;

/// How to measure idle workers.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Worker processes
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    workers: u16,
    /// How long they are measured, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=3_600))]
    seconds: u64,
    /// How long they have been ready before, in seconds: connections of the start are closed when nobody
    /// has used them for half a minute
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    settle: u64,
    /// Fail when they cost more than twenty workers may
    #[arg(long)]
    check: bool,
}

/// What was counted.
struct Cost {
    queries_per_second: f64,
    /// At once, at most.
    connections: i64,
    redis_per_second: f64,
    redis_connections: u64,
    /// Executions in a second, and how the statement begins.
    statements: Vec<(f64, String)>,
}

impl Cost {
    fn queries_ratio(&self) -> f64 {
        self.queries_per_second / QUERIES_PER_SECOND
    }

    fn connections_ratio(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "the server allows 400")]
        let connections = self.connections as f64;
        connections / CONNECTIONS
    }
}

/// Measures and prints.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start_with(
        workspace,
        Durability::Durable,
        &["shared_preload_libraries=pg_stat_statements"],
        interrupt,
    )?;
    let (url, directory) = (services.database_url(), services.directory());
    let operator = Administration::begin(&programs, url, directory, interrupt)?;
    // As in use: the keys of workers are tried on what is stored.
    operator.add_tenant("Tenant")?;
    Database::connect(&services, interrupt)?.execute(&format!("CREATE DATABASE {OBSERVER}"))?;
    let (server, observed) = url.rsplit_once('/').context("a URL without a database")?;
    let observer = Database::connect_to(&format!("{server}/{OBSERVER}"), interrupt)?;
    observer.execute("CREATE EXTENSION pg_stat_statements")?;

    let mut workers = (1..=options.workers)
        .map(|number| Worker::start(number, &programs, &services, &operator))
        .collect::<anyhow::Result<Vec<_>>>()?;
    for worker in &mut workers {
        worker.is_ready(interrupt)?;
    }
    interrupt.pause(Duration::from_secs(options.settle))?;
    let cost = measure(
        &mut workers,
        &observer,
        &services,
        observed,
        options,
        interrupt,
    )?;
    print(options, &cost);
    if options.check {
        ensure!(cost.queries_ratio() < 1.0, "they send too many queries");
        ensure!(
            cost.connections_ratio() <= 1.0,
            "they have too many connections"
        );
    }
    Ok(())
}

/// A worker, with numbers for Prometheus as in production.
struct Worker {
    service: Service,
    /// Asks it whether it is ready.
    health: Command,
}

impl Worker {
    fn start(
        number: u16,
        programs: &Programs,
        services: &Services,
        operator: &Administration<'_>,
    ) -> anyhow::Result<Self> {
        let (name, directory) = (format!("worker-{number}"), services.directory());
        let health_file = directory.path().join(format!("{name}.health"));
        let mut command = programs.command("atlas-worker");
        command
            .arg("run")
            .env("DATABASE_URL", services.database_url())
            .env("REDIS_URL", services.redis_url())
            .env("ATLAS_SECRET_KEYS_FILE", operator.keys_file())
            .env("ATLAS_HEALTH_FILE", &health_file)
            .env("ATLAS_METRICS_LISTEN", "127.0.0.1:0")
            .env("ATLAS_LOG", "warn");
        let mut health = programs.command("atlas-worker");
        health.arg("health").env("ATLAS_HEALTH_FILE", &health_file);
        let service = Service::start(&name, &mut command, None, directory)?;
        Ok(Self { service, health })
    }

    fn is_ready(&mut self, interrupt: &Interrupt) -> anyhow::Result<()> {
        let health = &mut self.health;
        self.service
            .wait_until(START_LIMIT, interrupt, || {
                process::output(health, interrupt)
            })
            .map(drop)
    }
}

/// Counts for so long; `observed` is the workers' database.
fn measure(
    workers: &mut [Worker],
    observer: &Database<'_>,
    services: &Services,
    observed: &str,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<Cost> {
    let connected = format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = '{observed}' AND backend_type = 'client backend'"
    );
    let redis_before = services.redis_counts()?;
    observer.execute("SELECT pg_stat_statements_reset()")?;
    let began = Instant::now();
    let mut connections = 0;
    while began.elapsed() < Duration::from_secs(options.seconds) {
        interrupt.pause(COUNT_EVERY)?;
        connections = connections.max(observer.row(&connected)?.try_get(0)?);
        for worker in workers.iter_mut() {
            worker.service.check()?;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let of_workers = format!(
        "FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
         WHERE d.datname = '{observed}'"
    );
    let all = observer.row(&format!("SELECT sum(s.calls)::float8 {of_workers}"))?;
    let each = observer.rows(&format!(
        "SELECT s.calls::float8, s.query {of_workers} ORDER BY s.calls DESC LIMIT {LISTED}"
    ))?;
    let statements = each.iter().map(|row| {
        let (calls, text): (f64, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok((calls / seconds, beginning(&text)))
    });
    let RedisCounts {
        commands,
        connections: redis_connections,
    } = services.redis_counts()?.since(&redis_before);
    #[allow(clippy::cast_precision_loss, reason = "there are fewer than 2^52")]
    let commands = commands as f64;
    Ok(Cost {
        queries_per_second: all.try_get::<_, Option<f64>>(0)?.unwrap_or_default() / seconds,
        connections,
        redis_per_second: commands / seconds,
        redis_connections,
        statements: statements.collect::<anyhow::Result<_>>()?,
    })
}

/// The first words of a statement.
fn beginning(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(12).collect();
    words.join(" ").chars().take(80).collect()
}

fn print(options: &Options, cost: &Cost) {
    println!("\n{} idle workers, {} s", options.workers, options.seconds);
    println!(
        "{:>8.2} queries/s        {:>5.2} of {QUERIES_PER_SECOND:.0}",
        cost.queries_per_second,
        cost.queries_ratio()
    );
    println!(
        "{:>8} connections      {:>5.2} of {CONNECTIONS:.0}",
        cost.connections,
        cost.connections_ratio()
    );
    println!("{:>8.1} commands/s to Redis", cost.redis_per_second);
    println!("{:>8} connections to Redis", cost.redis_connections);
    println!("\nqueries/s, and how they begin");
    for (per_second, text) in &cost.statements {
        println!("{per_second:>9.2}  {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_listed_by_its_first_words() {
        let text = "-- runs.claim\n--\nWITH due AS (\n    SELECT r.id";
        assert_eq!(
            beginning(text),
            "-- runs.claim -- WITH due AS ( SELECT r.id"
        );
        assert_eq!(beginning(&"x".repeat(200)).len(), 80);
    }
}
