//! What tenants' applications prove themselves with shows up nowhere: not in logs at their most
//! talkative, not in answers, not in any column, not in Redis, not in what Graph was asked.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use atlas_domain::access::Role;
use atlas_domain::ids::TenantId;
use atlas_domain::tenant::StoredProof;
use atlas_store::NewCredential;
use atlas_test_support::{Identity, Member, SIMULATOR_CLIENT_ID, SIMULATOR_SECRET, TestTenant};
use redis::Value as Kept;
use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;

use crate::installation::Installation;

const WRONG_SECRET: &str = "Q~not-what-was-agreed-upon";
const ISSUER: &str = "https://issuer.example.test/";
const SUBJECT: &str = "system:serviceaccount:atlas:worker";
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// What access tokens of the simulator begin with, before 32 hexadecimal digits.
const ACCESS_TOKEN: &str = "sim-";
/// What JSON Web Tokens begin with: `{"` in base64.
const WEB_TOKEN: &str = "eyJ";

/// A place and what stands there.
pub(crate) type Place = (String, String);

/// What must not be found.
pub(crate) struct Secrets(pub(crate) Vec<String>);

impl Secrets {
    /// Where one of them stands, as it is or as `bytea` is written, and where anything stands that
    /// looks like a token.
    pub(crate) fn found(&self, places: &[Place]) -> Vec<String> {
        let mut found = Vec::new();
        for (place, text) in places {
            for secret in &self.0 {
                let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
                if text.contains(secret.as_str()) || text.contains(&hex) {
                    found.push(format!("{place}: {secret}"));
                }
            }
            found.extend(tokens(text).map(|token| format!("{place}: {token}")));
        }
        found
    }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let access = text.match_indices(ACCESS_TOKEN).filter_map(|(at, mark)| {
        let digits = text.get(at + mark.len()..at + mark.len() + 32)?;
        let is_token = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_token.then_some(&text[at..at + mark.len() + 32])
    });
    let web = text.match_indices(WEB_TOKEN).filter_map(|(at, _)| {
        let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let rest = &text[at..];
        let end = rest.find(|c| !is_inside(c))?;
        (end > 16 && rest[end..].starts_with('.')).then_some(&rest[..end])
    });
    access.chain(web)
}

/// Everything that is kept or shown anywhere.
pub(crate) struct Everywhere<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) members: Vec<(TestTenant, Member)>,
}

impl Everywhere<'_> {
    pub(crate) async fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for entry in std::fs::read_dir(self.installation.folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let text = std::fs::read(&path).unwrap();
                let name = format!("log {}", path.display());
                places.push((name, String::from_utf8_lossy(&text).into_owned()));
            }
        }
        let asked = Value::Array(self.installation.asked().await);
        places.push(("request log".to_owned(), asked.to_string()));
        self.rows(&mut places).await;
        self.kept_in_redis(&mut places).await;
        self.answers(&mut places).await;
        places
    }

    /// Every row of every table, as PostgreSQL writes it.
    async fn rows(&self, places: &mut Vec<Place>) {
        let connection = self.installation.database.connection().await;
        let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        for table in connection.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let statement = format!("SELECT t::text FROM {table} t");
            for message in connection.simple_query(&statement).await.unwrap() {
                if let SimpleQueryMessage::Row(row) = message {
                    places.push((format!("table {table}"), row.get(0).unwrap().to_owned()));
                }
            }
        }
    }

    /// Every key of this installation, and what it holds.
    async fn kept_in_redis(&self, places: &mut Vec<Place>) {
        let client = redis::Client::open(self.installation.redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let pattern = format!("*{}*", self.installation.redis.namespace());
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(pattern)
            .query_async(&mut connection)
            .await
            .unwrap();
        for key in keys {
            let kind: String = redis::cmd("TYPE")
                .arg(&key)
                .query_async(&mut connection)
                .await
                .unwrap();
            let mut read = match kind.as_str() {
                "string" => redis::cmd("GET"),
                "hash" => redis::cmd("HGETALL"),
                "set" => redis::cmd("SMEMBERS"),
                "list" => redis::cmd("LRANGE"),
                "zset" => redis::cmd("ZRANGE"),
                "stream" => redis::cmd("XRANGE"),
                // It went meanwhile.
                "none" => continue,
                other => panic!("{key} is of an unknown kind: {other}"),
            };
            read.arg(&key);
            match kind.as_str() {
                "list" | "zset" => read.arg(0).arg(-1),
                "stream" => read.arg("-").arg("+"),
                _ => &mut read,
            };
            let held: Kept = read.query_async(&mut connection).await.unwrap();
            let mut text = String::new();
            write_out(&held, &mut text);
            places.push((format!("Redis {key}"), format!("{key} {text}")));
        }
    }

    /// What the API shows each member.
    async fn answers(&self, places: &mut Vec<Place>) {
        for (tenant, member) in &self.members {
            let below = format!("/tenants/{}", tenant.id);
            let mut paths: Vec<String> = [
                "",
                "/audit-events?limit=200",
                "/events?limit=200",
                "/inventory-changes?limit=200",
                "/inventory-items?limit=200",
                "/inventory-links?limit=200",
                "/inventory-summary",
                "/inventory-sync-runs",
            ]
            .iter()
            .map(|path| format!("{below}{path}"))
            .collect();
            paths.extend(
                ["/me", "/me/notifications", "/tenants", "/operation-runs"].map(str::to_owned),
            );
            let runs = self.installation.get(member, "/operation-runs").await;
            for run in runs["items"].as_array().unwrap() {
                let run = run["id"].as_str().unwrap();
                paths.push(format!("/operation-runs/{run}"));
                paths.push(format!("/operation-runs/{run}/results"));
            }
            for path in paths {
                let answer = self.installation.get(member, &path).await;
                places.push((format!("GET {path}"), answer.to_string()));
            }
        }
    }
}

fn write_out(value: &Kept, text: &mut String) {
    match value {
        Kept::BulkString(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
        Kept::SimpleString(word) => text.push_str(word),
        Kept::Array(all) | Kept::Set(all) => all.iter().for_each(|one| write_out(one, text)),
        Kept::Map(all) => all.iter().for_each(|(key, value)| {
            write_out(key, text);
            write_out(value, text);
        }),
        _ => {}
    }
    text.push(' ');
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
}

async fn refer(installation: &Installation, tenant: TenantId, proof: StoredProof) {
    let credential = NewCredential {
        client_id: SIMULATOR_CLIENT_ID.to_owned(),
        proof,
        expires_on: None,
    };
    let store = installation.database.store();
    store.set_credential(tenant, credential).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_shows_up_anywhere_whether_signing_in_works_or_not() {
    let installation = Installation::start_with(&[("ATLAS_LOG", "trace")]).await;
    let files = tempfile::tempdir().unwrap();
    let folder = files.path().to_str().unwrap();
    let variables = [("ATLAS_CREDENTIALS_DIR", folder), ("ATLAS_LOG", "trace")];
    let _worker = installation.worker_with("one", &variables);

    let (known, stranger) = (Identity::fresh(), Identity::fresh());
    installation
        .simulate("certificates", known.certificate())
        .await;
    let trusted = json!({ "issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE,
        "public_key_pem": known.public_key() });
    installation
        .simulate("federated", trusted.to_string())
        .await;
    put(files.path(), "known.pem", &known.with_key());
    put(files.path(), "stranger.pem", &stranger.with_key());
    let (good, forged) = (
        known.token(ISSUER, SUBJECT, AUDIENCE, 600),
        stranger.token(ISSUER, SUBJECT, AUDIENCE, 600),
    );
    put(files.path(), "good", &good);
    put(files.path(), "forged", &forged);

    let mut members = Vec::new();
    let certificate = |name: &str| Some(StoredProof::Certificate(name.parse().unwrap()));
    let token = |name: &str| Some(StoredProof::FederatedToken(name.parse().unwrap()));
    for (name, secret, proof, outcome) in [
        ("Secret", SIMULATOR_SECRET, None, "succeeded"),
        ("Wrong secret", WRONG_SECRET, None, "failed"),
        (
            "Certificate",
            SIMULATOR_SECRET,
            certificate("known.pem"),
            "succeeded",
        ),
        (
            "Unknown certificate",
            SIMULATOR_SECRET,
            certificate("stranger.pem"),
            "failed",
        ),
        ("Federated", SIMULATOR_SECRET, token("good"), "succeeded"),
        ("Forged", SIMULATOR_SECRET, token("forged"), "failed"),
    ] {
        let tenant = installation.scenario.tenant_with(name, Some(secret)).await;
        let member = installation.scenario.member(tenant.id, Role::Owner).await;
        if let Some(proof) = proof {
            refer(&installation, tenant.id, proof).await;
        }
        let started: Value = installation
            .press(tenant, &member, "{}")
            .await
            .json()
            .await
            .unwrap();
        let run = started["run"]["id"].as_str().unwrap();
        let ended = installation.ended(&member, run).await;
        assert_eq!(ended["outcome"], outcome, "{name}: {ended}");
        members.push((tenant, member));
    }

    let mut secrets = vec![SIMULATOR_SECRET.to_owned(), WRONG_SECRET.to_owned()];
    for identity in [&known, &stranger] {
        // The first lines of two keys begin with the same words about their form.
        secrets.extend(
            identity
                .key_lines()
                .into_iter()
                .skip(1)
                .filter(|line| line.len() > 16),
        );
    }
    for token in [&good, &forged] {
        secrets.extend(token.split('.').skip(1).map(str::to_owned));
    }
    let secrets = Secrets(secrets);
    let everywhere = Everywhere {
        installation: &installation,
        members,
    };
    let places = everywhere.places().await;
    for kind in ["log", "request log", "table", "Redis", "GET"] {
        let looked = places.iter().filter(|(place, _)| place.starts_with(kind));
        assert!(looked.count() > 0, "nothing was looked at in: {kind}");
    }
    let talkative =
        |(place, text): &Place| place.contains("atlas-worker") && text.contains("TRACE");
    assert!(
        places.iter().any(talkative),
        "the worker's log is at its most talkative"
    );
    assert_eq!(secrets.found(&places), Vec::<String>::new());

    // The search finds what is there to be found, in each of the places.
    let connection = installation.database.connection().await;
    let planted = format!(
        "UPDATE tenants SET name = '{WRONG_SECRET}' WHERE name = 'Secret'; \
         UPDATE tenant_credentials SET ciphertext = '{SIMULATOR_SECRET}'::bytea \
             WHERE ciphertext IS NOT NULL; \
         UPDATE operation_runs SET error = jsonb_build_object('code', 'internal', 'detail', '{good}', \
             'retryable', false) WHERE outcome = 'failed'"
    );
    connection.batch_execute(&planted).await.unwrap();
    let client = redis::Client::open(installation.redis.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{}:planted", installation.redis.namespace());
    let access = format!("{ACCESS_TOKEN}{:032x}", 7);
    redis::cmd("HSET")
        .arg(key)
        .arg("field")
        .arg(&access)
        .exec_async(&mut redis)
        .await
        .unwrap();
    let line = stranger.key_lines().remove(2);
    std::fs::write(installation.folder().join("planted.log"), line).unwrap();
    let found = secrets.found(&everywhere.places().await);
    for kind in [
        "log ",
        "table tenants",
        "table tenant_credentials",
        "table operation_runs",
        "Redis",
        "GET",
    ] {
        let kind = kind.replace("table ", "table public.");
        assert!(
            found.iter().any(|one| one.starts_with(&kind)),
            "not found in {kind}: {found:?}"
        );
    }
}
