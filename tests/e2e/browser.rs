//! The page of a run, in a real browser.
//!
//! `ATLAS_CHROMEDRIVER` and `ATLAS_CHROMIUM` name the programs, `ATLAS_BROWSER_LIBRARIES` the
//! directories with libraries that only they need; `cargo xtask test --browser` sets them where it can
//! get them. Without them, and without programs of these names, there is no browser to test
//! with: the test says so and ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use atlas_test_support::eventually;
use reqwest::Client;
use serde_json::{Value, json};

use crate::installation::Installation;

/// The member under which WebDriver gives an element's id
/// (<https://www.w3.org/TR/webdriver2/#elements>).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

fn program(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(PathBuf::from(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.exists())
}

/// A headless Chromium with one page.
struct Browser {
    driver: Child,
    http: Client,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn open(driver: &Path, chromium: &Path) -> Self {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(driver);
        if let Some(libraries) = std::env::var_os("ATLAS_BROWSER_LIBRARIES") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let process = command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self {
            driver: process,
            http: Client::builder().no_proxy().build().unwrap(),
            session: format!("http://127.0.0.1:{port}"),
            _profile: profile,
        };
        let status = format!("{}/status", browser.session);
        eventually("the driver to be ready", || async {
            let answer: Value = browser
                .http
                .get(&status)
                .send()
                .await
                .ok()?
                .json()
                .await
                .ok()?;
            (answer["value"]["ready"] == true).then_some(())
        })
        .await;
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let opened = browser.post("/session", wanted).await;
        let id = opened["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("{opened}"));
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self
            .http
            .post(format!("{}{path}", self.session))
            .json(&body);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        answer["value"].clone()
    }

    async fn element(&self, selector: &str) -> String {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", query).await;
        let id = found[ELEMENT].as_str();
        format!(
            "/element/{}",
            id.unwrap_or_else(|| panic!("{selector}: {found}"))
        )
    }

    async fn text(&self, selector: &str) -> String {
        let path = format!("{}{}/text", self.session, self.element(selector).await);
        let answer: Value = self
            .http
            .get(path)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        answer["value"].as_str().unwrap_or_default().to_owned()
    }

    /// What the page complained about, such as something its own policy forbids.
    async fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "browser" })).await;
        log.as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].to_string())
            .filter(|message| !message.contains("favicon"))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let session = self.session.clone();
        // The driver ends its browser when the session is deleted.
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let client = Client::builder().no_proxy().build().unwrap();
            let _ = runtime.block_on(client.delete(session).send());
        });
        let _ = ended.join();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_run_asks_for_a_token_and_follows_the_run_to_its_end() {
    let programs = (
        program("ATLAS_CHROMEDRIVER", "chromedriver"),
        program("ATLAS_CHROMIUM", "chromium"),
    );
    let (Some(driver), Some(chromium)) = programs else {
        eprintln!("no browser here: the page of a run was not opened");
        return;
    };
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let path = "/beta/deviceAppManagement/mobileApps";
    installation.hold(path).await;
    let _worker = installation.worker("one");
    let body = r#"{"policy_types": ["mobileApp", "policySet"], "include_foundations": false}"#;
    let started: Value = installation
        .press(tenant, &member, body)
        .await
        .json()
        .await
        .unwrap();
    let view = started["run"]["links"]["view"].as_str().unwrap();

    let browser = Browser::open(&driver, &chromium).await;
    browser.post("/url", json!({ "url": view })).await;
    let token = browser.element("#token").await;
    let typed = json!({ "text": member.token });
    browser.post(&format!("{token}/value"), typed).await;
    let open = browser.element("#open").await;
    browser.post(&format!("{open}/click"), json!({})).await;
    eventually("the page to show the run at work", || async {
        browser
            .text("#status")
            .await
            .to_lowercase()
            .contains("running")
            .then_some(())
    })
    .await;

    installation.release().await;
    eventually("the page to show the outcome by itself", || async {
        browser
            .text("#outcome")
            .await
            .to_lowercase()
            .contains("succeeded")
            .then_some(())
    })
    .await;
    let results = browser.text("#results").await;
    assert!(results.contains("mobileApp"), "{results}");
    let kept = "return Object.keys(localStorage).length + Object.keys(sessionStorage).length \
        + document.cookie.length";
    let kept = browser
        .post("/execute/sync", json!({ "script": kept, "args": [] }))
        .await;
    assert_eq!(kept, 0, "the token is kept in memory only");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
