//! Callers that press sync as fast as they are answered, each on its own connection and thread.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};

use super::http::Connection;
use super::times::Times;
use atlas_services::interrupt::Interrupt;
use atlas_services::servers::Services;

/// How often Redis is emptied while runs are created: no worker does it, and the API stops pushing
/// when thousands of messages are outstanding, which would flatter it.
const EMPTY_REDIS: Duration = Duration::from_millis(200);

/// How fast answers came.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Answers per second, over all connections.
    pub(crate) per_second: f64,
    /// Half of the answers took no longer.
    pub(crate) p50: Duration,
    /// 99 of 100 answers took no longer.
    pub(crate) p99: Duration,
}

/// The callers.
#[derive(Debug)]
pub(crate) struct Load {
    address: SocketAddr,
    token: String,
    tenants: Vec<String>,
    policy_types: Vec<String>,
    /// How many starts were asked for so far: each gets a selection of its own.
    next: AtomicUsize,
}

impl Load {
    /// One user in all tenants, who selects among these policy types.
    pub(crate) fn new(
        address: SocketAddr,
        token: String,
        tenants: Vec<String>,
        policy_types: Vec<String>,
    ) -> Self {
        Self {
            address,
            token,
            tenants,
            policy_types,
            next: AtomicUsize::new(0),
        }
    }

    /// Starts of which each makes a run.
    pub(crate) fn created(
        &self,
        connections: usize,
        duration: Duration,
        services: &Services,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Rate> {
        let fresh = || self.start(self.next.fetch_add(1, Ordering::Relaxed));
        let emptied = || services.empty_redis();
        self.measure(
            connections,
            duration,
            "created",
            &fresh,
            &emptied,
            interrupt,
        )
    }

    /// Starts of which each joins a run, of those that were created before.
    pub(crate) fn joined(
        &self,
        connections: usize,
        duration: Duration,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Rate> {
        let turn = AtomicUsize::new(0);
        let known = || {
            let number = turn.fetch_add(1, Ordering::Relaxed);
            self.start(number % self.tenants.len())
        };
        self.measure(
            connections,
            duration,
            "joined",
            &known,
            &|| Ok(()),
            interrupt,
        )
    }

    fn measure(
        &self,
        connections: usize,
        duration: Duration,
        disposition: &str,
        next: &(dyn Fn() -> anyhow::Result<(String, String)> + Sync),
        meanwhile: &dyn Fn() -> anyhow::Result<()>,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Rate> {
        let expected = format!("\"disposition\":\"{disposition}\"");
        let until = Instant::now() + duration;
        let caller = || -> anyhow::Result<Times> {
            let mut connection = Connection::open(self.address)?;
            let mut took = Times::new()?;
            while Instant::now() < until && interrupt.check().is_ok() {
                let (path, body) = next()?;
                let asked = Instant::now();
                let answer = connection.send("POST", &path, Some(&self.token), &body)?;
                took.record(asked.elapsed())?;
                let text = String::from_utf8_lossy(&answer.body);
                ensure!(
                    answer.status == 202,
                    "a start is answered {}: {text}",
                    answer.status
                );
                ensure!(
                    text.contains(&expected),
                    "a start is not {disposition}: {text}"
                );
            }
            Ok(took)
        };
        let took = thread::scope(|scope| -> anyhow::Result<Times> {
            let callers: Vec<_> = (0..connections).map(|_| scope.spawn(caller)).collect();
            while Instant::now() < until {
                interrupt.pause(EMPTY_REDIS)?;
                meanwhile()?;
            }
            let mut all = Times::new()?;
            for caller in callers {
                all.add(&caller.join().map_err(|_| anyhow!("a caller panicked"))??)?;
            }
            Ok(all)
        })?;
        interrupt.check()?;
        Ok(Rate {
            per_second: took.count() as f64 / duration.as_secs_f64(),
            p50: took.p50()?,
            p99: took.p99()?,
        })
    }

    /// The path and body of the start with this number. Numbers go through the tenants first, then
    /// through the pairs of policy types.
    pub(crate) fn start(&self, number: usize) -> anyhow::Result<(String, String)> {
        let tenant = &self.tenants[number % self.tenants.len()];
        let (first, second) = pair(number / self.tenants.len(), self.policy_types.len())
            .context("there are no more selections; measure for a shorter time")?;
        let (first, second) = (&self.policy_types[first], &self.policy_types[second]);
        let body = format!("{{\"policy_types\":[\"{first}\",\"{second}\"]}}");
        Ok((format!("/tenants/{tenant}/inventory-sync"), body))
    }
}

/// The pair with this number of all pairs out of `of` things, or none when there are not so many.
fn pair(number: usize, of: usize) -> Option<(usize, usize)> {
    let mut before = 0;
    for second in 1..of {
        if number < before + second {
            return Some((number - before, second));
        }
        before += second;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_pair_comes_once_and_then_there_are_none() {
        let pairs: Vec<_> = (0..).map_while(|number| pair(number, 5)).collect();
        assert_eq!(pairs.len(), 10);
        assert_eq!(pairs.iter().collect::<BTreeSet<_>>().len(), 10);
        assert!(
            pairs
                .iter()
                .all(|(first, second)| first < second && *second < 5)
        );
    }
}
