//! Credentials of tenants, stored from a shell.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use atlas_test_support::{KEYS, Scenario, TestDatabase};
use serde_json::Value;

struct Stage {
    database: TestDatabase,
}

impl Stage {
    /// With one tenant, Contoso.
    async fn set() -> Self {
        let database = TestDatabase::create().await;
        Scenario::new(&database.store()).tenant("Contoso").await;
        Self { database }
    }

    /// Runs a command that reads a secret.
    fn atlas(&self, arguments: &[&str]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_atlas"))
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", self.database.url())
            .env("ATLAS_SECRET_KEYS", KEYS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that is refused does not read it.
        let _ = child.stdin.take().unwrap().write_all(b"a new secret\n");
        child.wait_with_output().unwrap()
    }

    fn store(&self, more: &[&str]) -> Output {
        let set = ["tenant", "credentials", "set", "--tenant=Contoso"];
        self.atlas(&[&set[..], &["--client-id=client"], more].concat())
    }

    /// Contoso's, and what the audit log has of it.
    async fn stored(&self) -> (Option<String>, Option<Value>) {
        let sql = "SELECT c.expires_on::text, (SELECT detail::text FROM audit_events
                WHERE action = 'tenant.credentials_stored' ORDER BY occurred_at DESC LIMIT 1)
            FROM tenant_credentials c";
        let connection = self.database.connection().await;
        let row = connection.query_one(sql, &[]).await.unwrap();
        let detail: Option<String> = row.get(1);
        let detail = detail.map(|text| serde_json::from_str(&text).unwrap());
        (row.get(0), detail)
    }

    /// A day so many days from now.
    async fn day(&self, days: i32) -> String {
        let sql = "SELECT ((now() AT TIME ZONE 'UTC')::date + $1::int)::text";
        let connection = self.database.connection().await;
        connection.query_one(sql, &[&days]).await.unwrap().get(0)
    }

    fn listed(&self) -> String {
        let list = self.atlas(&["tenant", "list"]);
        assert!(list.status.success(), "{list:?}");
        String::from_utf8(list.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_secret_is_stored_listed_audited_and_goes_with_the_secret() {
    let stage = Stage::set().await;
    assert!(stage.listed().lines().next().unwrap().ends_with("ENDS"));
    for (days, mark) in [(400, ""), (30, " (soon)"), (0, " (soon)")] {
        let day = stage.day(days).await;
        let done = stage.store(&["--client-secret-file=-", "--expires", &day]);
        assert!(done.status.success(), "{done:?}");
        let (stored, detail) = stage.stored().await;
        assert_eq!(stored.as_ref(), Some(&day));
        assert_eq!(detail.unwrap()["expires_on"], day);
        let listed = stage.listed();
        let row = listed.lines().last().unwrap();
        assert!(row.ends_with(&format!("{day}{mark}")), "{row}");
    }
    let list = stage.atlas(&["--json", "tenant", "list"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(
        list["items"][0]["credential_expires_on"],
        stage.day(0).await
    );
    // What replaces it ends at another time, or nobody said when.
    let done = stage.store(&["--client-secret-file=-"]);
    assert!(done.status.success(), "{done:?}");
    let (stored, detail) = stage.stored().await;
    assert_eq!(stored, None);
    assert_eq!(detail.unwrap().get("expires_on"), None);

    let day = stage.day(90).await;
    let add = ["tenant", "add", "--name=Fabrikam", "--client-id=client"];
    let id = "--directory-id=72f988bf-86f1-41af-91ab-2d7cd011db47";
    let more = [id, "--client-secret-file=-", "--expires", &day];
    let done = stage.atlas(&[&add[..], &more].concat());
    assert!(done.status.success(), "{done:?}");
    let listed = stage.listed();
    let row = listed.lines().find(|line| line.contains("Fabrikam"));
    assert!(row.unwrap().ends_with(&day), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_the_past_in_another_form_or_of_no_secret_is_refused() {
    let stage = Stage::set().await;
    let (yesterday, tomorrow) = (stage.day(-1).await, stage.day(1).await);
    let secret = "--client-secret-file=-";
    for (arguments, status, said) in [
        (
            [secret, "--expires", &yesterday],
            1,
            "is of no use; nothing was stored",
        ),
        ([secret, "--expires", "31.03.2027"], 2, "in the form"),
        (
            ["--certificate-file=contoso.pem", "--expires", &tomorrow],
            2,
            "cannot be used with",
        ),
        (
            ["--federated-token-file=contoso", "--expires", &tomorrow],
            2,
            "cannot be used with",
        ),
    ] {
        let refused = stage.store(&arguments);
        let error = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(status), "{error}");
        assert!(error.contains(said), "{error}");
        assert_eq!(stage.stored().await, (None, None));
    }
}
