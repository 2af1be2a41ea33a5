//! What a soak counts, and what of it is a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::installation::Installation;
use crate::invariants;
use crate::program::Program;

/// When a run of a killed worker must be another's: the lease of the tests and six seconds.
const BOUND: Duration = Duration::from_secs(8);
/// What is a failure. More than the bound, because other faults strike at the same time: a stopped
/// worker may hold a row, and PostgreSQL or a tenant may be away or busy.
const LIMIT: Duration = Duration::from_secs(3 * BOUND.as_secs());

/// Effects that there are twice, or that somebody made who had lost the run.
const DOUBLED: &str = "
    SELECT (SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM notifications
            WHERE phase = 'terminal' GROUP BY run_id) t)::bigint
        + (SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM audit_events
            WHERE action = 'operation_run.completed' GROUP BY target_id) t)::bigint
        + (SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM operation_run_events
            WHERE event IN ('finished', 'cancelled', 'dispatch_failed', 'queue_timeout')
            GROUP BY run_id) t)::bigint
        + (SELECT count(*) FROM journal WHERE held_token IS NULL
            OR (fence IS NOT NULL AND fence <> held_fence)
            OR (run_id IS NOT NULL AND run_token IS DISTINCT FROM held_token))";

/// A run that a worker had when it was killed.
#[derive(Debug)]
pub(super) struct Lost {
    run: String,
    attempt: i32,
    /// Seconds since the epoch, by PostgreSQL's clock.
    at: f64,
}

impl Lost {
    /// What this worker has now. It is to be killed at once.
    pub(super) async fn of(worker: &Program, installation: &Installation) -> Vec<Self> {
        let log = std::fs::read_to_string(&worker.log).unwrap();
        let Some(worker_id) = worker_id(&log) else {
            return Vec::new();
        };
        let connection = installation.database.connection().await;
        let sql = "SELECT id::text, attempt, extract(epoch FROM clock_timestamp())::float8
            FROM operation_runs WHERE worker_id = $1 AND status = 'running'";
        let rows = connection.query(sql, &[&worker_id]).await.unwrap();
        let lost = rows.iter().map(|row| Self {
            run: row.get(0),
            attempt: row.get(1),
            at: row.get(2),
        });
        lost.collect()
    }

    /// How long it took until the run was another worker's or had ended. None when the dead worker's
    /// last words, on their way when it died, ended it.
    async fn recovered_after(&self, connection: &tokio_postgres::Client) -> Option<Duration> {
        let sql = "SELECT extract(epoch FROM min(o.at))::float8 - $3
            FROM operation_run_events l
                JOIN operation_run_events o ON o.run_id = l.run_id AND o.seq > l.seq
            WHERE l.run_id = $1::text::uuid AND l.attempt = $2 AND l.event = 'lease_lost'
                AND (o.event = 'claimed' OR o.event = 'failed')";
        let row = connection
            .query_one(sql, &[&self.run, &self.attempt, &self.at])
            .await
            .unwrap();
        let seconds: Option<f64> = row.get(0);
        seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)))
    }
}

/// As the worker names itself when it begins.
fn worker_id(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("worker_id=")?;
    let id = rest.split_whitespace().next()?;
    Some(id.trim_matches('"').to_owned())
}

/// The count of a round, or of several.
#[derive(Debug, Default)]
pub(super) struct Tally {
    injected: BTreeMap<&'static str, u64>,
    /// Programs that ended without having been asked to.
    programs_ended: u64,
    answers: usize,
    accepted: usize,
    refused: usize,
    /// Starts that nobody answered: their callers do not know whether there is a run.
    unanswered: u64,
    terminal: usize,
    runs: i64,
    doubled: i64,
    stuck: i64,
    outcomes: BTreeMap<String, i64>,
    recoveries: Vec<Duration>,
    breaches: Vec<String>,
}

impl Tally {
    pub(super) fn of_faults(injected: BTreeMap<&'static str, u64>, programs_ended: u64) -> Self {
        Self {
            injected,
            programs_ended,
            ..Self::default()
        }
    }

    /// How long runs of killed workers were nobody's.
    pub(super) async fn measure(&mut self, installation: &Installation, lost: &[Lost]) {
        let connection = installation.database.connection().await;
        for lost in lost {
            self.recoveries
                .extend(lost.recovered_after(&connection).await);
        }
    }

    /// Counts what the runs came to.
    pub(super) async fn count(&mut self, installation: &Installation, ended: bool) {
        let connection = installation.database.connection().await;
        self.answers = installation.accepted().len();
        let accepted: BTreeSet<Uuid> = installation.accepted().into_iter().collect();
        self.accepted = accepted.len();
        self.refused = installation.refused().len();
        self.unanswered = installation.unanswered();
        let sql = "SELECT id::text FROM operation_runs WHERE status = 'completed'";
        for row in connection.query(sql, &[]).await.unwrap() {
            let id: String = row.get(0);
            self.terminal += usize::from(accepted.contains(&id.parse().unwrap()));
        }
        self.runs = installation
            .number("SELECT count(*) FROM operation_runs")
            .await;
        self.stuck = installation
            .number("SELECT count(*) FROM operation_runs WHERE status <> 'completed'")
            .await;
        self.doubled = installation.number(DOUBLED).await;
        self.outcomes = installation.outcomes().await;
        if !ended {
            self.breaches.push("not every run ended in time".to_owned());
        }
        self.breaches
            .extend(invariants::breaches(installation, &connection).await);
    }

    pub(super) fn add(&mut self, other: Self) {
        for (fault, count) in other.injected {
            *self.injected.entry(fault).or_default() += count;
        }
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.programs_ended += other.programs_ended;
        self.answers += other.answers;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.terminal += other.terminal;
        self.runs += other.runs;
        self.doubled += other.doubled;
        self.stuck += other.stuck;
        self.recoveries.extend(other.recoveries);
        self.breaches.extend(other.breaches);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.accepted != self.terminal
            || self.accepted == 0
            || self.doubled != 0
            || self.stuck != 0
            || self.programs_ended != 0
            || !self.breaches.is_empty()
            || self.slowest() > LIMIT
    }

    fn slowest(&self) -> Duration {
        self.recoveries.iter().max().copied().unwrap_or_default()
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let faults: u64 = self.injected.values().sum();
        format!(
            "{faults} faults, {} runs accepted, {} terminal, {} doubled effects, {} stuck",
            self.accepted, self.terminal, self.doubled, self.stuck
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fault, count) in &self.injected {
            writeln!(f, "{count:>7}  {fault}")?;
        }
        let late = self.recoveries.iter().filter(|took| **took > BOUND).count();
        writeln!(
            f,
            "\n{:>7}  starts answered 202\n{:>7}  runs accepted\n{:>7}  of them terminal\n{:>7}  \
             runs recorded in all\n{:>7}  starts refused, as their callers learned\n{:>7}  \
             starts whose answer was lost\n{:>7}  doubled effects\n{:>7}  stuck\n{:>7}  \
             programs that ended by themselves",
            self.answers,
            self.accepted,
            self.terminal,
            self.runs,
            self.refused,
            self.unanswered,
            self.doubled,
            self.stuck,
            self.programs_ended
        )?;
        for (outcome, count) in &self.outcomes {
            writeln!(f, "{count:>7}  {outcome}")?;
        }
        writeln!(
            f,
            "\n{} runs of killed workers were recovered, the slowest after {:.1} s; {late} took \
             longer than the lease and six seconds ({:.0} s)",
            self.recoveries.len(),
            self.slowest().as_secs_f64(),
            BOUND.as_secs_f64()
        )?;
        for breach in &self.breaches {
            writeln!(f, "BROKEN: {breach}")?;
        }
        Ok(())
    }
}

#[test]
fn one_lost_run_or_one_doubled_effect_is_a_failure() {
    let whole = || Tally {
        accepted: 3,
        terminal: 3,
        ..Tally::default()
    };
    assert!(!whole().is_broken());
    let broken = [
        Tally {
            terminal: 2,
            ..whole()
        },
        Tally {
            doubled: 1,
            ..whole()
        },
        Tally {
            stuck: 1,
            ..whole()
        },
        Tally {
            programs_ended: 1,
            ..whole()
        },
        Tally {
            breaches: vec!["x".to_owned()],
            ..whole()
        },
        Tally {
            recoveries: vec![LIMIT * 2],
            ..whole()
        },
        Tally::default(),
    ];
    for tally in broken {
        assert!(tally.is_broken(), "{tally:?}");
    }
}

#[test]
fn a_worker_names_itself_in_its_log() {
    let log = "INFO working worker_id=host-0199 slots=4\n";
    assert_eq!(worker_id(log).as_deref(), Some("host-0199"));
    assert_eq!(worker_id("INFO waiting\n"), None);
}
