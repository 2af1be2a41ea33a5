use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use atlas_graph_sim::{
    Actor, AnswerKey, AuditBehaviour, Effect, FaultRule, GateRule, MutationScript, PublishedLimits,
    RetryAfter, SignInRefusal, Simulator, SimulatorOptions, TenantMode, Throttle, UserToken,
    WaitForm,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::client::{Client, GOOD_FORM, OTHER_TENANT, TENANT, ask_for_token};

/// How long a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(30);

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_program_reports_its_address_serves_what_the_library_serves_and_ends_on_a_signal() {
    let directory = tempfile::tempdir().unwrap();
    let address_file = directory.path().join("address");
    let secret_file = directory.path().join("secret");
    std::fs::write(&secret_file, "simulator-secret\n").unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_atlas-graph-sim"))
        .args(["--listen", "127.0.0.1:0", "--seed", "3", "--size", "200"])
        .args(["--tenant", TENANT, "--latency", "1ms"])
        .arg("--address-file")
        .arg(&address_file)
        .arg("--client-secret-file")
        .arg(&secret_file)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut program = Program(child);
    let address = until("the address", || {
        std::fs::read_to_string(&address_file).ok()
    })
    .await;
    let base = format!("http://{}", address.trim());

    let client = Client::sign_in(&base, TENANT).await;
    assert!(!client.rows("/v1.0/groups").await.is_empty());
    let unknown = ask_for_token(&base, OTHER_TENANT, &GOOD_FORM).await;
    assert_eq!(unknown.status().as_u16(), 400);
    let url = format!("{base}/_sim/answer-key/{TENANT}");
    let key: AnswerKey = reqwest::get(url).await.unwrap().json().await.unwrap();
    let same = Simulator::start(SimulatorOptions {
        seed: 3,
        size: 200,
        ..SimulatorOptions::default()
    })
    .await;
    assert_eq!(key, same.answer_key(TENANT));

    let terminate = Command::new("kill")
        .args(["-TERM", &program.0.id().to_string()])
        .status()
        .unwrap();
    assert!(terminate.success());
    let status = until("the end", || program.0.try_wait().unwrap()).await;
    assert!(status.success());
}

/// What a type would have taken in the place of something that it does not know.
fn choices<T: DeserializeOwned>(unknown: Value) -> Vec<String> {
    let Err(refusal) = serde_json::from_value::<T>(unknown) else {
        panic!("it takes what is unknown");
    };
    let refusal = refusal.to_string();
    let words = refusal.split('`').skip(1).step_by(2);
    words
        .filter(|word| *word != "?")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_help_names_everything_that_can_be_sent() {
    let printed = Command::new(env!("CARGO_BIN_EXE_atlas-graph-sim"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(printed.stdout).unwrap();
    let named = |word: &str| {
        let part = |one: char| !one.is_ascii_alphanumeric() && one != '_' && one != '-';
        help.split(part).any(|one| one == word)
    };
    let member = || json!({"?": 1});
    let choices = [
        choices::<Effect>(json!({"kind": "?"})),
        choices::<SignInRefusal>(json!("?")),
        choices::<RetryAfter>(json!("?")),
        choices::<TenantMode>(json!("?")),
        choices::<WaitForm>(json!("?")),
        choices::<FaultRule>(member()),
        choices::<GateRule>(member()),
        choices::<Throttle>(member()),
        choices::<PublishedLimits>(member()),
        choices::<MutationScript>(member()),
        choices::<UserToken>(member()),
        choices::<Actor>(member()),
        choices::<AuditBehaviour>(member()),
    ];
    for words in choices {
        assert!(words.len() > 2, "{words:?}");
        for word in words {
            assert!(named(&word), "the help does not name {word}");
        }
    }
}
