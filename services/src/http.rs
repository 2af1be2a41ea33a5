//! Requests to programs of this machine.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

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

/// Gets a text; see [`get_json`].
pub(crate) fn get(address: SocketAddr, path: &str, token: &str) -> anyhow::Result<String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false);
    let mut request = ureq::Agent::new_with_config(config.build())
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
