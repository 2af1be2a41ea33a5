//! Callers who repeat the slowest list as fast as their quota lets them, and what that costs another
//! caller. Beside it stands what a commit of one row takes by itself, because a start waits for one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::Installation;
use super::measurement::ROUNDS;
use super::seed;
use super::table::milliseconds;
use crate::database::Database;
use crate::http::Connection;
use crate::load::Load;
use crate::policy_types;
use crate::times::Times;
use atlas_services::interrupt::Interrupt;
use atlas_services::programs::Administration;

/// Time between the other caller's requests, by turns `GET /me` and the start of a sync: its quota
/// allows this rate for any length of time.
const INTERVAL: Duration = Duration::from_millis(100);
/// What another caller's answers may take beside the neighbours, at the 99th percentile.
const LIMIT: Duration = Duration::from_millis(15);
/// A table of one row for what a commit takes.
const COMMITTED: &str =
    "CREATE TABLE bench_commits (number int NOT NULL); INSERT INTO bench_commits VALUES (0)";
const COMMIT: &str = "UPDATE bench_commits SET number = number + 1";

/// What another caller was answered.
#[derive(Debug)]
struct Answers {
    me: Times,
    starts: Times,
    /// Of one row, directly in the database, right after each start.
    commits: Times,
    /// Answers that were neither 200 nor 202.
    refused: usize,
}

/// Measures another caller alone, then beside the neighbours, and prints both.
pub(super) fn measure(
    installation: &Installation<'_>,
    operator: &Administration<'_>,
    database: &Database<'_>,
    list: &str,
    duration: Duration,
) -> anyhow::Result<()> {
    database.execute(COMMITTED)?;
    let tokens = (1..=seed::NEIGHBOURS)
        .map(|number| operator.add_token(&seed::neighbour(number)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let starter = operator.add_token(seed::STARTER)?;
    let api = installation.usual_api()?;
    let tenants = (1..=16).map(seed::tenant).collect();
    let keys = policy_types(&api, &installation.token)?;
    let interrupt = installation.interrupt;
    let caller = OtherCaller {
        address: api.address(),
        load: Load::new(api.address(), starter.clone(), tenants, keys),
        token: starter,
        turn: AtomicUsize::new(0),
        database,
        interrupt,
    };

    // What the first calls prepare is not compared.
    caller.call(Duration::from_secs(2))?;
    let answered = AtomicUsize::new(0);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(caller.call(duration)?);
        beside.push(caller.call_beside(&tokens, list, &answered, duration)?);
    }
    let answered = answered.load(Ordering::Relaxed) as f64 / ROUNDS as f64;
    print(list, &alone, &beside, answered / duration.as_secs_f64())
}
/// Repeats a list until it is stopped; waits when its quota is used up.
fn repeat(
    address: SocketAddr,
    token: &str,
    list: &str,
    stop: &AtomicBool,
    answered: &AtomicUsize,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let mut connection = Connection::open(address)?;
    while !stop.load(Ordering::Relaxed) {
        let answer = connection.send("GET", list, Some(token), "")?;
        match (answer.status, answer.retry_after) {
            (200, _) => {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            (_, wait) => {
                let until = Instant::now() + Duration::from_secs(wait.unwrap_or(1));
                while Instant::now() < until && !stop.load(Ordering::Relaxed) {
                    interrupt.pause(Duration::from_millis(20))?;
                }
            }
        }
    }
    Ok(())
}

/// Asks for itself and starts syncs, by turns.
struct OtherCaller<'a> {
    address: SocketAddr,
    token: String,
    load: Load,
    turn: AtomicUsize,
    database: &'a Database<'a>,
    interrupt: &'a Interrupt,
}

impl OtherCaller<'_> {
    /// As [`Self::call`], while the holders of these tokens repeat the list.
    fn call_beside(
        &self,
        tokens: &[String],
        list: &str,
        answered: &AtomicUsize,
        duration: Duration,
    ) -> anyhow::Result<Answers> {
        let stop = AtomicBool::new(false);
        let (address, interrupt) = (self.address, self.interrupt);
        thread::scope(|scope| {
            let neighbours: Vec<_> = tokens
                .iter()
                .map(|token| {
                    let stop = &stop;
                    scope.spawn(move || repeat(address, token, list, stop, answered, interrupt))
                })
                .collect();
            let beside = self.call(duration);
            stop.store(true, Ordering::Relaxed);
            for neighbour in neighbours {
                neighbour
                    .join()
                    .map_err(|_| anyhow!("a caller panicked"))??;
            }
            beside
        })
    }

    fn call(&self, duration: Duration) -> anyhow::Result<Answers> {
        let mut connection = Connection::open(self.address)?;
        let mut answers = Answers {
            me: Times::new()?,
            starts: Times::new()?,
            commits: Times::new()?,
            refused: 0,
        };
        let began = Instant::now();
        while began.elapsed() < duration {
            let number = self.turn.fetch_add(1, Ordering::Relaxed);
            let called = Instant::now();
            let status = if number.is_multiple_of(2) {
                let answer = connection.send("GET", "/me", Some(&self.token), "")?;
                answers.me.record(called.elapsed())?;
                answer.status
            } else {
                let (path, body) = self.load.start(number / 2)?;
                let answer = connection.send("POST", &path, Some(&self.token), &body)?;
                answers.starts.record(called.elapsed())?;
                let asked = Instant::now();
                self.database.execute(COMMIT)?;
                answers.commits.record(asked.elapsed())?;
                answer.status
            };
            answers.refused += usize::from(!matches!(status, 200 | 202));
            self.interrupt
                .pause(INTERVAL.saturating_sub(called.elapsed()))?;
        }
        Ok(answers)
    }
}

/// One kind of an answer's times.
type TimesOf = fn(&Answers) -> &Times;

fn print(
    list: &str,
    alone: &[Answers],
    beside: &[Answers],
    answered_per_second: f64,
) -> anyhow::Result<()> {
    let refused = |rounds: &[Answers]| rounds.iter().map(|one| one.refused).sum::<usize>();
    println!(
        "\nneighbours: {} callers repeat {list}, {answered_per_second:.1} answers per second; \
         another caller's answers other than 200 and 202: {} alone, {} beside them. Medians of \
         {ROUNDS} rounds, alone and beside by turns. Beside them, me and start may take {} ms.",
        seed::NEIGHBOURS,
        refused(alone),
        refused(beside),
        milliseconds(LIMIT)
    );
    println!(
        "{:>6} {:>9} {:>9} {:>10} {:>10} {:>7}  p99 beside to alone",
        "", "p50 ms", "p99 ms", "beside p50", "beside p99", "ratio"
    );
    let times: [(&str, TimesOf); 3] = [
        ("me", |one| &one.me),
        ("start", |one| &one.starts),
        ("commit", |one| &one.commits),
    ];
    for (name, times) in times {
        let median = |rounds: &[Answers], percentile: fn(&Times) -> anyhow::Result<Duration>| {
            let of_rounds = rounds.iter().map(|one| percentile(times(one)));
            let mut of_rounds = of_rounds.collect::<anyhow::Result<Vec<_>>>()?;
            of_rounds.sort_unstable();
            anyhow::Ok(of_rounds[of_rounds.len() / 2])
        };
        let (p50, p99) = (median(alone, Times::p50)?, median(alone, Times::p99)?);
        let (beside_p50, beside_p99) = (median(beside, Times::p50)?, median(beside, Times::p99)?);
        println!(
            "{name:>6} {:>9} {:>9} {:>10} {:>10} {:>7.2}",
            milliseconds(p50),
            milliseconds(p99),
            milliseconds(beside_p50),
            milliseconds(beside_p99),
            beside_p99.as_secs_f64() / p99.as_secs_f64()
        );
    }
    Ok(())
}
