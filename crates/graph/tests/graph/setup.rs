//! A simulator, a client and one tenant.

use std::time::Duration;

use atlas_domain::ids::DirectoryId;
use atlas_domain::inventory::Observation;
use atlas_domain::policy_types::{PolicyType, PolicyTypeKey, registry};
use atlas_domain::tenant::Cloud;
use atlas_graph::{
    Application, Credential, GraphClient, GraphError, GraphOptions, ListPlan, TenantGraph,
    collections, plan,
};
use atlas_graph_sim::{FaultRule, LogEntry, PathMatch, Simulator, SimulatorOptions};

pub(crate) const SECRET: &str = "simulator-secret";
const CLIENT_ID: &str = "00000000-0000-4000-8000-00000000c11e";
const DIRECTORY: &str = "5d0ac1de-0000-4000-8000-000000000001";
const OTHER_DIRECTORY: &str = "5d0ac1de-0000-4000-8000-000000000002";

pub(crate) struct Setup {
    pub(crate) sim: Simulator,
    pub(crate) client: GraphClient,
    pub(crate) directory: String,
}

/// A list that was read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) observations: Vec<Observation>,
    pub(crate) pages: u32,
    pub(crate) unstable: bool,
}

/// The defaults with waits that a test can afford.
pub(crate) fn quick() -> GraphOptions {
    GraphOptions {
        first_backoff: Duration::from_millis(4),
        max_wait: Duration::from_secs(5),
        conditional_access_interval: Duration::from_millis(1),
        ..GraphOptions::default()
    }
}

/// Every key of the registry.
pub(crate) fn everything() -> Vec<PolicyTypeKey> {
    registry().all().iter().map(PolicyType::key).collect()
}

/// The keys that are read from the address, which begins with the version.
pub(crate) fn keys_of(address: &str) -> Vec<PolicyTypeKey> {
    collections()
        .iter()
        .filter(|one| format!("/{}{}", one.version(), one.path()) == address)
        .map(atlas_graph::Collection::key)
        .collect()
}

/// The address of scope tags, a small list.
pub(crate) fn tags() -> PathMatch {
    PathMatch::exact("/beta/deviceManagement/roleScopeTags")
}

impl Setup {
    pub(crate) async fn start() -> Self {
        Self::with(Self::options()).await
    }

    pub(crate) async fn with_size(size: usize) -> Self {
        Self::with(SimulatorOptions {
            size,
            ..Self::options()
        })
        .await
    }

    pub(crate) fn options() -> SimulatorOptions {
        SimulatorOptions::default()
    }

    pub(crate) async fn with(options: SimulatorOptions) -> Self {
        let sim = Simulator::start(options).await;
        let client = client(&sim, quick());
        Self {
            sim,
            client,
            directory: DIRECTORY.to_owned(),
        }
    }

    pub(crate) fn application_with_secret(&self, secret: &str) -> Application {
        application(&self.directory, secret)
    }

    pub(crate) fn graph(&self) -> TenantGraph {
        self.client.tenant(application(&self.directory, SECRET))
    }

    pub(crate) fn other_tenant(&self) -> TenantGraph {
        self.client.tenant(application(OTHER_DIRECTORY, SECRET))
    }

    /// Replaces the client by one with other options.
    pub(crate) fn use_options(&mut self, options: GraphOptions) {
        self.client = client(&self.sim, options);
    }

    /// The tenant by a client of its own, with other options.
    pub(crate) fn graph_with(&self, options: GraphOptions) -> TenantGraph {
        client(&self.sim, options).tenant(application(&self.directory, SECRET))
    }

    pub(crate) fn list(&self, key: &str) -> ListPlan {
        self.list_of(&[registry().find(key).unwrap()])
    }

    pub(crate) fn list_of(&self, keys: &[PolicyTypeKey]) -> ListPlan {
        let mut lists = plan(keys, false).lists;
        assert_eq!(lists.len(), 1);
        lists.remove(0)
    }

    /// Reads a list to its end.
    pub(crate) async fn read(
        &self,
        graph: &TenantGraph,
        list: &ListPlan,
    ) -> Result<Read, GraphError> {
        let mut reader = graph.list(list);
        let mut read = Read {
            observations: Vec::new(),
            pages: 0,
            unstable: false,
        };
        while let Some(page) = reader.next_page().await? {
            let rows = u64::try_from(page.observations.len()).unwrap();
            assert!(page.rows >= rows || !page.begins);
            read.observations.extend(page.observations);
            read.unstable |= page.unstable;
            read.pages += u32::from(page.begins);
        }
        Ok(read)
    }

    pub(crate) fn fault(&self, rule: FaultRule) {
        self.sim.fault(rule);
    }

    /// Requests to Graph, in the order in which they began.
    pub(crate) fn graph_requests(&self) -> Vec<LogEntry> {
        self.requests(|one| !one.path.ends_with("/token"))
    }

    pub(crate) fn token_requests(&self) -> Vec<LogEntry> {
        self.requests(|one| one.path.ends_with("/token"))
    }

    fn requests(&self, wanted: impl Fn(&LogEntry) -> bool) -> Vec<LogEntry> {
        let mut requests: Vec<_> = self.sim.log().into_iter().filter(wanted).collect();
        requests.sort_by_key(|one| one.started_us);
        requests
    }
}

fn client(sim: &Simulator, options: GraphOptions) -> GraphClient {
    let address: url::Url = sim.base_url().parse().unwrap();
    GraphClient::new(GraphOptions {
        graph_url: Some(address.clone()),
        login_url: Some(address),
        ..options
    })
    .unwrap()
}

fn application(directory: &str, secret: &str) -> Application {
    Application {
        cloud: Cloud::Global,
        directory_id: directory.parse::<DirectoryId>().unwrap(),
        client_id: CLIENT_ID.to_owned(),
        credential: Credential::ClientSecret(secret.into()),
    }
}
