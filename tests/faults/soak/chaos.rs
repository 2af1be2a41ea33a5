//! The faults, one after the other, and what ends them.

use std::collections::BTreeMap;
use std::time::Duration;

use apalis::prelude::{TaskBuilder, TaskSink};
use apalis_redis::RedisStorage;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::RunId;
use atlas_queue::{Doorbell, QueueOptions};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::dice::Dice;
use super::faults::{End, FAULTS, Fault};
use super::tally::{Lost, Tally};
use crate::installation::{APPS, Installation};
use crate::program::Program;
use crate::proxy::{Network, Proxy};
use crate::servers::{PostgresServer, RedisServer};

const WORKERS: usize = 3;
/// A worker gives runs back when it is asked to end: runs take longer than this.
const GRACE: (&str, &str) = ("ATLAS_SHUTDOWN_GRACE", "100ms");
/// A Graph that stays away costs an attempt, and not the whole round.
const SHORT_WAIT: (&str, &str) = ("ATLAS_GRAPH_MAX_WAIT", "3s");
/// How long a message to Redis may take before it is given up: Redis may be hanging.
const MESSAGE: Duration = Duration::from_secs(1);
/// How often a worker is looked at until it has a run when it is killed, and how long it may go on
/// in between.
const LOOKS: u32 = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One round's faults.
pub(super) struct Chaos<'a> {
    installation: &'a Installation,
    dice: Dice,
    way_to_postgres: Proxy,
    way_to_redis: Proxy,
    postgres: &'a mut PostgresServer,
    redis: &'a mut RedisServer,
    database: String,
    workers: Vec<Program>,
    ends: Vec<(Instant, End)>,
    /// What comes next, in the reverse order: every fault once, and then all over again.
    bag: Vec<(Fault, &'static str)>,
    injected: BTreeMap<&'static str, u64>,
    lost: Vec<Lost>,
    ended_by_themselves: u64,
}

impl<'a> Chaos<'a> {
    /// Starts the workers, behind the proxies to PostgreSQL and to Redis.
    pub(super) fn new(
        installation: &'a Installation,
        dice: Dice,
        (way_to_postgres, way_to_redis): (Proxy, Proxy),
        postgres: &'a mut PostgresServer,
        redis: &'a mut RedisServer,
    ) -> Self {
        let mut chaos = Self {
            installation,
            dice,
            database: way_to_postgres.url(&installation.database_url()),
            way_to_postgres,
            way_to_redis,
            postgres,
            redis,
            workers: Vec::new(),
            ends: Vec::new(),
            bag: Vec::new(),
            injected: FAULTS.iter().map(|(_, name)| (*name, 0)).collect(),
            lost: Vec::new(),
            ended_by_themselves: 0,
        };
        chaos.workers = (0..WORKERS).map(|_| chaos.worker()).collect();
        chaos
    }

    fn worker(&self) -> Program {
        let extra = [("DATABASE_URL", self.database.as_str()), GRACE, SHORT_WAIT];
        self.installation.worker(&extra)
    }

    /// Injects faults for so long, and ends those that last.
    pub(super) async fn rage(&mut self, length: Duration) {
        let end = Instant::now() + length;
        loop {
            let pause = Duration::from_millis(self.dice.between(200, 2_500));
            let next = Instant::now() + pause;
            if next >= end {
                break;
            }
            self.end_until(next).await;
            sleep_until(next).await;
            self.look_after_programs().await;
            let (fault, name) = self.draw();
            if self.inject(fault).await {
                *self.injected.entry(name).or_default() += 1;
            }
        }
        while let Some((at, _)) = self.ends.iter().min_by_key(|(at, _)| *at).copied() {
            self.end_until(at).await;
        }
        self.look_after_programs().await;
    }

    /// The round's count, without that of the runs.
    pub(super) async fn into_tally(mut self) -> Tally {
        self.look_after_programs().await;
        let mut tally = Tally::of_faults(self.injected, self.ended_by_themselves);
        tally.measure(self.installation, &self.lost).await;
        tally
    }

    fn draw(&mut self) -> (Fault, &'static str) {
        if self.bag.is_empty() {
            self.bag = FAULTS.to_vec();
            self.dice.shuffle(&mut self.bag);
        }
        self.bag.pop().unwrap()
    }

    /// Ends what is to end until then, at its time.
    async fn end_until(&mut self, until: Instant) {
        self.ends.sort_by_key(|(at, _)| *at);
        while let Some((at, end)) = self.ends.first().copied().filter(|(at, _)| *at <= until) {
            sleep_until(at).await;
            self.ends.remove(0);
            match end {
                End::ApiStarts => {
                    self.installation
                        .api
                        .start_again(&super::short_push())
                        .await;
                }
                End::Continue(worker) => self.workers[worker].signal("CONT"),
                End::PostgresPasses => self.way_to_postgres.becomes(Network::Passing),
                End::PostgresTakesWrites => self.postgres.takes_writes(true).await,
                End::RedisPasses => self.way_to_redis.becomes(Network::Passing),
                End::RedisStarts => self.redis.start_empty().await,
            }
        }
    }

    /// A program that ended without having been asked to is a failure of the round, and is replaced.
    async fn look_after_programs(&mut self) {
        if !self.installation.api.is_up() && !self.is_cut_off(End::ApiStarts) {
            self.ended_by_themselves += 1;
            eprintln!("the API ended by itself");
            self.installation
                .api
                .start_again(&super::short_push())
                .await;
        }
        for index in 0..self.workers.len() {
            if self.workers[index].child.try_wait().unwrap().is_some() {
                self.ended_by_themselves += 1;
                let log = std::fs::read_to_string(&self.workers[index].log).unwrap();
                let from = log.ceil_char_boundary(log.len().saturating_sub(2_000));
                eprintln!("a worker ended by itself:\n{}", &log[from..]);
                self.ends.retain(|(_, end)| *end != End::Continue(index));
                self.workers[index] = self.worker();
            }
        }
    }

    /// True when the fault was possible now.
    async fn inject(&mut self, fault: Fault) -> bool {
        let lasting = Duration::from_millis(self.dice.between(300, 4_500));
        let victim = self.dice.index(WORKERS);
        match fault {
            Fault::ApiKilled => {
                if self.is_cut_off(End::ApiStarts) {
                    return false;
                }
                self.installation.api.kill();
                self.later(lasting / 3, End::ApiStarts);
            }
            Fault::WorkerKilled => self.kill(victim).await,
            Fault::WorkerStopped => {
                if self.is_stopped(victim) {
                    return false;
                }
                self.workers[victim].signal("STOP");
                self.later(lasting, End::Continue(victim));
            }
            Fault::WorkerRolled => {
                if self.is_stopped(victim) || self.is_cut_off(End::PostgresPasses) {
                    return false;
                }
                self.workers[victim].signal("TERM");
                assert!(self.workers[victim].ended().await, "SIGTERM is no failure");
                self.workers[victim] = self.worker();
            }
            Fault::RedisFlushed => return self.send_to_redis(&["FLUSHALL"]).await,
            Fault::RedisPaused => {
                let milliseconds = (lasting / 2).as_millis().to_string();
                return self
                    .send_to_redis(&["CLIENT", "PAUSE", &milliseconds])
                    .await;
            }
            Fault::RedisKilled => {
                if self.is_cut_off(End::RedisStarts) {
                    return false;
                }
                self.redis.kill();
                self.later(lasting, End::RedisStarts);
            }
            Fault::RedisCut => return self.redis_becomes(Network::Cut, lasting),
            Fault::RedisBlackHole => return self.redis_becomes(Network::BlackHole, lasting),
            Fault::PostgresRestarted => self.postgres.restart_immediately().await,
            Fault::PostgresCertificateReplaced => {
                self.postgres.restart_with_another_certificate().await;
            }
            Fault::PostgresReadOnly => {
                if self.is_cut_off(End::PostgresTakesWrites) {
                    return false;
                }
                self.postgres.takes_writes(false).await;
                self.later(lasting, End::PostgresTakesWrites);
            }
            Fault::PostgresBackendsTerminated => {
                let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
                self.installation.number(all).await;
            }
            Fault::PostgresCut => return self.postgres_becomes(Network::Cut, lasting),
            Fault::PostgresBlackHole => return self.postgres_becomes(Network::BlackHole, lasting),
            Fault::GarbageMessages => return self.send_garbage().await,
            Fault::DuplicateMessages => return self.ring_again().await,
            Fault::GraphThrottled => {
                let effect = json!({"kind": "throttled", "retry_after": {"seconds": 1}});
                self.graph(&effect).await;
            }
            Fault::GraphServerError => {
                let status = *self.dice.choose(&[500, 502, 503, 504]);
                let effect = json!({"kind": "server_error", "status": status});
                self.graph(&effect).await;
            }
            Fault::GraphReset => self.graph(&json!({"kind": "connection_reset"})).await,
            Fault::GraphTruncated => self.graph(&json!({"kind": "truncated_json"})).await,
        }
        true
    }

    fn later(&mut self, after: Duration, end: End) {
        self.ends.push((Instant::now() + after, end));
    }

    fn is_cut_off(&self, by: End) -> bool {
        self.ends.iter().any(|(_, end)| *end == by)
    }

    fn is_stopped(&self, worker: usize) -> bool {
        self.is_cut_off(End::Continue(worker))
    }

    fn redis_becomes(&mut self, network: Network, lasting: Duration) -> bool {
        if self.is_cut_off(End::RedisPasses) {
            return false;
        }
        self.way_to_redis.becomes(network);
        self.later(lasting, End::RedisPasses);
        true
    }

    fn postgres_becomes(&mut self, network: Network, lasting: Duration) -> bool {
        if self.is_cut_off(End::PostgresPasses) {
            return false;
        }
        self.way_to_postgres.becomes(network);
        self.later(lasting, End::PostgresPasses);
        true
    }

    /// Kills a worker, if possible while it has runs; remembers them, and starts another one.
    async fn kill(&mut self, victim: usize) {
        let worker = &self.workers[victim];
        let frozen = self.is_stopped(victim);
        let mut lost = Vec::new();
        for _ in 0..LOOKS {
            // Stopped first, so that what is read is what it has when it dies.
            worker.signal("STOP");
            lost = Lost::of(worker, self.installation).await;
            if frozen || !lost.is_empty() {
                break;
            }
            worker.signal("CONT");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.workers[victim].kill();
        self.lost.extend(lost);
        self.ends.retain(|(_, end)| *end != End::Continue(victim));
        self.workers[victim] = self.worker();
    }

    /// True when Redis answered.
    async fn send_to_redis(&self, words: &[&str]) -> bool {
        if self.is_cut_off(End::RedisStarts) {
            return false;
        }
        let sent = async {
            let mut connection = self.redis.connection().await;
            let sent: Result<String, _> = redis::cmd(words[0])
                .arg(&words[1..])
                .query_async(&mut connection)
                .await;
            sent.is_ok()
        };
        timeout(MESSAGE, sent).await.unwrap_or(false)
    }

    async fn send_garbage(&mut self) -> bool {
        if self.is_cut_off(End::RedisStarts) {
            return false;
        }
        let queue = format!("{}:runs", self.installation.namespace);
        let sent = async {
            let client = redis::Client::open(self.redis.url()).unwrap();
            let manager = client.get_connection_manager().await.ok()?;
            let queue = apalis_redis::Config::default().queue(queue);
            let mut foreign = RedisStorage::<Vec<f64>>::new(manager).with_config(queue);
            for n in 0..5 {
                foreign
                    .push_task(TaskBuilder::new(vec![0.5; n]).build())
                    .await
                    .ok()?;
            }
            self.doorbell()
                .ring(RunId::mint(&SystemClock, &SystemEntropy), None)
                .await
                .ok()
        };
        matches!(timeout(MESSAGE, sent).await, Ok(Some(_)))
    }

    /// Announces runs again, those that have ended too.
    async fn ring_again(&mut self) -> bool {
        let runs = self.installation.accepted();
        if self.is_cut_off(End::RedisStarts) || runs.is_empty() {
            return false;
        }
        let chosen: Vec<_> = (0..10).map(|_| *self.dice.choose(&runs)).collect();
        let rung = async {
            let doorbell = self.doorbell();
            for run in chosen {
                doorbell.ring(RunId::from_uuid(run), None).await.ok()?;
            }
            Some(())
        };
        matches!(timeout(MESSAGE, rung).await, Ok(Some(())))
    }

    /// Past the proxy.
    fn doorbell(&self) -> Doorbell {
        let url = SecretString::from(self.redis.url());
        Doorbell::new(&QueueOptions::new(
            url,
            self.installation.namespace.as_str(),
        ))
        .unwrap()
    }

    /// The next few requests for the list.
    async fn graph(&mut self, effect: &Value) {
        let count = self.dice.between(1, 12);
        let rule = json!({"path": {"exact": APPS}, "count": count, "effect": effect});
        self.installation.simulate_fault(&rule).await;
    }
}
