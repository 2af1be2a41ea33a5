//! A load balancer, and callers behind it who notice every request that is not answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_test_support::{Member, TestTenant, eventually};
use reqwest::{Client, StatusCode};

use crate::installation::{Installation, Pressed};

/// How often the balancer asks each API whether it is ready.
const INTERVAL: Duration = Duration::from_millis(50);

/// An API behind the balancer.
struct Target {
    url: String,
    ready: AtomicBool,
}

/// Sends each request to the next API that was ready when it was asked last, and none twice.
pub(crate) struct Balancer {
    targets: Mutex<Vec<Arc<Target>>>,
    next: AtomicUsize,
    /// Each request has a connection of its own, so that a failure is the API's and not that of a
    /// connection which both sides may close.
    http: Client,
    answered: AtomicUsize,
    lost: Mutex<Vec<String>>,
}

impl Balancer {
    pub(crate) fn new() -> Self {
        Self {
            targets: Mutex::default(),
            next: AtomicUsize::new(0),
            http: Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            answered: AtomicUsize::new(0),
            lost: Mutex::default(),
        }
    }

    /// Adds an API and waits until it is ready.
    pub(crate) async fn add(&self, url: String) {
        let target = Arc::new(Target {
            url,
            ready: AtomicBool::new(false),
        });
        self.targets.lock().unwrap().push(target.clone());
        eventually("the API to be ready", || {
            std::future::ready(target.ready.load(Ordering::Relaxed).then_some(()))
        })
        .await;
    }

    /// Forgets an API that has ended.
    pub(crate) fn remove(&self, url: &str) {
        self.targets.lock().unwrap().retain(|one| one.url != url);
    }

    /// The APIs that are ready.
    pub(crate) fn ready(&self) -> Vec<String> {
        let targets = self.targets.lock().unwrap();
        let ready = targets
            .iter()
            .filter(|one| one.ready.load(Ordering::Relaxed));
        ready.map(|one| one.url.clone()).collect()
    }

    /// Asks each API again and again whether it is ready.
    pub(crate) async fn watch(&self) {
        loop {
            let targets = self.targets.lock().unwrap().clone();
            for target in targets {
                let asked = self.http.get(format!("{}/readyz", target.url)).send().await;
                let ready = asked.is_ok_and(|answer| answer.status() == StatusCode::OK);
                target.ready.store(ready, Ordering::Relaxed);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn next(&self) -> Option<String> {
        let ready = self.ready();
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        (!ready.is_empty()).then(|| ready[at % ready.len()].clone())
    }

    fn record(&self, lost: Option<String>) {
        match lost {
            None => {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            Some(what) => self.lost.lock().unwrap().push(what),
        }
    }

    /// Presses sync for these tenants in turn. Every answer but 202 is a lost request.
    pub(crate) async fn press(&self, installation: &Installation, of: &[(TestTenant, Member)]) {
        for (tenant, member) in of.iter().cycle() {
            let lost = match self.next() {
                None => Some("a start: no API is ready".to_owned()),
                Some(api) => match installation.press_at(&api, *tenant, member).await {
                    Pressed::Accepted(_) => None,
                    other => Some(format!("a start: {other:?}")),
                },
            };
            self.record(lost);
        }
    }

    /// Reads lists of these tenants in turn. Every answer but 200 is a lost request.
    pub(crate) async fn read(&self, of: &[(TestTenant, Member)]) {
        for (tenant, member) in of.iter().cycle() {
            for path in [
                "/operation-runs".to_owned(),
                "/me/notifications".to_owned(),
                format!("/tenants/{}/inventory-items", tenant.id),
            ] {
                let lost = match self.next() {
                    None => Some(format!("{path}: no API is ready")),
                    Some(api) => self.get(&format!("{api}{path}"), member).await,
                };
                self.record(lost);
            }
        }
    }

    /// Why the request was lost, if it was.
    async fn get(&self, url: &str, member: &Member) -> Option<String> {
        let sent = self.http.get(url).bearer_auth(&member.token).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return Some(format!("{url}: {error:?}")),
        };
        let status = answer.status();
        match answer.text().await {
            Ok(_) if status == StatusCode::OK => None,
            Ok(text) => Some(format!("{url}: {status} {text}")),
            Err(error) => Some(format!("{url}: {error:?}")),
        }
    }

    /// How many requests were answered as they have to be. Panics when one was not.
    pub(crate) fn all_answered(&self) -> usize {
        let lost = self.lost.lock().unwrap();
        assert!(lost.is_empty(), "{lost:#?}");
        self.answered.load(Ordering::Relaxed)
    }
}
