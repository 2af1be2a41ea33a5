//! A new version is installed while people use the old one: the schema first, then every program, one
//! after the other.

use std::path::{Path, PathBuf};

use atlas_test_support::eventually;

use crate::api::Api;
use crate::balancer::Balancer;
use crate::installation::{Installation, Options};
use crate::load::more_succeed;
use crate::program::{Program, binary};

/// APIs, and workers, at any time.
const EACH: usize = 2;
/// Longer than the balancer takes to notice that an API is not ready.
const DELAY: &str = "1s";

/// A program of the version before, where `ATLAS_PREVIOUS_PROGRAMS` names a directory with its
/// programs; else this version's stands in for it.
fn previous(name: &str) -> PathBuf {
    std::env::var_os("ATLAS_PREVIOUS_PROGRAMS").map_or_else(
        || binary(name),
        |directory| PathBuf::from(directory).join(name),
    )
}

struct Upgrade<'a> {
    installation: &'a Installation,
    balancer: &'a Balancer,
    apis: Vec<Api>,
    workers: Vec<Program>,
}

impl Upgrade<'_> {
    async fn add_api(&mut self, file: PathBuf) {
        let delay = [("ATLAS_SHUTDOWN_DELAY", DELAY.to_owned())];
        let api = self.installation.api.beside(file, &delay).await;
        self.balancer.add(api.url()).await;
        self.apis.push(api);
    }

    fn add_worker(&mut self, file: &Path) {
        self.workers.push(self.installation.worker_of(file, &[]));
    }

    /// Ends the API that has been there longest.
    async fn end_api(&mut self) {
        let mut api = self.apis.remove(0);
        api.signal("TERM");
        assert!(api.ended().await, "SIGTERM is no failure");
        self.balancer.remove(&api.url());
    }

    /// Ends the worker that has been there longest.
    async fn end_worker(&mut self) {
        let mut worker = self.workers.remove(0);
        worker.signal("TERM");
        assert!(worker.ended().await, "SIGTERM is no failure");
    }

    /// Workers of both versions have runs.
    async fn all_workers_claim(&self) {
        let busy = format!(
            "SELECT least(count(DISTINCT worker_id), {0}) FROM operation_runs
            WHERE status = 'running'",
            self.workers.len()
        );
        let all = i64::try_from(self.workers.len()).unwrap();
        self.installation.number_becomes(&busy, all).await;
    }

    async fn run(&mut self) {
        for _ in 0..EACH {
            self.add_api(previous("atlas-api")).await;
            self.add_worker(&previous("atlas-worker"));
        }
        more_succeed(self.installation).await;

        self.installation.database.expand_schema().await;
        more_succeed(self.installation).await;
        self.all_workers_claim().await;
        assert_eq!(self.balancer.ready().len(), EACH, "old programs stay ready");

        for _ in 0..EACH {
            self.add_api(binary("atlas-api")).await;
            more_succeed(self.installation).await;
            self.end_api().await;
        }
        for _ in 0..EACH {
            self.add_worker(&binary("atlas-worker"));
            self.all_workers_claim().await;
            self.end_worker().await;
        }
        more_succeed(self.installation).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_upgrade_under_load_loses_no_request_and_no_run() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start_with(Options {
        latency: Some("20ms"),
        ..Options::default()
    })
    .await;
    let tenants = installation.tenants(12).await;
    let balancer = Balancer::new();
    let mut upgrade = Upgrade {
        installation: &installation,
        balancer: &balancer,
        apis: Vec::new(),
        workers: Vec::new(),
    };
    let begun = async {
        // Requests before the first API is ready would be lost.
        eventually("all APIs to be ready", || {
            std::future::ready((balancer.ready().len() == EACH).then_some(()))
        })
        .await;
        let (some, others) = tenants.split_at(tenants.len() / 2);
        tokio::join!(
            balancer.press(&installation, some),
            balancer.press(&installation, others),
            balancer.read(&tenants),
        );
    };
    tokio::select! {
        () = begun => unreachable!("callers go on until the upgrade is done"),
        () = balancer.watch() => unreachable!("it watches until the upgrade is done"),
        () = upgrade.run() => {}
    }
    installation.check().await;
    let answered = balancer.all_answered();
    // A busy machine answers some hundreds; without load the test would show nothing.
    assert!(answered > 100, "only {answered} requests were sent");
    let hurt = "SELECT count(*) FROM operation_runs WHERE outcome <> 'succeeded' OR failures <> 0";
    assert_eq!(installation.number(hurt).await, 0);
    let workers = "SELECT count(DISTINCT detail->>'worker_id') FROM operation_run_events
        WHERE event = 'claimed'";
    assert_eq!(
        installation.number(workers).await,
        2 * i64::try_from(EACH).unwrap()
    );
}
