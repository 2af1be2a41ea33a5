//! Groups of directories: stored ones, found by name and by id, and live ones with the caller's own
//! token, of which nothing stays.

use atlas_domain::directory::{GroupPatch, GroupState, GroupUpdate};
use atlas_domain::ids::{GroupId, WorkerId};
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{Completion, RunInputs};
use atlas_graph_sim::{
    Effect, FaultRule, PathMatch, RetryAfter, Simulator, SimulatorOptions, UserToken,
};
use atlas_test_support::Scenario;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Reply, Stage};

const HEADER: &str = "x-graph-token";

pub(crate) fn id(number: usize) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

pub(crate) fn named(number: usize, name: &str) -> GroupUpdate {
    let patch = GroupPatch {
        name: Some(name.to_owned().into()),
        security: Some(true),
        unified: Some(number.is_multiple_of(2)),
        ..GroupPatch::default()
    };
    GroupUpdate {
        id: id(number),
        state: GroupState::Present(patch),
    }
}

impl Stage {
    /// A sync of groups that read this.
    pub(crate) async fn sync_groups(&self, news: &[GroupUpdate]) {
        let start = Scenario::start_of(RunInputs::DirectoryGroupsSync);
        let (tenant, user) = (self.tenant.id, self.operator.id);
        self.scenario.queued(tenant, user, start).await;
        let terms = LeaseTerms {
            worker_id: WorkerId::from_name("worker-1".to_owned()),
            duration: std::time::Duration::from_secs(45),
        };
        let claim = self.store.claim_next(&terms).await.unwrap().unwrap();
        self.store.store_groups(&claim.lease, news).await.unwrap();
        let read = self.store.groups_read_to_end(&claim.lease, "link", true);
        read.await.unwrap();
        let completion = Completion::of_results(&[]);
        self.store.finish(claim, &completion, None).await.unwrap();
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let path = self.path(&format!("directory-groups?{query}"));
        names(&self.get(&path).await)
    }

    async fn search(&self, token: Option<&str>, body: &Value) -> Reply {
        let path = self.path("directory-groups/search");
        let request = self.api.request(reqwest::Method::POST, &path);
        let request = request.bearer_auth(&self.operator.token).json(body);
        self.api
            .send(match token {
                Some(token) => request.header(HEADER, token),
                None => request,
            })
            .await
    }

    /// Everything that the database holds, as text.
    async fn rows(&self) -> String {
        let connection = self.database.connection().await;
        let row = connection
            .query_one(
                "SELECT coalesce(string_agg(table_to_xml(c.oid::regclass, true, false, '')::text, ''), '') \
                 FROM pg_class c WHERE c.relkind = 'r' \
                    AND c.relnamespace = 'public'::regnamespace",
                &[],
            )
            .await;
        row.unwrap().get(0)
    }
}

fn names(reply: &Reply) -> Vec<String> {
    let items = reply.items().iter();
    items
        .map(|group| group["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn stored_groups_are_found_by_beginning_by_part_and_by_likeness_in_pages() {
    let stage = Stage::set().await;
    let empty = stage.get(&stage.path("directory-groups")).await;
    assert!(empty.items().is_empty());
    assert_eq!(empty.body["source"], "cache");
    assert!(empty.body.get("data_as_of").is_none());
    let hint = empty.body["hint"].as_str().unwrap();
    assert!(hint.contains("directory-groups-sync"), "{hint}");

    let all = [
        "Sales Berlin",
        "sales Oslo",
        "Presales",
        "Über 100% fair",
        "Marketing",
        "Sails Team",
    ];
    let mut news: Vec<_> = (0..).zip(all).map(|(at, name)| named(at, name)).collect();
    news.push(named(90, "Gone Sales"));
    stage.sync_groups(&news).await;
    let gone = GroupUpdate {
        id: id(90),
        state: GroupState::Gone,
    };
    stage.sync_groups(&[gone]).await;

    assert_eq!(
        stage.found("q=SALES").await,
        ["Sales Berlin", "sales Oslo", "Presales"]
    );
    assert_eq!(
        stage.found("q=sa").await,
        ["Sails Team", "Sales Berlin", "sales Oslo"]
    );
    assert_eq!(stage.found("q=merketing").await, ["Marketing"]);
    assert_eq!(stage.found("q=100%25").await, ["Über 100% fair"]);
    let found = stage.found("q=%C3%9CBER").await;
    assert_eq!(found[0], "Über 100% fair");
    assert!(stage.found("q=___").await.is_empty());
    assert_eq!(stage.found("q=sales&type=security").await, ["sales Oslo"]);
    assert_eq!(
        stage.found("type=microsoft_365").await,
        ["Marketing", "Presales", "Sales Berlin"]
    );

    // Page by page the same, over all three ways to be found.
    let mut paged = Vec::new();
    let mut path = stage.path("directory-groups?q=sales&limit=1");
    loop {
        let reply = stage.get(&path).await;
        assert!(reply.body["data_as_of"].is_string());
        paged.extend(names(&reply));
        let Some(cursor) = reply.body["next_cursor"].as_str() else {
            break;
        };
        path = stage.path(&format!("directory-groups?q=sales&limit=1&cursor={cursor}"));
    }
    assert_eq!(paged, ["Sales Berlin", "sales Oslo", "Presales"]);
    for bad in ["q=", "type=nonsense", "q=%00", "limit=0"] {
        let reply = stage
            .get(&stage.path(&format!("directory-groups?{bad}")))
            .await;
        reply.is_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn ids_are_resolved_to_names_also_of_groups_that_are_gone_and_unknown_ones_are_listed() {
    let stage = Stage::set().await;
    stage
        .sync_groups(&[named(1, "Here"), named(2, "Gone")])
        .await;
    let gone = GroupUpdate {
        id: id(2),
        state: GroupState::Gone,
    };
    stage.sync_groups(&[gone]).await;
    let path = stage.path("directory-groups/resolve");
    let ask = async |body: Value| {
        let body = body.to_string();
        stage.api.post(&path, &stage.operator.token, &body).await
    };
    let reply = ask(json!({"ids": [id(1).to_string(), id(2).to_string(), id(3).to_string()]}));
    let reply = reply.await;
    assert_eq!(names(&reply), ["Here", "Gone"]);
    assert!(reply.items()[0].get("removed_at").is_none());
    assert!(reply.items()[1]["removed_at"].is_string());
    assert_eq!(reply.body["unresolved"], json!([id(3).to_string()]));

    stage.sync_groups(&[named(0xabc, "Letters")]).await;
    let upper = id(0xabc).to_string().to_uppercase();
    assert_eq!(names(&ask(json!({"ids": [upper]})).await), ["Letters"]);

    let many = vec![id(1).to_string(); 101];
    for body in [
        json!({}),
        json!({"ids": []}),
        json!({"ids": many}),
        json!({"ids": ["x"]}),
    ] {
        ask(body).await.is_problem(400, "validation_failed");
    }
}

/// An API with a simulated Microsoft, and a token of a user of the tenant's directory.
async fn with_graph() -> (Stage, Simulator, String) {
    let simulator = Simulator::start(SimulatorOptions::default()).await;
    let url = simulator.base_url().parse().unwrap();
    let stage = Stage::set_with(|options| options.graph_url = Some(url)).await;
    let token = user_token(&simulator, &stage.tenant.directory_id.to_string());
    (stage, simulator, token)
}

fn user_token(simulator: &Simulator, directory: &str) -> String {
    simulator.user_token(
        directory,
        &UserToken {
            audience: "https://graph.microsoft.com".to_owned(),
            scopes: "Group.Read.All".to_owned(),
            ..UserToken::default()
        },
    )
}

#[tokio::test]
async fn a_live_search_finds_what_the_directory_shows_and_leaves_nothing_of_the_token() {
    let (stage, simulator, token) = with_graph().await;
    let directory = stage.tenant.directory_id.to_string();
    let groups = simulator.groups(&directory);
    let name = groups[0]["displayName"].as_str().unwrap();
    let word = name.split_whitespace().next().unwrap();
    let tenant = stage.get(&format!("/tenants/{}", stage.tenant.id)).await;
    assert_eq!(
        tenant.body["capabilities"]["directory_search"]["available"],
        true
    );

    simulator.clear_log();
    let reply = stage
        .search(Some(&token), &json!({"q": word, "limit": 100}))
        .await;
    assert!(names(&reply).iter().any(|found| found == name), "{reply:?}");
    assert_eq!(reply.body["source"], "live");
    assert!(
        simulator
            .log()
            .iter()
            .all(|entry| entry.path == "/v1.0/groups")
    );
    // What is typed cannot leave its quotation marks.
    let reply = stage
        .search(Some(&token), &json!({"q": r#"x" OR "displayName:"#}))
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.items().is_empty());

    // Nothing of it is anywhere, and nobody else is answered from it.
    let kept = format!("{} {}", stage.rows().await, stage.messages().concat());
    assert!(kept.contains("Contoso"));
    for part in token.split('.') {
        assert!(!kept.contains(part));
        assert!(!format!("{reply:?}").contains(part));
    }
    let asked = simulator.log().len();
    let again = stage.search(None, &json!({"q": word})).await;
    again.is_problem(403, "delegated_token_required");
    assert_eq!(simulator.log().len(), asked);
    assert!(
        stage.found(&format!("q={word}")).await.is_empty(),
        "it is not stored"
    );
}

#[tokio::test]
async fn a_live_search_refuses_what_is_no_token_of_a_user_of_this_directory() {
    let (stage, simulator, token) = with_graph().await;
    let other = user_token(&simulator, &Uuid::from_u128(77).to_string());
    let application = simulator.user_token(
        &stage.tenant.directory_id.to_string(),
        &UserToken {
            scopes: String::new(),
            ..UserToken::default()
        },
    );
    simulator.clear_log();
    let body = json!({"q": "team"});
    for bad in [
        None,
        Some("nonsense"),
        Some(other.as_str()),
        Some(application.as_str()),
    ] {
        let reply = stage.search(bad, &body).await;
        reply.is_problem(403, "delegated_token_required");
        assert_eq!(reply.body["header"], "X-Graph-Token");
    }
    assert!(simulator.log().is_empty(), "Graph is not asked");
    for bad in [
        json!({}),
        json!({"q": "a"}),
        json!({"q": "ab", "limit": 101}),
    ] {
        stage
            .search(Some(&token), &bad)
            .await
            .is_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn refusals_of_graph_are_passed_on_with_claims_and_waits_and_without_its_words() {
    let (stage, simulator, token) = with_graph().await;
    let groups = || PathMatch::exact("/v1.0/groups");
    let body = json!({"q": "team"});
    simulator.fault(FaultRule::once(groups(), Effect::ClaimsChallenge));
    let reply = stage.search(Some(&token), &body).await;
    reply.is_problem(403, "delegated_token_required");
    assert!(
        reply.body["claims"]
            .as_str()
            .unwrap()
            .contains("access_token")
    );

    simulator.clear_faults();
    let token = user_token(&simulator, &stage.tenant.directory_id.to_string());
    let retry_after = RetryAfter::Seconds(17);
    simulator.fault(FaultRule::once(groups(), Effect::Throttled { retry_after }));
    let reply = stage.search(Some(&token), &body).await;
    reply.is_problem(503, "upstream_throttled");
    assert_eq!(reply.headers["retry-after"], "17");

    simulator.clear_faults();
    let broken = Effect::Answer {
        status: 500,
        body: "upstream words".to_owned(),
    };
    simulator.fault(FaultRule::once(groups(), broken));
    let reply = stage.search(Some(&token), &body).await;
    reply.is_problem(502, "upstream_error");
    assert!(!reply.text.contains("upstream words"));
}
