//! Searches of stored groups over HTTP, in a database with very many of them.

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;

use super::database::Database;
use super::http::Connection;
use super::milliseconds;
use super::tenants::Tenants;
use super::times::Times;
use atlas_services::interrupt::Interrupt;
use atlas_services::programs::{Api, Programs};
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

/// Tenants that have groups.
const TENANTS: usize = 20;
/// Limit of the 99th percentile.
const LIMIT: Duration = Duration::from_millis(15);

/// How to measure searches.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many groups, over twenty tenants.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    groups: u64,
    /// How many searches of each kind.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(100..=100_000))]
    searches: u64,
    /// Fail when the 99th percentile is 15 ms or more.
    #[arg(long)]
    check: bool,
}

/// Names as organisations give them: a kind of group, a department, a place and a number.
const FILL: &str = "INSERT INTO directory_groups (tenant_id, id, detail, fence) \
    SELECT t.id, md5(t.id::text || n)::uuid, jsonb_build_object('name', named.text, \
        'name_key', lower(named.text), 'security', n % 3 <> 0, 'unified', n % 3 = 0), 1 \
    FROM tenants t CROSS JOIN generate_series(1, {share}) n CROSS JOIN LATERAL (SELECT \
        (ARRAY['SG','Team','All','Lic','App','DL','CA','Intune'])[1 + (hashint4(n) & 7)] || '-' || \
        (ARRAY['Sales','Finance','Marketing','Operations','Legal','Research','Support', \
            'Logistics','Production','Security','Purchasing','Human Resources'] \
        )[1 + abs(hashint4(n + 1)) % 12] || ' ' || \
        (ARRAY['Berlin','Hamburg','Munich','Paris','London','Madrid','Rome','Vienna','Zurich', \
            'Prague','Warsaw','Oslo','Helsinki','Lisbon','Dublin','Brussels'] \
        )[1 + abs(hashint4(n + 2)) % 16] || ' ' || n AS text) named";

/// What people type: letter by letter, a word from the middle, a name, and words with mistakes.
const TYPED: [(&str, &[&str]); 4] = [
    (
        "beginning",
        &["s", "sg-", "team-fin", "intune-s", "all-human", "dl-pro"],
    ),
    (
        "within",
        &["berlin", "sales", "rch", "resources oslo", "4711", "ty zur"],
    ),
    (
        "mistyped",
        &[
            "sales teem",
            "finanse oslo",
            "human resorces",
            "berlim",
            "markting rome",
        ],
    ),
    (
        "nothing",
        &["zzqq", "no such group", "xylophone", "#!", "quux"],
    ),
];

/// Stores groups, measures searches of them, and prints the table.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let directory = services.directory();
    let Tenants {
        ids: tenants,
        token,
        ..
    } = Tenants::add(TENANTS, &programs, &services, interrupt)?;
    let share = options.groups / TENANTS as u64;
    eprintln!("Storing {} groups.", share * TENANTS as u64);
    let database = Database::connect(&services, interrupt)?;
    database.execute(&FILL.replace("{share}", &share.to_string()))?;
    database.execute("VACUUM ANALYZE directory_groups")?;

    let api = Api::start(
        "api",
        super::api(&programs, &services),
        directory,
        interrupt,
    )?;
    let mut connection = Connection::open(api.address())?;
    let mut all = Times::new()?;
    println!(
        "{:>10}  {:>9} {:>8} {:>8}",
        "typed", "searches", "p50", "p99"
    );
    for (kind, texts) in TYPED {
        let mut times = Times::new()?;
        for turn in 0..options.searches {
            let at = usize::try_from(turn)?;
            let tenant = &tenants[at % tenants.len()];
            let typed = texts[at % texts.len()]
                .replace(' ', "%20")
                .replace('#', "%23");
            let path = format!("/tenants/{tenant}/directory-groups?q={typed}");
            let began = Instant::now();
            let answer = connection.send("GET", &path, Some(&token), "")?;
            times.record(began.elapsed())?;
            ensure!(
                answer.status == 200,
                "a search is answered {}",
                answer.status
            );
            interrupt.check()?;
        }
        line(kind, &times)?;
        all.add(&times)?;
    }
    let p99 = line("all", &all)?;
    println!(
        "\n99 of 100 searches must take less than {}.",
        milliseconds(LIMIT)
    );
    if options.check {
        ensure!(
            p99 < LIMIT,
            "one search in a hundred takes {} or more",
            milliseconds(p99)
        );
    }
    Ok(())
}

/// Prints a line and returns the 99th percentile.
fn line(kind: &str, times: &Times) -> anyhow::Result<Duration> {
    let (p50, p99) = (times.p50()?, times.p99()?);
    println!(
        "{kind:>10}  {:>9} {:>8} {:>8}",
        times.count(),
        milliseconds(p50),
        milliseconds(p99)
    );
    Ok(p99)
}
