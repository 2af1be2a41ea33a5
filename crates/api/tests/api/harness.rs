//! A running API, a caller, and what every answer must have.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use atlas_api::{ApiOptions, Parts, serve};
use atlas_domain::access::Role;
use atlas_domain::clock::{Clock as _, SystemClock, SystemEntropy};
use atlas_domain::ids::{RunId, WorkerId};
use atlas_domain::inventory::{JsonText, Observation, TypeResult, TypeStatus};
use atlas_domain::policy_types::registry;
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{Claim, Completion};
use atlas_queue::{Doorbell, QueueOptions};
use atlas_store::Store;
use atlas_test_support::{Member, Scenario, TestDatabase, TestRedis, TestTenant, dead_redis_url};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::schema;

/// What a selection of one type looks like in a request.
pub(crate) const ONE_TYPE: &str = r#"{"policy_types":["mobileApp"],"include_foundations":false}"#;

/// An API with a tenant and an operator in it.
pub(crate) struct Stage {
    pub(crate) database: TestDatabase,
    pub(crate) redis: TestRedis,
    pub(crate) store: Store,
    pub(crate) scenario: Scenario,
    pub(crate) tenant: TestTenant,
    pub(crate) operator: Member,
    pub(crate) api: Api,
}

/// A server and a client of it.
pub(crate) struct Api {
    pub(crate) base: String,
    http: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

/// An answer that has passed the checks of every answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Stage {
    /// Everything works.
    pub(crate) async fn set() -> Self {
        Self::set_with(|_| {}).await
    }

    /// With other options.
    pub(crate) async fn set_with(change: impl FnOnce(&mut ApiOptions)) -> Self {
        let redis = TestRedis::create();
        let queue = queue(redis.url(), &redis);
        Self::set_over(redis, queue, change).await
    }

    /// So many messages are outstanding that no more is pushed.
    pub(crate) async fn set_crowded() -> Self {
        let redis = TestRedis::create();
        let mut queue = queue(redis.url(), &redis);
        queue.max_outstanding = 0;
        Self::set_over(redis, queue, |_| {}).await
    }

    /// Redis is down.
    pub(crate) async fn set_without_redis() -> Self {
        Self::set_at(&dead_redis_url()).await
    }

    /// Over the Redis at this address.
    pub(crate) async fn set_at(url: &str) -> Self {
        let redis = TestRedis::create();
        let queue = queue(url, &redis);
        Self::set_over(redis, queue, |_| {}).await
    }

    async fn set_over(
        redis: TestRedis,
        queue: QueueOptions,
        change: impl FnOnce(&mut ApiOptions),
    ) -> Self {
        let database = TestDatabase::create().await;
        let store = database.store();
        let scenario = Scenario::new(&store);
        let tenant = scenario.tenant("Contoso").await;
        let operator = scenario.member(tenant.id, Role::Operator).await;
        let api = Api::start(&database, &queue, change);
        Self {
            database,
            redis,
            store,
            scenario,
            tenant,
            operator,
            api,
        }
    }

    /// The path of something of the tenant.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/tenants/{}/{rest}", self.tenant.id)
    }

    /// The operator reads.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.api.get(path, &self.operator.token).await
    }

    /// The operator presses sync.
    pub(crate) async fn start(&self, body: &str) -> Reply {
        let path = self.path("inventory-sync");
        self.api.post(&path, &self.operator.token, body).await
    }

    /// What Redis holds of jobs, as text.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.redis.messages()
    }

    /// The run that a worker claims next.
    pub(crate) async fn claimed(&self) -> Claim {
        let terms = LeaseTerms {
            worker_id: WorkerId::from_name("worker-1".to_owned()),
            duration: Duration::from_secs(45),
        };
        self.store.claim_next(&terms).await.unwrap().unwrap()
    }

    /// A run that a worker has claimed and begun.
    pub(crate) async fn begun(&self, json: &str) -> Claim {
        self.scenario
            .queued_run(self.tenant.id, self.operator.id, json)
            .await;
        let claim = self.claimed().await;
        let selection = claim.inputs.selection().unwrap();
        let keys: Vec<_> = selection.keys().into_iter().collect();
        let begun = self
            .store
            .begin_sync(&claim.lease, claim.initiator_id, selection, &keys);
        begun.await.unwrap();
        claim
    }

    /// A finished sync that saw so many mobile apps.
    pub(crate) async fn synced(&self, items: usize) -> RunId {
        let page: Vec<_> = (0..items).map(observation).collect();
        self.synced_page(&page).await
    }

    /// A finished sync that saw these objects, and read mobile apps and scope tags to their ends.
    pub(crate) async fn synced_page(&self, page: &[Observation]) -> RunId {
        let claim = self.begun(ONE_TYPE).await;
        let (run, lease) = (claim.lease.run_id, &claim.lease);
        let apps = registry().find("mobileApp").unwrap();
        let keys = [apps, registry().find("roleScopeTag").unwrap()];
        self.store.store_page(lease, page).await.unwrap();
        self.store.mark_missing(lease, &keys).await.unwrap();
        self.store.read_to_end(lease, &keys).await.unwrap();
        self.store.find_dangling(lease, &[]).await.unwrap();
        let result = TypeResult {
            status: TypeStatus::Succeeded,
            pages: 1,
            seen: page.len() as u64,
            completed_at: Some(SystemClock.now()),
            ..TypeResult::pending(apps)
        };
        let recorded = self.store.record_result(lease, &result).await;
        let completion = Completion::of_results(&[recorded.unwrap()]);
        self.store.finish(claim, &completion, None).await.unwrap();
        run
    }
}

pub(crate) fn observation(at: usize) -> Observation {
    Observation {
        policy_type: registry().find("mobileApp").unwrap(),
        external_id: format!("id-{at}"),
        name: format!("App {at:03}"),
        platform: "windows".to_owned(),
        scope_tags: Some(vec!["0".to_owned()]),
        assignment_count: Some(2),
        metadata: JsonText::of(&json!({"description": "An app", "nothing": null})),
        content_hash: [7; 32],
        former_content_hash: None,
        former_assignments_hash: None,
        assignments_hash: None,
        content: JsonText::of(&json!({})),
        assignments: None,
        values: None,
        values_mark: None,
        links: Vec::new(),
    }
}

/// The queue of a test at this address.
pub(crate) fn queue(url: &str, redis: &TestRedis) -> QueueOptions {
    QueueOptions::new(SecretString::from(url), redis.namespace())
}

impl Api {
    /// Serves until dropped.
    pub(crate) fn start(
        database: &TestDatabase,
        queue: &QueueOptions,
        change: impl FnOnce(&mut ApiOptions),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let mut options = ApiOptions {
            threads: 2,
            requests_per_minute: 100_000.try_into().unwrap(),
            ..ApiOptions::default()
        };
        change(&mut options);
        let parts = Parts {
            store: database.store(),
            doorbell: Doorbell::new(queue).unwrap(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let shutdown = async {
                let _ = stopped.await;
            };
            runtime
                .block_on(serve(listener, options, parts, shutdown))
                .unwrap();
        });
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            base,
            http,
            _stop: stop,
        }
    }

    /// A request to be completed.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.send(self.request(Method::GET, path).bearer_auth(token))
            .await
    }

    /// Sends a JSON body, or none when it is empty.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &str) -> Reply {
        let request = self.request(Method::POST, path).bearer_auth(token);
        let request = if body.is_empty() {
            request
        } else {
            request
                .header("content-type", "application/json")
                .body(body.to_owned())
        };
        self.send(request).await
    }

    /// Sends, and checks what every answer must have.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.http.execute(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let is_stream = headers
            .get("content-type")
            .is_some_and(|media| media == "text/event-stream");
        // A stream is read by those who follow it.
        let text = match is_stream {
            true => String::new(),
            false => response.text().await.unwrap(),
        };
        let is_lines = headers
            .get("content-type")
            .is_some_and(|media| media == "application/x-ndjson");
        let body = if is_lines {
            Value::String(text.clone())
        } else {
            serde_json::from_str(&text).unwrap_or(Value::Null)
        };
        let reply = Reply {
            status,
            headers,
            text,
            body,
        };
        self.check(&reply);
        let is_described = schema::operation(&method, &path).is_some();
        let is_counted = reply.status.is_success();
        if is_described && is_counted {
            assert!(reply.headers.contains_key("ratelimit"), "{reply:?}");
        }
        let faults = schema::faults_of_answer(&method, &path, &reply);
        assert!(faults.is_empty(), "{method} {path}: {faults:?}: {reply:?}");
        reply
    }

    fn check(&self, reply: &Reply) {
        for name in [
            "x-request-id",
            "cache-control",
            "content-security-policy",
            "ratelimit-policy",
            "vary",
        ] {
            assert!(reply.headers.contains_key(name), "{name}: {reply:?}");
        }
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        let refused = reply.status.is_client_error() || reply.status.is_server_error();
        if !refused {
            return;
        }
        assert_eq!(
            reply.header("content-type"),
            "application/problem+json",
            "{reply:?}"
        );
        assert!(!reply.text.contains("SELECT"), "{reply:?}");
        // An answer to HEAD has the headers and no body.
        if reply.text.is_empty() {
            return;
        }
        let text = |member: &str| reply.body[member].as_str().unwrap_or_default().to_owned();
        let slug = text("code").replace('_', "-");
        assert_eq!(text("type"), format!("{}/problems/{slug}", self.base));
        assert_eq!(reply.body["status"], reply.status.as_u16(), "{reply:?}");
        assert_eq!(text("request_id"), reply.header("x-request-id"));
        assert!(text("instance").starts_with("urn:uuid:"), "{reply:?}");
        assert!(!text("title").is_empty() && !text("detail").is_empty());
    }
}

impl Reply {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Asserts status and code of a problem.
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.body["code"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> &[Value] {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.body["items"].as_array().unwrap()
    }

    /// Where the single bad field or parameter of a problem is.
    pub(crate) fn bad_place(&self) -> &str {
        assert_eq!(self.body["errors"].as_array().unwrap().len(), 1, "{self:?}");
        let error = &self.body["errors"][0];
        error["pointer"]
            .as_str()
            .or(error["parameter"].as_str())
            .unwrap()
    }
}
