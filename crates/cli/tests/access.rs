//! Access given and taken away from a shell, against a database.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use atlas_domain::access::Role;
use atlas_store::Store;
use atlas_test_support::{Member, Scenario, TestDatabase, TestTenant, eventually};
use serde_json::Value;

struct Stage {
    database: TestDatabase,
    store: Store,
    scenario: Scenario,
    tenant: TestTenant,
    member: Member,
}

impl Stage {
    async fn set() -> Self {
        let database = TestDatabase::create().await;
        let store = database.store();
        let scenario = Scenario::new(&store);
        let tenant = scenario.tenant("Contoso").await;
        let member = scenario.member(tenant.id, Role::Operator).await;
        Self {
            database,
            store,
            scenario,
            tenant,
            member,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
        command
            .args(arguments)
            .env_clear()
            .env("USER", "sam")
            .env("DATABASE_URL", self.database.url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn atlas(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What the command prints when it succeeds.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.atlas(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.done(&[&["--json"][..], arguments].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// The one line of a command that is refused, without the program's name.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.atlas(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().count(), 1, "{error}");
        error.trim_end().strip_prefix("atlas: ").unwrap().to_owned()
    }

    /// Every table whose rows are of a tenant, also those of later versions.
    async fn tables_of_tenants(&self) -> Vec<String> {
        let sql = "SELECT DISTINCT table_name::text FROM information_schema.columns \
            WHERE table_schema = 'public' AND column_name = 'tenant_id'";
        let rows = self.database.connection().await.query(sql, &[]).await;
        let tables: Vec<String> = rows.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(tables.len() > 10, "{tables:?}");
        tables
    }

    async fn count(&self, sql: &str) -> i64 {
        let connection = self.database.connection().await;
        connection.query_one(sql, &[]).await.unwrap().get(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_disabled_enabled_made_operators_and_removed() {
    let stage = Stage::set().await;
    let email = stage.member.email.as_str();
    let table = stage.done(&["user", "list"]);
    assert!(table.starts_with("EMAIL "), "{table}");
    assert!(
        table.contains(email) && table.contains(" active "),
        "{table}"
    );
    stage.done(&["user", "disable", email]);
    let listed = stage.json(&["user", "list"]);
    assert_eq!(listed["items"][0]["state"], "disabled");
    assert_eq!(listed["items"][0]["tenants"], 1);
    let again = stage.refused(&["user", "disable", email]);
    assert_eq!(again, format!("{email}: the user is disabled already"));
    stage.done(&["user", "enable", email]);
    stage.done(&["user", "operator", email]);
    assert_eq!(stage.json(&["user", "list"])["items"][0]["operator"], true);
    stage.done(&["user", "operator", email, "--withdraw"]);
    let none = stage.refused(&["user", "operator", email, "--withdraw"]);
    assert_eq!(
        none,
        format!("{email}: the user is no operator of the installation")
    );
    let unknown = "no user \"nobody@example.test\"; atlas user list shows them";
    for act in ["disable", "enable", "operator", "remove", "erase"] {
        let refused = stage.refused(&["user", act, "nobody@example.test"]);
        assert_eq!(refused, unknown);
    }
    stage.done(&["user", "remove", email]);
    assert_eq!(stage.json(&["user", "list"])["items"], Value::Array(vec![]));
    let by_sam = "SELECT count(*) FROM audit_events WHERE detail ->> 'by' = 'sam'";
    assert_eq!(stage.count(by_sam).await, 5);
    let log = stage.json(&["audit", "list", "--limit", "5"]);
    let actions: Vec<_> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "removed",
        "operator_withdrawn",
        "operator_added",
        "enabled",
        "disabled",
    ];
    assert_eq!(actions, expected.map(|act| format!("user.{act}")));
    let table = stage.done(&["audit", "list"]);
    assert!(
        table.contains(" sam ") && table.contains("user.removed"),
        "{table}"
    );
    let of_tenant = stage.done(&["audit", "list", "--tenant", "Contoso"]);
    assert!(
        of_tenant.contains("member.set") && !of_tenant.contains("user."),
        "{of_tenant}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_runs_refer_to_is_erased() {
    let stage = Stage::set().await;
    let email = stage.member.email.as_str();
    let apps = r#"{"policy_types":["mobileApp"]}"#;
    let (tenant, user) = (stage.tenant.id, stage.member.id);
    stage.scenario.queued_run(tenant, user, apps).await;
    let refused = stage.refused(&["user", "remove", email]);
    assert!(refused.contains("atlas user erase"), "{refused}");
    let erased = stage.json(&["user", "erase", email]);
    let pseudonym = erased["pseudonym"].as_str().unwrap();
    let listed = stage.done(&["user", "list"]);
    assert!(
        listed.contains(pseudonym) && !listed.contains(email),
        "{listed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_tokens_are_listed_and_taken_away() {
    let stage = Stage::set().await;
    let email = stage.member.email.as_str();
    let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let of_tenant = ["--tenant", "contoso", "--user"];
    let table = stage.done(&["member", "list", "--tenant", "Contoso"]);
    assert!(
        table.contains(email) && table.contains("operator"),
        "{table}"
    );
    let remove_owner = [&["member", "remove"][..], &of_tenant, &[&owner.email]].concat();
    let last = stage.refused(&remove_owner);
    assert!(last.contains("is the last owner of Contoso"), "{last}");
    let remove = [&["member", "remove"][..], &of_tenant, &[email]].concat();
    stage.done(&remove);
    assert_eq!(
        stage.refused(&remove),
        format!("{email} is no member of Contoso")
    );

    let made = stage.json(&["token", "create", "--user", email, "--name", "second"]);
    let id = made["id"].as_str().unwrap();
    let listed = stage.done(&["token", "list", "--user", email]);
    assert!(listed.contains(id) && listed.contains("second"), "{listed}");
    assert!(!listed.contains(made["token"].as_str().unwrap()));
    stage.done(&["token", "revoke", id]);
    let refused = stage.refused(&["token", "revoke", id]);
    assert_eq!(refused, format!("no token {id} that is still valid"));
    let all = stage.json(&["token", "revoke", "--user", email]);
    assert_eq!(all["revoked"], 1);
    let both = stage.atlas(&["token", "revoke", id, "--user", email]);
    assert_eq!(both.status.code(), Some(2));
    assert_eq!(stage.atlas(&["token", "revoke"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_removed_only_when_its_name_is_typed_or_not_asked_for() {
    let stage = Stage::set().await;
    stage.done(&["tenant", "disable", "Contoso"]);
    let again = stage.refused(&["tenant", "disable", "Contoso"]);
    assert_eq!(again, "Contoso is disabled already");
    assert!(stage.done(&["tenant", "list"]).contains("disabled"));
    stage.done(&["tenant", "enable", "Contoso"]);
    let typed = |name: &str| {
        let mut removing = stage
            .command(&["tenant", "remove", "Contoso"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = removing.stdin.take().unwrap();
        writeln!(input, "{name}").unwrap();
        drop(input);
        removing.wait_with_output().unwrap().status.code()
    };
    let tenants = "SELECT count(*) FROM tenants WHERE enabled";
    assert_eq!(typed("Fabrikam"), Some(1));
    assert_eq!(stage.count(tenants).await, 1, "nothing was removed");
    assert_eq!(typed("Contoso"), Some(0));
    assert_eq!(stage.count(tenants).await, 0);
    let first = stage.scenario.tenant("Fabrikam").await;
    stage.scenario.tenant("Fabrikam").await;
    let several = stage.refused(&["tenant", "remove", "--yes", "Fabrikam"]);
    assert!(
        several.starts_with("several tenants are called"),
        "{several}"
    );
    stage.done(&["tenant", "remove", "--yes", &first.id.to_string()]);
    assert_eq!(stage.count(tenants).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_killed_in_the_middle_goes_on_when_it_is_called_again() {
    let stage = Stage::set().await;
    let (tenant, other) = (stage.tenant.id, stage.scenario.tenant("Fabrikam").await.id);
    let connection = stage.database.connection().await;
    for id in [tenant, other] {
        let seed = format!(
            "INSERT INTO inventory_items (id, tenant_id, policy_type, external_id, name, category, \
                platform, foundation, scope_tags, metadata, content_hash, first_seen_at, \
                last_seen_at, changed_at, fence, last_seen_run) \
             SELECT gen_random_uuid(), '{id}', 'mobileApp', n::text, 'App', 'apps', 'windows', \
                false, '{{}}', '{{}}', decode(repeat('00', 32), 'hex'), now(), now(), now(), 1, \
                gen_random_uuid() FROM generate_series(1, 3000) n"
        );
        connection.batch_execute(&seed).await.unwrap();
    }
    let items = |id| format!("SELECT count(*) FROM inventory_items WHERE tenant_id = '{id}'");
    // The removal reaches the entries of the audit log last, and waits there.
    let mut holder = stage.database.connection().await;
    let held = holder.transaction().await.unwrap();
    held.batch_execute("SELECT id FROM audit_events FOR UPDATE")
        .await
        .unwrap();
    let id = tenant.to_string();
    let mut removing = stage
        .command(&["tenant", "remove", "--yes", &id])
        .spawn()
        .unwrap();
    eventually("the items to be removed", async || {
        (stage.count(&items(tenant)).await == 0).then_some(())
    })
    .await;
    removing.kill().unwrap();
    removing.wait().unwrap();
    held.rollback().await.unwrap();
    let left = format!("SELECT count(*) FROM tenants WHERE id = '{id}' AND NOT enabled");
    assert_eq!(stage.count(&left).await, 1);

    stage.done(&["tenant", "remove", "--yes", &id]);
    for table in stage.tables_of_tenants().await {
        let rows = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{id}'");
        assert_eq!(stage.count(&rows).await, 0, "{table}");
    }
    let there = format!("SELECT count(*) FROM tenants WHERE id = '{id}'");
    assert_eq!(stage.count(&there).await, 0);
    assert_eq!(stage.count(&items(other)).await, 3_000);
    let audited = format!(
        "SELECT count(*) FROM audit_events WHERE action = 'tenant.removed' AND target_id = '{id}'"
    );
    assert_eq!(stage.count(&audited).await, 1);
    assert!(stage.store.members(tenant).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_change_nothing_and_names_that_name_nothing_are_refused_without_an_entry() {
    let stage = Stage::set().await;
    let email = stage.member.email.as_str();
    let entries = "SELECT count(*) FROM audit_events";
    let before = stage.count(entries).await;
    let set = |role| {
        [
            "member", "set", "--tenant", "Contoso", "--user", email, "--role", role,
        ]
    };
    let again = stage.refused(&set("operator"));
    assert_eq!(again, format!("{email}: the user has that role already"));
    let long = "n".repeat(201);
    for name in ["", " ", &long] {
        let directory = "11111111-1111-4111-8111-111111111111";
        for arguments in [
            &["token", "create", "--user", email, "--name", name][..],
            &["user", "add", "--email", "a@b.test", "--name", name],
            &["tenant", "add", "--name", name, "--directory-id", directory],
        ] {
            let refused = stage.refused(arguments);
            assert!(refused.contains("name"), "{refused}");
        }
    }
    assert_eq!(stage.count(entries).await, before);
    stage.done(&["user", "disable", email]);
    let useless = stage.refused(&["token", "create", "--user", email, "--name", "n"]);
    assert!(useless.contains("atlas user enable"), "{useless}");
    assert_eq!(stage.count(entries).await, before + 1, "of disabling");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_says_whether_this_version_works_with_the_schema() {
    let stage = Stage::set().await;
    assert_eq!(stage.done(&["migrate"]), "The schema is current.\n");
    stage.database.expand_schema().await;
    let later = stage.done(&["migrate"]);
    assert!(later.contains("1 migrations more"), "{later}");
    stage.database.contract_schema().await;
    let refused = stage.refused(&["migrate"]);
    assert!(refused.contains("run a newer version"), "{refused}");
}
