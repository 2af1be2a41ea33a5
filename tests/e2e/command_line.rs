//! `atlas` from an empty database to an inventory.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use atlas_test_support::{Identity, KEYS, SIMULATOR_CLIENT_ID, SIMULATOR_SECRET, TestDatabase};
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::program::binary;

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn parsed(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sets_up_a_tenant_and_a_user_syncs_it() {
    let installation = Installation::start().await;
    let _worker = installation.worker("one");
    let atlas = |arguments: &[&str]| installation.atlas(arguments, "");

    let mut adding = Command::new(binary("atlas"))
        .args(["tenant", "add", "--name=Fabrikam", "--client-secret-file=-"])
        .arg("--directory-id=11111111-2222-4333-8444-555555555555")
        .arg(format!("--client-id={SIMULATOR_CLIENT_ID}"))
        .env("DATABASE_URL", installation.database.url())
        .env("ATLAS_SECRET_KEYS", KEYS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = adding.stdin.take().unwrap();
    writeln!(input, "{SIMULATOR_SECRET}").unwrap();
    drop(input);
    text(&adding.wait_with_output().unwrap());
    text(&atlas(&[
        "user",
        "add",
        "--email=alex@example.test",
        "--name=Alex",
    ]));
    text(&atlas(&[
        "member",
        "set",
        "--tenant=Fabrikam",
        "--user=alex@example.test",
        "--role=operator",
    ]));
    let made = parsed(&atlas(&[
        "--json",
        "token",
        "create",
        "--user=alex@example.test",
        "--name=test",
    ]));
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("tap_"));

    let as_alex = |arguments: &[&str]| installation.atlas(arguments, token);
    let synced = text(&as_alex(&["sync", "Fabrikam", "--follow"]));
    assert!(synced.contains("succeeded"), "{synced}");
    let items = parsed(&as_alex(&[
        "--json",
        "inventory",
        "list",
        "Fabrikam",
        "--limit=5",
    ]));
    assert_eq!(items["items"].as_array().unwrap().len(), 5);
    let table = text(&as_alex(&[
        "inventory",
        "list",
        "Fabrikam",
        "--policy-type=mobileApp",
    ]));
    assert!(table.starts_with("NAME"), "{table}");
    assert!(table.lines().count() > 1, "{table}");
    let links = text(&as_alex(&[
        "inventory",
        "links",
        "Fabrikam",
        "--kind=assigned_to",
        "--limit=3",
    ]));
    assert_eq!(links.lines().count(), 4, "{links}");
    assert!(
        links
            .lines()
            .skip(1)
            .all(|line| line.contains("assigned_to"))
    );
    let changes = parsed(&as_alex(&[
        "--json",
        "inventory",
        "changes",
        "Fabrikam",
        "--policy-type=mobileApp",
    ]));
    let changes = changes["items"].as_array().unwrap().clone();
    assert_eq!(changes.len(), table.lines().count() - 1);
    assert!(changes.iter().all(|change| change["kind"] == "created"));
    let item = changes[0]["item"]["id"].as_str().unwrap();
    let content = text(&as_alex(&["inventory", "show", "Fabrikam", item]));
    assert!(
        content.contains("version 1") && content.contains("/displayName"),
        "{content}"
    );
    let history = text(&as_alex(&["inventory", "history", "Fabrikam", item]));
    assert_eq!(history.lines().count(), 2, "{history}");
    let same = text(&as_alex(&[
        "inventory",
        "diff",
        "Fabrikam",
        item,
        "1",
        "--against=current",
    ]));
    assert_eq!(same.lines().count(), 2, "{same}");
    let none = as_alex(&[
        "inventory",
        "show",
        "Fabrikam",
        item,
        "--as-of=2020-01-01T00:00:00Z",
    ]);
    assert!(!none.status.success());
    let runs = parsed(&as_alex(&["--json", "runs", "list"]));
    let run = runs["items"][0]["id"].as_str().unwrap();
    let shown = text(&as_alex(&["runs", "show", run]));
    assert!(shown.contains("settingsCatalogPolicy"), "{shown}");

    // The key is changed: the new one encrypts, the old one only still decrypts.
    let fresh = text(&atlas(&["keys", "generate", "--id=second"]));
    let rotated = Command::new(binary("atlas"))
        .args(["keys", "rotate"])
        .env("DATABASE_URL", installation.database.url())
        .env("ATLAS_SECRET_KEYS", format!("{},{KEYS}", fresh.trim()))
        .output()
        .unwrap();
    text(&rotated);
    let left = "SELECT count(*) FROM tenant_credentials WHERE key_id <> 'second'";
    assert_eq!(installation.number(left).await, 0);

    // Somebody else stores the secrets with another key again and again.
    let undone = "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS \
        'BEGIN RETURN OLD; END'; \
        CREATE TRIGGER undo BEFORE UPDATE ON tenant_credentials \
            FOR EACH ROW EXECUTE FUNCTION undo()";
    let connection = installation.database.connection().await;
    connection.batch_execute(undone).await.unwrap();
    let third = text(&atlas(&["keys", "generate", "--id=third"]));
    let refused = Command::new(binary("atlas"))
        .args(["keys", "rotate"])
        .env("DATABASE_URL", installation.database.url())
        .env(
            "ATLAS_SECRET_KEYS",
            format!("{},{}", third.trim(), fresh.trim()),
        )
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && error.contains("same first key"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_synced_by_a_certificate_and_by_a_federated_token_in_place_of_its_secret() {
    let installation = Installation::start().await;
    let (_, member) = installation.tenant("Contoso").await;
    let files = tempfile::tempdir().unwrap();
    let folder = files.path().to_str().unwrap();
    let _worker = installation.worker_with("one", &[("ATLAS_CREDENTIALS_DIR", folder)]);
    let set = |flag: &str| {
        let client = format!("--client-id={SIMULATOR_CLIENT_ID}");
        let set = [
            "tenant",
            "credentials",
            "set",
            "--tenant=Contoso",
            &client,
            flag,
        ];
        text(&installation.atlas(&set, ""))
    };
    let sync = || {
        let sync = [
            "sync",
            "Contoso",
            "--follow",
            "--policy-type=policySet",
            "--no-foundations",
        ];
        installation.atlas(&sync, &member.token)
    };

    set("--certificate-file=app.pem");
    let refused = sync();
    assert_eq!(refused.status.code(), Some(1), "there is no such file");
    let shown = format!(
        "{}{}",
        String::from_utf8_lossy(&refused.stdout),
        String::from_utf8_lossy(&refused.stderr)
    );
    assert!(
        shown.contains("app.pem") && !shown.contains(folder),
        "{shown}"
    );
    let identity = Identity::fresh();
    installation
        .simulate("certificates", identity.certificate())
        .await;
    let file = files.path().join("app.pem");
    std::fs::write(&file, identity.with_key()).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert!(text(&sync()).contains("succeeded"));

    set("--federated-token-file=token");
    let (issuer, subject, audience) = ("https://issuer.example.test", "worker", "exchange");
    let trusted = json!({ "issuer": issuer, "subject": subject, "audience": audience,
        "public_key_pem": identity.public_key() });
    installation
        .simulate("federated", trusted.to_string())
        .await;
    let token = identity.token(issuer, subject, audience, 600);
    std::fs::write(files.path().join("token"), token).unwrap();
    assert!(text(&sync()).contains("succeeded"));
    let kept = "SELECT count(*) FROM tenant_credentials WHERE ciphertext IS NOT NULL";
    assert_eq!(
        installation.number(kept).await,
        0,
        "no secret is stored any more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_one_line_with_status_1_and_wrong_usage_is_status_2() {
    let installation = Installation::start().await;
    let (_, member) = installation.tenant("Contoso").await;
    let unknown = installation.atlas(&["sync", "Nowhere"], &member.token);
    assert_eq!(unknown.status.code(), Some(1));
    let line = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains("Nowhere"), "{line}");

    let no_token = installation.atlas(&["runs", "list"], "tap_nonsense");
    assert_eq!(no_token.status.code(), Some(1));
    let bad_type = installation.atlas(&["sync", "Contoso", "--policy-type=nope"], &member.token);
    assert_eq!(bad_type.status.code(), Some(1));
    let line = String::from_utf8(bad_type.stderr).unwrap();
    assert!(line.contains("/policy_types/0"), "{line}");

    assert_eq!(installation.atlas(&["sync"], "").status.code(), Some(2));
    assert_eq!(installation.atlas(&["fly"], "").status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_makes_the_schema_and_says_what_it_did() {
    let database = TestDatabase::empty().await;
    let migrate = || {
        let output = Command::new(binary("atlas"))
            .arg("migrate")
            .env("DATABASE_URL", database.url())
            .output()
            .unwrap();
        text(&output)
    };
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let migrations = std::fs::read_dir(migrations).unwrap().count();
    assert_eq!(migrate().matches("applied").count(), migrations);
    assert_eq!(migrate().matches("applied").count(), 0, "nothing is left");
}
