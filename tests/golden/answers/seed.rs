//! The database that is asked: two tenants with people, objects that changed, groups, runs in every
//! state. Each object is written by a statement of its own, so that lists by time have one order.

use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::directory::{GroupState, GroupUpdate};
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{RunId, WorkerId};
use atlas_domain::inventory::{JsonText, Observation, TypeResult, TypeStatus};
use atlas_domain::policy_types::registry;
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{Claim, Completion, OperationKind, Outcome, RunCounts, RunInputs};
use atlas_graph_sim::{SimulatorOptions, UserToken};
use atlas_queue::Doorbell;
use atlas_store::WorkerReport;
use atlas_test_support::{Member, Scenario, TestRedis, TestTenant};
use serde_json::{Value, json};

use super::api::{Api, parts};
use super::client::Client;
use super::objects::{app, group, named, tag};
use crate::installation::{Installation, REPORTED_VERSION, dead_doorbell, queue, token, user};
use crate::masks::Masks;

/// Mobile apps and scope tags.
const SELECTION: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": true}"#;
const HOUR: Duration = Duration::from_secs(3_600);

/// Everything that questions are about.
pub(super) struct Seed {
    pub(super) installation: Installation,
    _redis: TestRedis,
    api: Api,
    pub(super) unreachable_queue: Api,
    pub(super) contoso: TestTenant,
    pub(super) fabrikam: TestTenant,
    pub(super) unconnected: TestTenant,
    pub(super) disabled: TestTenant,
    pub(super) owner: Member,
    pub(super) operator: Member,
    pub(super) reader: Member,
    pub(super) stranger: Member,
    pub(super) administrator: Member,
    pub(super) revoked: String,
    pub(super) expired: String,
    pub(super) graph_token: String,
    pub(super) foreign_graph_token: String,
    /// Ended: succeeded, partially succeeded, failed.
    pub(super) ended: [RunId; 3],
    pub(super) groups_run: RunId,
    pub(super) queued: RunId,
    pub(super) running: RunId,
}

impl Seed {
    pub(super) async fn sow() -> Self {
        let installation = Installation::with(SimulatorOptions {
            groups: 5,
            ..SimulatorOptions::default()
        })
        .await;
        let store = &installation.store;
        let (contoso, operator) = installation.tenant(1, "Contoso").await;
        let (fabrikam, stranger) = installation.tenant(2, "Fabrikam").await;
        let (disabled, _) = installation.tenant(3, "Disabled").await;
        let (unconnected, _) = installation.tenant(4, "Unconnected").await;
        let owner = installation.member(contoso.id, "owner", Role::Owner).await;
        for tenant in [disabled, unconnected] {
            let set = store.set_member(tenant.id, owner.id, Role::Manager);
            set.await.unwrap();
        }
        let reader = installation
            .member(contoso.id, "reader", Role::Readonly)
            .await;
        let administrator = user(store, "administrator").await;
        let revoked = token(store, owner.id, "revoked").await;
        let expired = token(store, owner.id, "expired").await;
        installation
            .execute(&format!(
                "UPDATE users SET is_operator = true WHERE email = 'administrator@example.test'; \
                 UPDATE api_tokens SET revoked_at = now() WHERE name = 'revoked'; \
                 UPDATE api_tokens SET expires_at = now() - interval '1 h' WHERE name = 'expired'; \
                 UPDATE tenants SET enabled = false WHERE id = '{}'; \
                 DELETE FROM tenant_credentials WHERE tenant_id = '{}'",
                disabled.id, unconnected.id
            ))
            .await;

        let sower = Sower {
            installation: &installation,
            tenant: contoso,
            member: &operator,
        };
        let ended = sower.inventory().await;
        let groups_run = sower.groups().await;
        let (queued, running) = sower.active().await;
        let elsewhere = Sower {
            tenant: fabrikam,
            member: &stranger,
            ..sower
        };
        elsewhere.synced(&[app(1, 1)], &[]).await;
        for (name, draining) in [("worker-1", false), ("worker-2", true)] {
            let report = WorkerReport {
                id: WorkerId::from_name(name.to_owned()),
                version: REPORTED_VERSION.to_owned(),
                host: "host".to_owned(),
                slots: 4,
                draining,
            };
            store.report_worker(&report).await.unwrap();
        }
        let groups = OperationKind::DirectoryGroupsSync;
        store.pause(groups, "sam", Some("upgrade")).await.unwrap();

        let graph = installation.simulator.base_url().to_owned();
        let graph_token = |tenant: TestTenant| {
            let wanted = UserToken {
                audience: "https://graph.microsoft.com".to_owned(),
                scopes: "Group.Read.All".to_owned(),
                ..UserToken::default()
            };
            let directory = tenant.directory_id.to_string();
            installation.simulator.user_token(&directory, &wanted)
        };
        let redis = TestRedis::create();
        let doorbell = Doorbell::new(&queue(&redis)).unwrap();
        let dead = dead_doorbell();
        Self {
            graph_token: graph_token(contoso),
            foreign_graph_token: graph_token(fabrikam),
            api: Api::start(parts(store.clone(), doorbell), Some(&graph)),
            unreachable_queue: Api::start(parts(store.clone(), dead), Some(&graph)),
            _redis: redis,
            installation,
            contoso,
            fabrikam,
            unconnected,
            disabled,
            owner,
            operator,
            reader,
            stranger,
            administrator,
            revoked,
            expired,
            ended,
            groups_run,
            queued,
            running,
        }
    }

    /// A caller of the API who knows the names of what was sown.
    pub(super) fn client(&self) -> Client {
        self.client_of(&self.api)
    }

    /// The same for another API.
    pub(super) fn client_of(&self, api: &Api) -> Client {
        let mut masks = Masks::default();
        masks.call(&self.contoso.id, "contoso");
        masks.call(&self.fabrikam.id, "fabrikam");
        masks.call(&self.unconnected.id, "unconnected");
        masks.call(&self.disabled.id, "disabled");
        for (member, name) in [
            (&self.owner, "owner"),
            (&self.operator, "operator"),
            (&self.reader, "reader"),
            (&self.stranger, "stranger"),
            (&self.administrator, "administrator"),
        ] {
            masks.call(&member.id, name);
        }
        for (run, name) in self.ended.iter().zip(["succeeded", "partial", "failed"]) {
            masks.call(run, format!("{name} run"));
        }
        masks.call(&self.groups_run, "groups run");
        masks.call(&self.queued, "queued run");
        masks.call(&self.running, "running run");
        masks.replace(self.installation.simulator.base_url(), "<graph>");
        Client::new(&api.base, masks)
    }

    /// The address of something of Contoso.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/tenants/{}/{rest}", self.contoso.id)
    }

    /// An owner, with a name and a token.
    pub(super) fn as_owner(&self) -> (&str, &str) {
        ("owner", &self.owner.token)
    }

    pub(super) fn as_operator(&self) -> (&str, &str) {
        ("operator", &self.operator.token)
    }

    pub(super) fn as_reader(&self) -> (&str, &str) {
        ("reader", &self.reader.token)
    }

    pub(super) fn as_stranger(&self) -> (&str, &str) {
        ("stranger", &self.stranger.token)
    }

    pub(super) fn as_administrator(&self) -> (&str, &str) {
        ("administrator", &self.administrator.token)
    }
}

/// Writes as a worker does.
#[derive(Clone, Copy)]
struct Sower<'a> {
    installation: &'a Installation,
    tenant: TestTenant,
    member: &'a Member,
}

impl Sower<'_> {
    async fn claim(&self) -> Claim {
        let terms = LeaseTerms {
            worker_id: WorkerId::from_name("worker-1".to_owned()),
            duration: HOUR,
        };
        let claim = self.installation.store.claim_next(&terms).await.unwrap();
        claim.unwrap()
    }

    /// A run that a worker has begun.
    async fn begun(&self) -> Claim {
        let store = &self.installation.store;
        let scenario = &self.installation.scenario;
        let (tenant, user) = (self.tenant.id, self.member.id);
        scenario.queued_run(tenant, user, SELECTION).await;
        let claim = self.claim().await;
        let selection = claim.inputs.selection().unwrap();
        let keys = ["mobileApp", "roleScopeTag"].map(|key| registry().find(key).unwrap());
        store
            .begin_sync(&claim.lease, claim.initiator_id, selection, &keys)
            .await
            .unwrap();
        claim
    }

    /// A sync that sees these objects and no others of their types; those with a failure were not
    /// read.
    async fn synced(&self, seen: &[Observation], failed: &[(&str, Failure)]) -> RunId {
        let store = &self.installation.store;
        let claim = self.begun().await;
        let (run, lease) = (claim.lease.run_id, &claim.lease);
        for observation in seen {
            let page = std::slice::from_ref(observation);
            store.store_page(lease, page).await.unwrap();
        }
        let mut results = Vec::new();
        for word in ["mobileApp", "roleScopeTag"] {
            let key = registry().find(word).unwrap();
            let mut result = TypeResult {
                status: TypeStatus::Succeeded,
                pages: 1,
                seen: seen.iter().filter(|one| one.policy_type == key).count() as u64,
                ..TypeResult::pending(key)
            };
            if let Some((_, failure)) = failed.iter().find(|(failed, _)| *failed == word) {
                result.status = TypeStatus::Failed;
                result.error = Some(failure.clone());
            } else {
                store.mark_missing(lease, &[key]).await.unwrap();
                store.read_to_end(lease, &[key]).await.unwrap();
            }
            results.push(store.record_result(lease, &result).await.unwrap());
        }
        store.find_dangling(lease, &[]).await.unwrap();
        let completion = Completion::of_results(&results);
        store.finish(claim, &completion, None).await.unwrap();
        run
    }

    async fn inventory(&self) -> [RunId; 3] {
        let first: Vec<_> = (1..=5).map(|n| app(n, 1)).chain([tag(1), tag(7)]).collect();
        let succeeded = self.synced(&first, &[]).await;
        // One changed, one was reassigned, one is gone.
        let reassigned = Observation {
            assignments_hash: Some([2; 32]),
            assignments: Some(JsonText::of(&json!([{"target": "group-2"}]))),
            ..app(2, 1)
        };
        let second = [app(1, 2), reassigned, app(3, 1), app(4, 1)];
        let mut forbidden = Failure::permanent(
            FailureCode::PERMISSION_MISSING,
            "Microsoft Graph refused access: the application lacks a permission.",
        )
        .with_hint("Grant the application permission DeviceManagementRBAC.Read.All.");
        forbidden.missing_permissions = vec!["DeviceManagementRBAC.Read.All".to_owned()];
        let partial = self.synced(&second, &[("roleScopeTag", forbidden)]).await;
        // And back again.
        let all: Vec<_> = (1..=5).map(|n| app(n, 2)).chain([tag(1)]).collect();
        self.synced(&all, &[]).await;
        let throttled = Failure::transient(FailureCode::GRAPH_THROTTLED, "Asked to slow down.");
        let failed = [
            ("mobileApp", throttled.clone()),
            ("roleScopeTag", throttled),
        ];
        let failed = self.synced(&[], &failed).await;
        [succeeded, partial, failed]
    }

    async fn groups(&self) -> RunId {
        let names = [
            "Sales Berlin",
            "sales Oslo",
            "Presales",
            "Marketing",
            "Über 100% fair",
        ];
        let news: Vec<_> = (1..).zip(names).map(|(n, name)| named(n, name)).collect();
        self.groups_synced(&news).await;
        let gone = GroupUpdate {
            id: group(5),
            state: GroupState::Gone,
        };
        self.groups_synced(&[gone, named(1, "Sales Berlin East")])
            .await
    }

    async fn groups_synced(&self, news: &[GroupUpdate]) -> RunId {
        let store = &self.installation.store;
        let start = Scenario::start_of(RunInputs::DirectoryGroupsSync);
        let (tenant, user) = (self.tenant.id, self.member.id);
        self.installation.scenario.queued(tenant, user, start).await;
        let claim = self.claim().await;
        store.store_groups(&claim.lease, news).await.unwrap();
        let read = store.groups_read_to_end(&claim.lease, "link", true);
        read.await.unwrap();
        let run = claim.lease.run_id;
        let completion = Completion {
            outcome: Outcome::Succeeded,
            counts: RunCounts::none(OperationKind::DirectoryGroupsSync),
            error: None,
        };
        store.finish(claim, &completion, None).await.unwrap();
        run
    }

    /// A run that waits for the tenant, and the running one.
    async fn active(&self) -> (RunId, RunId) {
        let running = self.begun().await.lease.run_id;
        let other = r#"{"policy_types": ["policySet"], "include_foundations": false}"#;
        let scenario = &self.installation.scenario;
        let queued = scenario
            .queued_run(self.tenant.id, self.member.id, other)
            .await;
        (queued, running)
    }
}

/// The identifier of the first item of a list.
pub(super) fn first_id(list: &Value) -> String {
    list["items"][0]["id"].as_str().unwrap().to_owned()
}
