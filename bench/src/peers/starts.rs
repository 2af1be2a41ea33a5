//! Starts over HTTP: our API, the peers' services, and pgbench with the statements of such a service.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::process::{self, Service};
use atlas_services::programs::{Api, Programs, START_LIMIT, written_address};
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

use super::node::Node;
use super::wrk::{Caller, Mode, Sample, Target};
use super::{Kind, Missed, Options, median};
use crate::database::Database;
use crate::pgbench;
use crate::tenants::Tenants;

const DATABASE: &str = "bench_peers";
/// How often Redis is emptied while our runs are created: no worker does it, and the API pushes no more
/// when thousands of messages are outstanding, so that it would look faster than it is.
const EMPTY_REDIS: Duration = Duration::from_millis(300);
/// Starts of the hundred tenants, so that all of them have a run before joins are counted.
const WARM_UP_SECONDS: u32 = 1;
const TENANTS: u32 = 600_000;
/// Tenants of our installation, whose ids end in a number as the peers' ids are.
const OUR_TENANTS: &str = "INSERT INTO tenants (id, name, directory_id) \
        SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Tenant ' || n, gen_random_uuid() \
        FROM generate_series(1, {tenants}) n; \
    INSERT INTO tenant_credentials (tenant_id, kind, client_id, key_id, nonce, ciphertext) \
        SELECT t.id, c.kind, c.client_id, c.key_id, c.nonce, c.ciphertext \
        FROM tenants t, tenant_credentials c WHERE t.id <> c.tenant_id; \
    INSERT INTO memberships (user_id, tenant_id, role) \
        SELECT m.user_id, t.id, m.role FROM tenants t, memberships m WHERE t.id <> m.tenant_id";
const OUR_PATH: &str = "/tenants/00000000-0000-4000-8000-%012d/inventory-sync";
const THEIR_PATH: &str = "/tenants/%d/inventory-sync";

/// Who is measured.
#[derive(Debug)]
enum Subject {
    Ours(Target),
    Service(Kind, Target),
    Pgbench,
}

/// What is expected beside the service with BullMQ, by the connections of the callers: starts that
/// create, and starts that join.
const OF_BULLMQ: [(u32, f64, Option<f64>); 3] =
    [(1, 0.8, None), (16, 1.2, Some(0.9)), (64, 1.2, Some(0.9))];

/// The two modes, a sample for each round.
#[derive(Debug, Default)]
struct Samples {
    created: Vec<Sample>,
    joined: Vec<Sample>,
}

struct Bench<'a> {
    ours: Database<'a>,
    theirs: Database<'a>,
    their_url: String,
    services: &'a Services,
    caller: Caller,
    options: &'a Options,
    interrupt: &'a Interrupt,
    scripts: &'a Path,
}

/// Starts all subjects, measures them in turn, and prints the table.
pub(super) fn measure(
    workspace: &Workspace,
    programs: &Programs,
    node: Option<&Node>,
    options: &Options,
    missed: &mut Missed,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let caller = match Caller::find(workspace, interrupt) {
        Ok(caller) => caller,
        Err(error) if error.is::<Interrupted>() => return Err(error),
        Err(error) => {
            println!("skipped: starts: {error:#}");
            return Ok(());
        }
    };
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let directory = services.directory();
    let token = Tenants::add(1, programs, &services, interrupt)?.token;
    let ours = Database::connect(&services, interrupt)?;
    ours.execute(&format!("CREATE DATABASE {DATABASE}"))?;
    let (server, _) = services
        .database_url()
        .rsplit_once('/')
        .context("no database")?;
    let their_url = format!("{server}/{DATABASE}");
    let theirs = Database::connect_to(&their_url, interrupt)?;
    let scripts = workspace.root.join("bench/peers");
    eprintln!("Storing {TENANTS} tenants twice.");
    theirs.execute(&fs::read_to_string(scripts.join("schema.sql"))?)?;
    ours.execute(&OUR_TENANTS.replace("{tenants}", &TENANTS.to_string()))?;
    for database in [&ours, &theirs] {
        database.execute("VACUUM (ANALYZE)")?;
    }

    let api = Api::start("api", crate::api(programs, &services), directory, interrupt)?;
    let mut subjects = vec![Subject::Ours(Target {
        address: api.address(),
        token,
        path_format: OUR_PATH,
    })];
    let mut running = Vec::new();
    for kind in node.map_or(&[][..], |_| &Kind::ALL[..]) {
        let node = node.context("no Node")?;
        let (service, address) = service(node, *kind, &their_url, &services, options, interrupt)?;
        running.push(service);
        let token = "user-1".to_owned();
        let target = Target {
            address,
            token,
            path_format: THEIR_PATH,
        };
        subjects.push(Subject::Service(*kind, target));
    }
    subjects.push(Subject::Pgbench);

    let bench = Bench {
        ours,
        theirs,
        their_url,
        services: &services,
        caller,
        options,
        interrupt,
        scripts: &scripts,
    };
    for &connections in &options.connections {
        let mut measured: Vec<_> = subjects.iter().map(|_| Samples::default()).collect();
        for _ in 0..options.rounds {
            for (subject, samples) in subjects.iter().zip(&mut measured) {
                samples.created.push(bench.created(subject, connections)?);
            }
            for (subject, samples) in subjects.iter().zip(&mut measured) {
                samples.joined.push(bench.joined(subject, connections)?);
            }
            running.iter_mut().try_for_each(Service::check)?;
        }
        print(options, connections, &subjects, &measured);
        compare(connections, &subjects, &measured, missed);
    }
    Ok(())
}

/// Prints our rates beside those of the service with BullMQ where a ratio is expected.
fn compare(connections: u32, subjects: &[Subject], measured: &[Samples], missed: &mut Missed) {
    let bullmq = subjects
        .iter()
        .position(|subject| matches!(subject, Subject::Service(Kind::Bullmq, _)));
    let expected = OF_BULLMQ.iter().find(|(number, ..)| *number == connections);
    let (Some(bullmq), Some(&(_, created, joined))) = (bullmq, expected) else {
        return;
    };
    let (ours, theirs) = (&measured[0], &measured[bullmq]);
    let name = |what| format!("{what} starts at {connections} connections beside BullMQ's");
    let ratio = rate(&ours.created) / rate(&theirs.created);
    missed.at_least(&name("created"), ratio, created);
    if let Some(joined) = joined {
        let ratio = rate(&ours.joined) / rate(&theirs.joined);
        missed.at_least(&name("joined"), ratio, joined);
    }
}

fn service(
    node: &Node,
    kind: Kind,
    database: &str,
    services: &Services,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<(Service, SocketAddr)> {
    let directory = services.directory();
    let address_file = directory.path().join(format!("{kind}.address"));
    let mut command = node.command("service.js");
    command
        .arg(kind.as_str())
        .env("DATABASE_URL", database)
        .env("REDIS_URL", services.redis_url())
        .env("PROCESSES", options.processes.to_string())
        .env("ADDRESS_FILE", &address_file);
    let mut service = Service::start(kind.as_str(), &mut command, None, directory)?;
    let address = service.wait_until(START_LIMIT, interrupt, || written_address(&address_file))?;
    Ok((service, address))
}

impl Bench<'_> {
    /// Each start makes a run.
    fn created(&self, subject: &Subject, connections: u32) -> anyhow::Result<Sample> {
        self.empty(subject)?;
        let sample = self.sample(subject, Mode::Create, self.options.seconds, connections)?;
        let (database, table) = match subject {
            Subject::Ours(_) => (&self.ours, "operation_runs"),
            Subject::Service(..) | Subject::Pgbench => (&self.theirs, "runs"),
        };
        let rows: i64 = database
            .row(&format!("SELECT count(*) FROM {table}"))?
            .try_get(0)?;
        ensure!(
            rows as f64 >= sample.answers,
            "{subject}: only {rows} runs of {} starts",
            sample.answers
        );
        Ok(sample)
    }

    /// Each start finds an active run.
    fn joined(&self, subject: &Subject, connections: u32) -> anyhow::Result<Sample> {
        self.empty(subject)?;
        self.sample(subject, Mode::Join, WARM_UP_SECONDS, connections)?;
        self.sample(subject, Mode::Join, self.options.seconds, connections)
    }

    fn empty(&self, subject: &Subject) -> anyhow::Result<()> {
        match subject {
            Subject::Ours(_) => self
                .ours
                .execute("TRUNCATE operation_runs, notifications, audit_events CASCADE")?,
            Subject::Service(Kind::Graphile, _) => self
                .theirs
                .execute("TRUNCATE runs; TRUNCATE graphile_worker._private_jobs")?,
            Subject::Service(Kind::Bullmq, _) | Subject::Pgbench => {
                self.theirs.execute("TRUNCATE runs")?;
            }
        }
        self.services.empty_redis()
    }

    fn sample(
        &self,
        subject: &Subject,
        mode: Mode,
        seconds: u32,
        connections: u32,
    ) -> anyhow::Result<Sample> {
        let call = |target| {
            let (caller, interrupt) = (&self.caller, self.interrupt);
            caller.sample(target, mode, seconds, connections, interrupt)
        };
        match subject {
            Subject::Service(_, target) => call(target),
            Subject::Pgbench => self.pgbench(mode, seconds, connections),
            Subject::Ours(target) => {
                let ended = AtomicBool::new(false);
                thread::scope(|scope| {
                    let emptying = scope.spawn(|| {
                        while !ended.load(Ordering::Relaxed) {
                            self.services.empty_redis()?;
                            self.interrupt.pause(EMPTY_REDIS)?;
                        }
                        anyhow::Ok(())
                    });
                    let sample = call(target);
                    ended.store(true, Ordering::Relaxed);
                    let emptied = emptying.join();
                    emptied.map_err(|_| anyhow::anyhow!("emptying Redis panicked"))??;
                    sample
                })
            }
        }
    }

    /// Without percentiles, which pgbench does not print.
    fn pgbench(&self, mode: Mode, seconds: u32, connections: u32) -> anyhow::Result<Sample> {
        let clients = connections.to_string();
        let mut command = self.services.pgbench_of(&self.their_url)?;
        command
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
            .args(["--define", "turn=0"])
            .args(["--define", &format!("clients={clients}")])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={seconds}"))
            .arg("--file")
            .arg(self.scripts.join(format!("{}.pgbench", mode.as_str())));
        let per_second = pgbench::rate(&process::output(&mut command, self.interrupt)?)?;
        Ok(Sample {
            answers: 0.0,
            per_second,
            p50: f64::NAN,
            p99: f64::NAN,
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(_) => f.pad("atlas-api"),
            Self::Service(kind, _) => kind.fmt(f),
            Self::Pgbench => f.pad("pgbench"),
        }
    }
}

fn print(options: &Options, connections: u32, subjects: &[Subject], measured: &[Samples]) {
    println!(
        "\nStarts at {connections} connections, medians of {} rounds of {} s; a service has {} processes, \
         and the ratio is ours to theirs",
        options.rounds, options.seconds, options.processes
    );
    println!(
        "{:<10} {:>9} {:>8} {:>8} {:>6}  {:>9} {:>8} {:>8} {:>6}",
        "", "created/s", "p50 ms", "p99 ms", "ratio", "joined/s", "p50 ms", "p99 ms", "ratio"
    );
    let ours = &measured[0];
    for (subject, samples) in subjects.iter().zip(measured) {
        print!("{subject:<10}");
        for (samples, ours) in [
            (&samples.created, &ours.created),
            (&samples.joined, &ours.joined),
        ] {
            print!(
                " {:>9.0} {} {} {:>6.2} ",
                rate(samples),
                column(median(samples.iter().map(|sample| sample.p50))),
                column(median(samples.iter().map(|sample| sample.p99))),
                rate(ours) / rate(samples)
            );
        }
        println!();
    }
}

fn rate(samples: &[Sample]) -> f64 {
    median(samples.iter().map(|sample| sample.per_second))
}

fn column(milliseconds: f64) -> String {
    if milliseconds.is_nan() {
        format!("{:>8}", "-")
    } else {
        format!("{milliseconds:>8.2}")
    }
}
