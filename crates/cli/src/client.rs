//! A client of the HTTP API: the same documented endpoints that everybody else uses.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;
use uuid::Uuid;

use crate::admin::{read_secret, variable};
use crate::args::connections::Api;
use crate::output::cell;

/// The longest time one request may take; the API answers at once.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a stream may take.
const STREAM_TIMEOUT: Duration = Duration::from_secs(86_400);
/// How long a stream may pause.
const SILENCE: Duration = Duration::from_secs(60);
/// The largest page that the API gives.
const PAGE: usize = 200;

/// The API as one caller sees it.
pub(crate) struct ApiClient {
    http: reqwest::Client,
    base: String,
    token: SecretString,
}

/// An answer: its body, and when to ask again.
pub(crate) struct Answer {
    pub body: Value,
    /// From `Retry-After`.
    pub ask_again_in: Option<Duration>,
}

/// An answer that is read line by line.
pub(crate) struct Lines {
    response: Response,
    unread: Vec<u8>,
    /// How much of it has no end of a line.
    searched: usize,
}

impl ApiClient {
    /// Reads the token and prepares the connection; asks nothing yet.
    pub(crate) fn new(api: &Api) -> anyhow::Result<Self> {
        let token = match &api.token_file {
            Some(path) => read_secret(path)?,
            None => SecretString::from(
                variable("ATLAS_TOKEN").context("no token: set ATLAS_TOKEN or --token-file")?,
            ),
        };
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            // Whoever answers a redirect names another server, to which no token may go.
            .redirect(Policy::none())
            .user_agent(concat!("atlas/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            base: base(&api.url)?,
            token,
        })
    }

    /// Reads one resource.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, path).query(query))
            .await
    }

    /// Starts something.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Sets something in place of what was there.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// Removes something.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.send(self.request(Method::DELETE, path)).await?;
        Ok(())
    }

    /// Asks for something with the user's own token for Microsoft Graph.
    pub(crate) async fn post_as_user(
        &self,
        path: &str,
        body: &Value,
        graph_token: &SecretString,
    ) -> anyhow::Result<Answer> {
        let mut token = HeaderValue::from_str(graph_token.expose_secret())
            .map_err(|_| anyhow::anyhow!("the token for Microsoft Graph is not one"))?;
        token.set_sensitive(true);
        let request = self.request(Method::POST, path).json(body);
        self.send(request.header("x-graph-token", token)).await
    }

    /// Walks a list until `limit` items are there or the list ends.
    pub(crate) async fn list(
        &self,
        path: &str,
        mut query: Vec<(&str, String)>,
        limit: usize,
    ) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        query.push(("limit", limit.clamp(1, PAGE).to_string()));
        loop {
            let Answer { body, .. } = self.get(path, &query).await?;
            let next = body
                .get("next_cursor")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if let Some(Value::Array(page)) = body.get("items") {
                items.extend(page.iter().cloned());
            }
            let Some(next) = next.filter(|_| items.len() < limit) else {
                break;
            };
            query.retain(|(name, _)| *name != "cursor");
            query.push(("cursor", next));
        }
        items.truncate(limit);
        Ok(items)
    }

    /// The id of the tenant that `text` names by id or by name.
    pub(crate) async fn tenant_id(&self, text: &str) -> anyhow::Result<String> {
        if let Ok(id) = Uuid::try_parse(text) {
            return Ok(id.to_string());
        }
        let tenants = self.list("/tenants", Vec::new(), usize::MAX).await?;
        let named: Vec<_> = tenants
            .iter()
            .filter(|tenant| cell(tenant, "/name").eq_ignore_ascii_case(text))
            .collect();
        match named.as_slice() {
            [tenant] => Ok(cell(tenant, "/id")),
            [] => bail!("no tenant {text:?} that you belong to"),
            _ => bail!("several tenants are called {text:?}; use the id"),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(self.token.expose_secret())
    }

    /// Reads lines as they arrive, however many there are.
    pub(crate) async fn lines(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<Lines> {
        let request = self.request(Method::GET, path).query(query);
        let response = self.respond(request.timeout(STREAM_TIMEOUT)).await?;
        Ok(Lines {
            response,
            unread: Vec::new(),
            searched: 0,
        })
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response = self.respond(request).await?;
        let ask_again_in = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let text = response.text().await.map_err(reqwest::Error::without_url)?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { body, ask_again_in })
    }

    /// An answer that is no refusal.
    async fn respond(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("cannot reach {}", self.base))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            bail!(
                "{} answers {status}: the API is elsewhere; give its own address as ATLAS_URL",
                self.base
            );
        }
        let text = response.text().await.map_err(reqwest::Error::without_url)?;
        let problem: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        bail!("{}", refusal(status, &problem));
    }
}

impl Lines {
    /// The next line without the character that ends it; `None` at the end.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            let new = &self.unread[self.searched..];
            if let Some(at) = new.iter().position(|byte| *byte == b'\n') {
                let rest = self.unread.split_off(self.searched + at + 1);
                let mut line = std::mem::replace(&mut self.unread, rest);
                line.pop();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.unread.len();
            let chunk = timeout(SILENCE, self.response.chunk());
            let chunk = chunk.await.context("the API sends nothing any more")?;
            match chunk.map_err(reqwest::Error::without_url)? {
                Some(chunk) => self.unread.extend_from_slice(&chunk),
                None if self.unread.is_empty() => return Ok(None),
                None => {
                    self.searched = 0;
                    return Ok(Some(std::mem::take(&mut self.unread)));
                }
            }
        }
    }
}

/// The address without a slash at its end. What cannot be one is not repeated: it may hold a password.
fn base(url: &str) -> anyhow::Result<String> {
    const SHAPE: &str =
        "ATLAS_URL begins with http:// or https://, such as https://atlas.example.com";
    let parsed = Url::parse(url).context(SHAPE)?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
        bail!(SHAPE);
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        bail!("ATLAS_URL holds a user or a password, which the API does not take; set ATLAS_TOKEN");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// One line out of a problem: what it is, the bad fields, and the id to ask support about.
fn refusal(status: StatusCode, problem: &Value) -> String {
    let mut line = match cell(problem, "/detail") {
        detail if detail.is_empty() => format!("the API answered {status}"),
        detail => detail,
    };
    for error in problem
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let place = [cell(error, "/pointer"), cell(error, "/parameter")].concat();
        line.push_str(&format!(" [{place}: {}]", cell(error, "/detail")));
    }
    let request_id = cell(problem, "/request_id");
    if !request_id.is_empty() {
        line.push_str(&format!(" (request {request_id})"));
    }
    line
}
