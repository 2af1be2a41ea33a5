//! The simulator as a program holds it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::answer_key::{AnswerChange, AnswerKey, AnswerLink};
use crate::control;
use crate::faults::FaultRule;
use crate::gates::{Gate, GateRule};
use crate::limits::PublishedLimits;
use crate::modes::TenantMode;
use crate::mutation::{Changes, MutationScript};
use crate::options::{Latency, SimulatorOptions};
use crate::request_log::LogEntry;
use crate::server;
use crate::shared::Shared;
use crate::sign_in::{FederatedCredential, UserToken};
use crate::throttle::Throttle;
use crate::traffic::Traffic;

/// Stops the server with the last handle.
struct Running {
    shared: Arc<Shared>,
    base_url: String,
    address: SocketAddr,
    server: ServerHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The order to stop goes out at once; nobody waits for the end.
        drop(self.server.stop(false));
    }
}

/// A running simulator. Clones are handles to the same one; it stops with the last of them.
#[derive(Clone)]
pub struct Simulator(Arc<Running>);

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Simulator").field(&self.0.base_url).finish()
    }
}

impl Simulator {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Panics
    /// When no port can be had, or a certificate or key of the options is none.
    pub async fn start(options: SimulatorOptions) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .expect("the loopback interface has a free port");
        Self::start_on(listener, options)
            .await
            .expect("a bound listener can be served")
    }

    /// Starts one on a listener.
    ///
    /// # Errors
    /// When the listener cannot be used, or a certificate or key is none.
    pub async fn start_on(listener: TcpListener, options: SimulatorOptions) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options)?);
        let server = serve(listener, Arc::clone(&shared)).await?;
        Ok(Self(Arc::new(Running {
            shared,
            base_url: format!("http://{address}"),
            address,
            server,
        })))
    }

    /// The root of Graph and of the login service, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What a correct client must have stored for a tenant after reading everything.
    #[must_use]
    pub fn answer_key(&self, directory_id: &str) -> AnswerKey {
        self.0.shared.answer_key(directory_id)
    }

    /// Every link that a correct client must have stored for a tenant after reading everything,
    /// also what has to be expanded or read by itself.
    #[must_use]
    pub fn answer_links(&self, directory_id: &str) -> Vec<AnswerLink> {
        self.0.shared.answer_links(directory_id)
    }

    /// The groups that a correct client must know after reading them, as rows of the list.
    #[must_use]
    pub fn groups(&self, directory_id: &str) -> Vec<Value> {
        self.0.shared.groups(directory_id)
    }

    /// Makes every link expire that was given for later changes of the tenant's groups.
    pub fn expire_group_links(&self, directory_id: &str) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.shared.group_changes.expire(&tenant);
    }

    /// Marks the tenant's state: later changes are reported from here. Without a mark they are reported
    /// from the beginning.
    pub fn mark(&self, directory_id: &str) {
        self.0.shared.mark(directory_id);
    }

    /// What a correct client must have found out that read everything at the mark and now.
    #[must_use]
    pub fn changes_since_mark(&self, directory_id: &str) -> Vec<AnswerChange> {
        self.0.shared.changes_since_mark(directory_id)
    }

    /// Changes a tenant, and says per policy type what changed.
    pub fn mutate(&self, directory_id: &str, script: &MutationScript) -> BTreeMap<String, Changes> {
        self.0.shared.mutate(directory_id, script)
    }

    /// Makes something go wrong. Rules stay until they are cleared, also when they are used up.
    ///
    /// # Panics
    /// When the rule makes no sense, such as a server error with status 200.
    pub fn fault(&self, rule: FaultRule) {
        let problem = rule.problem();
        assert!(problem.is_none(), "{problem:?}: {rule:?}");
        self.0.shared.faults.add(rule);
    }

    /// Makes nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.0.shared.faults.clear();
    }

    /// How many requests met a fault since the last clearing.
    #[must_use]
    pub fn faults_struck(&self) -> u32 {
        self.0.shared.faults.struck()
    }

    /// Makes requests wait until the gate is released.
    pub fn hold(&self, rule: impl Into<GateRule>) -> Gate {
        self.0.shared.gates.hold(rule.into())
    }

    /// Opens all gates.
    pub fn release_all(&self) {
        self.0.shared.gates.release();
    }

    /// Replaces the limits on how often tenants may be asked.
    pub fn set_throttles(&self, throttles: Vec<Throttle>) {
        self.0.shared.throttles.set(throttles);
    }

    /// Changes what is done about the published limits, and begins to count them anew.
    ///
    /// # Panics
    /// When a scale is not positive.
    pub fn set_limits(&self, limits: PublishedLimits) {
        let problem = limits.problem();
        assert!(problem.is_none(), "{problem:?}: {limits:?}");
        self.0.shared.limits.set(limits);
    }

    /// What the tenant's clients asked since the last clearing, of which service, and whether they
    /// waited when they were asked to.
    #[must_use]
    pub fn traffic(&self, directory_id: &str) -> Traffic {
        self.0.shared.traffic(&directory_id.to_ascii_lowercase())
    }

    /// Begins to count traffic anew.
    pub fn clear_traffic(&self) {
        self.0.shared.tallies.clear();
    }

    /// How many connections were ever opened.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.0.shared.connections.load(Ordering::Relaxed)
    }

    /// Replaces what the tenant lacks.
    pub fn set_modes(&self, directory_id: &str, modes: impl IntoIterator<Item = TenantMode>) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0
            .shared
            .modes
            .set(&tenant, modes.into_iter().collect());
    }

    /// Makes the tenant's tokens good no longer, until one is asked for with the claims that the
    /// answers carry (continuous access evaluation).
    pub fn challenge_tokens(&self, directory_id: &str) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.shared.sign_in.challenge(&tenant);
    }

    /// Lets the application prove itself with a certificate, in PEM, too.
    ///
    /// # Panics
    /// When it is none with an RSA key.
    pub fn add_certificate(&self, pem: &str) {
        let added = self.0.shared.sign_in.add_certificate(pem);
        assert_eq!(added, Ok(()));
    }

    /// Lets the application prove itself with tokens of an issuer too.
    ///
    /// # Panics
    /// When the issuer's key is none of RSA in PEM.
    pub fn trust(&self, credential: FederatedCredential) {
        assert_eq!(self.0.shared.sign_in.trust(credential), Ok(()));
    }

    /// A token for a user of an application, as Microsoft Entra issues it.
    #[must_use]
    pub fn user_token(&self, directory_id: &str, wanted: &UserToken) -> String {
        let tenant = directory_id.to_ascii_lowercase();
        self.0
            .shared
            .sign_in
            .user_token(&self.0.base_url, &tenant, wanted)
    }

    /// Signs tokens for users with the other published key, and replaces the one that signed.
    pub fn rotate_keys(&self) {
        self.0.shared.sign_in.rotate_keys();
    }

    /// Changes how long answers take.
    pub fn set_latency(&self, latency: Latency) {
        self.0.shared.set_latency(latency);
    }

    /// Changes how long new tokens are good for.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.0.shared.sign_in.set_lifetime(lifetime);
    }

    /// Makes the tenant's tokens worthless.
    pub fn revoke_tokens(&self, directory_id: &str) {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.shared.sign_in.revoke(&tenant);
    }

    /// How many tokens were issued for the tenant.
    #[must_use]
    pub fn issued_tokens(&self, directory_id: &str) -> u64 {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.shared.sign_in.issued(&tenant)
    }

    /// The last 200,000 requests to Graph and to token endpoints, in the order in which they ended.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.0.shared.log.entries()
    }

    /// Empties the log and forgets the maxima.
    pub fn clear_log(&self) {
        self.0.shared.log.clear();
    }

    /// The most requests of the tenant, to Graph and for tokens, that were underway at one time.
    #[must_use]
    pub fn max_concurrent(&self, directory_id: &str) -> usize {
        let tenant = directory_id.to_ascii_lowercase();
        self.0.shared.log.max_concurrent(&tenant)
    }
}

/// Serves from a thread of its own, so that a test's runtime neither slows nor ends it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<ServerHandle> {
    let (started, starting) = oneshot::channel();
    std::thread::Builder::new()
        .name("graph-sim".to_owned())
        .spawn(move || {
            System::new().block_on(async move {
                let opened = Arc::clone(&shared);
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(Data::from(Arc::clone(&shared)))
                        .configure(control::configure)
                        .default_service(web::to(server::serve))
                })
                .workers(2)
                .on_connect(move |_, _| {
                    opened.connections.fetch_add(1, Ordering::Relaxed);
                })
                // Who closes the connection has given up: the request ends with it.
                .h1_allow_half_closed(false)
                .disable_signals()
                .shutdown_timeout(1)
                .keep_alive(Duration::from_secs(75))
                .listen_auto_h2c(listener);
                let server = match server {
                    Ok(server) => server.run(),
                    Err(error) => {
                        started.send(Err(error)).ok();
                        return;
                    }
                };
                if started.send(Ok(server.handle())).is_ok()
                    && let Err(error) = server.await
                {
                    tracing::error!(%error, "the simulator ended");
                }
            });
        })?;
    starting
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the simulator's thread ended")))
}
