//! Sign-ins that fail, one by one and in floods: what they cost, and what is recorded of them.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::access::api_token::ApiToken;
use atlas_domain::clock::{Clock as _, SystemClock, SystemEntropy};
use atlas_test_support::{Scenario, TestDatabase, TestRedis, eventually};
use futures::StreamExt as _;
use futures::stream;
use tokio::process::{Child, Command};

/// The program, whose log is read when it has ended.
struct Program {
    served: Child,
    base: String,
}

impl Program {
    async fn start(database: &TestDatabase, redis: &TestRedis, variables: &[(&str, &str)]) -> Self {
        let address_file = std::env::temp_dir().join(format!("{}.address", redis.namespace()));
        let served = Command::new(env!("CARGO_BIN_EXE_atlas-api"))
            .env_clear()
            .env("DATABASE_URL", database.url())
            .env("REDIS_URL", redis.url())
            .env("ATLAS_QUEUE_NAMESPACE", redis.namespace())
            .env("ATLAS_LISTEN", "127.0.0.1:0")
            .env("ATLAS_ADDRESS_FILE", &address_file)
            .env("ATLAS_LOG_FORMAT", "json")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let address: SocketAddr = eventually("the address file", async || {
            std::fs::read_to_string(&address_file).ok()
        })
        .await
        .parse()
        .unwrap();
        std::fs::remove_file(&address_file).unwrap();
        Self {
            served,
            base: format!("http://{address}"),
        }
    }

    /// Stops the program in good order, and returns the lines of its log.
    async fn log(self) -> Vec<String> {
        let pid = self.served.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(killed.unwrap().success());
        let ended = self.served.wait_with_output();
        let output = tokio::time::timeout(Duration::from_secs(30), ended).await;
        let text = String::from_utf8(output.unwrap().unwrap().stderr).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_with_an_expired_token_costs_a_few_statements_and_lines() {
    let (database, redis) = (TestDatabase::create().await, TestRedis::create());
    let store = database.store();
    let user = store.add_user("a@example.test", "A").await.unwrap();
    let token = ApiToken::mint(&SystemEntropy);
    let past = SystemClock.now() - chrono::TimeDelta::hours(1);
    let (hash, last_four) = (token.hash(), token.last_four());
    let made = store.create_token(user, "old", &hash, &last_four, Some(past));
    made.await.unwrap();
    let program = Program::start(&database, &redis, &[]).await;
    let http = reqwest::Client::new();
    let url = format!("{}/me", program.base);
    let statuses: Vec<u16> = stream::iter(0..1_000)
        .map(|_| {
            let request = http.get(&url).bearer_auth(token.reveal());
            async move { request.send().await.unwrap().status().as_u16() }
        })
        .buffer_unordered(32)
        .collect()
        .await;
    let refused = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!(refused(401) + refused(429), 1_000);
    assert!((600..800).contains(&refused(401)), "{}", refused(401));

    let log = program.log().await;
    let lines = log.iter().filter(|line| line.contains("refused"));
    let lines = lines.count();
    assert!((2..=30).contains(&lines), "{lines}: {log:?}");
    assert!(log.len() < lines + 10, "{log:?}");
    assert!(
        log.iter().any(|line| line.contains("127.0.0.1 (")),
        "{log:?}"
    );

    // The program's connections have ended, and with them their statistics are written.
    let connection = database.connection().await;
    let scans = eventually("the statistics", async || {
        let sql = "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) \
            FROM pg_stat_user_tables WHERE relname = 'api_tokens'";
        let scans: i64 = connection.query_one(sql, &[]).await.unwrap().get(0);
        (scans > 0).then_some(scans)
    })
    .await;
    assert!(scans <= 20, "{scans} look-ups");
    let sql = "SELECT sum((detail ->> 'count')::bigint)::bigint, count(*) FROM audit_events \
        WHERE action = 'sign_in.refused' AND target_id = 'token_expired' \
            AND address = '127.0.0.1' AND outcome = 'denied'";
    let row = connection.query_one(sql, &[]).await.unwrap();
    let (sum, entries): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(usize::try_from(sum).unwrap(), refused(401));
    assert!(entries <= 4, "{entries} entries");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_callers_address_is_in_both_logs_and_has_a_quota_of_its_own() {
    let (database, redis) = (TestDatabase::create().await, TestRedis::create());
    let variables = [
        ("ATLAS_TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8"),
        ("ATLAS_RATE_LIMIT", "2"),
    ];
    let program = Program::start(&database, &redis, &variables).await;
    let http = reqwest::Client::new();
    let get = async |path: &str, forwarded: &str| {
        let request = http
            .get(format!("{}{path}", program.base))
            .bearer_auth("tap_guess")
            .header("x-forwarded-for", forwarded)
            .header("user-agent", "probe/1");
        request.send().await.unwrap().status().as_u16()
    };
    let caller = "198.51.100.1, 203.0.113.9, 10.1.1.1";
    assert_eq!(get("/me", caller).await, 401);
    assert_eq!(get("/me", caller).await, 401);
    assert_eq!(get("/me", caller).await, 429);
    assert_eq!(get("/me", "203.0.113.10").await, 401);
    assert_eq!(get("/policy-types", "203.0.113.11, nonsense").await, 401);
    for _ in 0..5 {
        assert_eq!(get("/healthz", caller).await, 200);
        assert_eq!(get("/readyz", caller).await, 200);
    }
    assert_eq!(get("/version", "203.0.113.12").await, 200);
    let scenario = Scenario::new(&database.store());
    let tenant = scenario.tenant("Contoso").await;
    let member = scenario.member(tenant.id, Role::Operator).await;
    let me = http.get(format!("{}/me", program.base));
    let me = me
        .bearer_auth(&member.token)
        .header("user-agent", "probe/1");
    assert_eq!(me.send().await.unwrap().status(), 200);
    let log = program.log().await;
    let with = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert!(with("203.0.113.9 (") >= 1, "{log:?}");
    assert_eq!(with("203.0.113.12"), 1, "{log:?}");
    assert!(with("probe/1") >= 1, "{log:?}");
    for absent in ["198.51.100.1", "203.0.113.11", "healthz", "readyz"] {
        assert_eq!(with(absent), 0, "{absent}: {log:?}");
    }
    let connection = database.connection().await;
    let sql = "SELECT address, sum((detail ->> 'count')::bigint)::bigint FROM audit_events \
        WHERE action = 'sign_in.refused' AND user_agent = 'probe/1' GROUP BY 1 ORDER BY 1";
    let rows = connection.query(sql, &[]).await.unwrap();
    let found: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [("127.0.0.1", 1), ("203.0.113.10", 1), ("203.0.113.9", 2)];
    assert_eq!(
        found,
        expected.map(|(address, sum)| (address.to_owned(), sum)),
        "{log:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_token_costs_no_line_each_and_pages_count_against_the_quota() {
    let (database, redis) = (TestDatabase::create().await, TestRedis::create());
    let program = Program::start(&database, &redis, &[("ATLAS_RATE_LIMIT", "50")]).await;
    let address = program.base.trim_start_matches("http://").to_owned();
    for head in [
        &b"GET / NONSENSE\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ] {
        for _ in 0..50 {
            let mut stream = std::net::TcpStream::connect(&address).unwrap();
            stream.write_all(head).unwrap();
            let _ = stream.shutdown(std::net::Shutdown::Write);
            // Answered or closed, it was read.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
    let http = reqwest::Client::new();
    let mut statuses = Vec::new();
    for path in [
        "/openapi.json",
        "/version",
        "/view/operation-runs/1",
        "/problems",
    ] {
        for _ in 0..25 {
            let answer = http.get(format!("{}{path}", program.base)).send().await;
            statuses.push(answer.unwrap().status().as_u16());
        }
    }
    let exceeded = statuses.iter().filter(|status| **status == 429).count();
    assert!((40..=50).contains(&exceeded), "{statuses:?}");
    let health = http.get(format!("{}/healthz", program.base)).send().await;
    assert_eq!(health.unwrap().status(), 200);
    let log = program.log().await;
    assert!(log.len() < 30, "{}: {log:#?}", log.len());
    let sums = log
        .iter()
        .filter(|line| line.contains("answered without a token"));
    assert!(sums.count() > 0, "{log:#?}");
}

#[tokio::test]
async fn an_entry_of_the_audit_log_has_the_address_and_the_program_of_the_caller() {
    let stage = crate::harness::Stage::set().await;
    let path = stage.path("inventory-sync");
    let request = stage
        .api
        .request(reqwest::Method::POST, &path)
        .bearer_auth(&stage.operator.token)
        .header("user-agent", "browser/7")
        .header("x-forwarded-for", "203.0.113.9");
    let started = stage.api.send(request).await;
    assert_eq!(started.status, 202);
    let run = started.body["run"]["id"].as_str().unwrap();
    let request = stage
        .api
        .request(
            reqwest::Method::POST,
            &format!("/operation-runs/{run}/cancel"),
        )
        .bearer_auth(&stage.operator.token)
        .header("user-agent", "browser/8");
    assert_eq!(stage.api.send(request).await.status, 200);
    let sql = "SELECT action, address, user_agent FROM audit_events WHERE actor_kind = 'user' \
        AND action <> 'operation_run.completed' ORDER BY occurred_at, id";
    let rows = stage.database.connection().await.query(sql, &[]).await;
    let found: Vec<(String, String, String)> = rows
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let entry = |action: &str, program: &str| {
        (
            action.to_owned(),
            "127.0.0.1".to_owned(),
            program.to_owned(),
        )
    };
    assert_eq!(
        found,
        [
            entry("operation_run.started", "browser/7"),
            entry("operation_run.cancelled", "browser/8"),
        ]
    );
}
