//! Requests to programs of this machine.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use ureq::Agent;
pub use ureq::http::Method;
use ureq::http::Request;

const TIMEOUT: Duration = Duration::from_secs(30);
/// More than the log of a simulator that served a large tenant.
const MAX_BODY: u64 = 256 * 1024 * 1024;

/// Gets one JSON document, as the owner of the token or, when it is empty, as nobody.
///
/// # Errors
/// When the answer is not 200, with its body.
pub fn get_json(address: SocketAddr, path: &str, token: &str) -> anyhow::Result<Value> {
    let body = get(address, path, token).with_context(|| format!("GET {path}"))?;
    Ok(serde_json::from_str(&body)?)
}

/// Sends a JSON document with this method, as the owner of the token or, when it is empty, as nobody, and
/// returns what was answered; null when that is empty.
///
/// # Errors
/// When the status of the answer is no success, with its body.
pub fn send_json(
    method: &Method,
    address: SocketAddr,
    path: &str,
    token: &str,
    document: &Value,
) -> anyhow::Result<Value> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"))
        .header("content-type", "application/json");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = agent().run(request.body(document.to_string())?)?;
    let status = answer.status();
    let body = answer.body_mut().read_to_string()?;
    ensure!(
        status.is_success(),
        "{method} {path}: the answer is {status}: {body}"
    );
    if body.is_empty() {
        return Ok(Value::Null);
    }
    Ok(serde_json::from_str(&body)?)
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false);
    Agent::new_with_config(config.build())
}

/// Gets a text; see [`get_json`].
pub(crate) fn get(address: SocketAddr, path: &str, token: &str) -> anyhow::Result<String> {
    let mut request = agent()
        .get(format!("http://{address}{path}"))
        .header("accept", "application/json");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.call()?;
    let body = answer
        .body_mut()
        .with_config()
        .limit(MAX_BODY)
        .read_to_string()?;
    let status = answer.status().as_u16();
    ensure!(status == 200, "the answer is {status}: {body}");
    Ok(body)
}
