//! A caller of the API that writes down what is answered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::masks::Masks;
use crate::recorded::is_recorded;

/// Headers that are written down as they are, but for masks.
const HEADERS: [&str; 12] = [
    "access-control-allow-origin",
    "allow",
    "cache-control",
    "content-security-policy",
    "content-type",
    "link",
    "location",
    "ratelimit-policy",
    "retry-after",
    "vary",
    "www-authenticate",
    "x-content-type-options",
];
/// Headers whose values differ from call to call: only their presence is recorded.
const PRESENT: [&str; 3] = ["etag", "ratelimit", "x-request-id"];
/// Where answers stand that belong to no operation.
const ELSEWHERE: &str = "no_operation";

/// The OpenAPI document.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&atlas_api::document()).unwrap());

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
}

/// Every operation that there was when the answers were recorded, in the order of its path.
pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str()
                && is_recorded(&format!("answers/{id}.json"))
            {
                operations.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                });
            }
        }
    }
    operations.sort_by(|one, other| one.id.cmp(&other.id));
    operations
}

/// A request to be made.
#[derive(Clone, Default)]
pub(crate) struct Question<'a> {
    method: Method,
    path: String,
    /// The name of the caller in recordings, and the token.
    token: Option<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<&'a str>,
}

impl<'a> Question<'a> {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            ..Self::default()
        }
    }

    /// By somebody with a name and a token.
    pub(crate) fn by(mut self, (name, token): (&'a str, &'a str)) -> Self {
        self.token = Some((name, token));
        self
    }

    pub(crate) fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a body of JSON.
    pub(crate) fn json(self, body: &'a str) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub(crate) fn body(mut self, body: &'a str) -> Self {
        self.body = Some(body);
        self
    }
}

/// What was answered.
pub(crate) struct Reply {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// Asks one API, and keeps masked answers by operation.
pub(crate) struct Client {
    base: String,
    http: reqwest::Client,
    masks: Masks,
    answers: BTreeMap<String, Vec<Value>>,
}

impl Client {
    pub(crate) fn new(base: &str, mut masks: Masks) -> Self {
        masks.replace(base, "<api>");
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            base: base.to_owned(),
            http,
            masks,
            answers: BTreeMap::new(),
        }
    }

    pub(crate) const fn answers(&self) -> &BTreeMap<String, Vec<Value>> {
        &self.answers
    }

    pub(crate) const fn masks(&mut self) -> &mut Masks {
        &mut self.masks
    }

    /// Asks, and writes down what is answered.
    pub(crate) async fn ask(&mut self, question: Question<'_>) -> Reply {
        let reply = self.send(&question).await;
        let operation = operation_of(&question.method, &question.path);
        let (written, reply) = self.written(&question, reply).await;
        self.answers.entry(operation).or_default().push(written);
        reply
    }

    async fn send(&self, question: &Question<'_>) -> reqwest::Response {
        let url = format!("{}{}", self.base, question.path);
        let mut request = self.http.request(question.method.clone(), url);
        if let Some((_, token)) = question.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &question.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = question.body {
            request = request.body(body.to_owned());
        }
        request.send().await.unwrap()
    }

    async fn written(
        &mut self,
        question: &Question<'_>,
        response: reqwest::Response,
    ) -> (Value, Reply) {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        for cursor in ["next_cursor", "previous_cursor"] {
            if let Some(cursor) = body[cursor].as_str() {
                self.masks.replace(cursor, "<cursor>");
            }
        }
        let path = self.masks.text(&question.path);
        let mut written = json!({
            "ask": format!("{} {path}", question.method),
            "by": question.token.map_or("nobody", |(name, _)| name),
            "status": status.as_u16(),
            "headers": self.headers(&headers),
        });
        if let Some(body) = question.body {
            let sent: String = body.chars().take(500).collect();
            written["body"] = self.masks.text(&sent).into();
        }
        let also: Map<String, Value> = question
            .headers
            .iter()
            .filter(|(name, _)| !["x-graph-token", "if-none-match"].contains(name))
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect();
        if !also.is_empty() {
            written["sent"] = also.into();
        }
        if !body.is_null() {
            written["answer"] = self.masks.mask(&body);
        } else if !text.is_empty() {
            written["length"] = "<some>".into();
        }
        (written, Reply { headers, body })
    }

    fn headers(&mut self, headers: &HeaderMap) -> Value {
        let mut written = Map::new();
        for name in HEADERS {
            let values: Vec<&str> = headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect();
            if !values.is_empty() {
                let text = self.masks.text(&values.join(", "));
                written.insert(name.to_owned(), text.into());
            }
        }
        for name in PRESENT {
            if headers.contains_key(name) {
                written.insert(name.to_owned(), "<present>".into());
            }
        }
        Value::Object(written)
    }
}

/// The operation that the address belongs to; one without parameters goes first.
fn operation_of(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let given: Vec<&str> = path.split('/').collect();
    let fits = |described: &str| {
        let described: Vec<&str> = described.split('/').collect();
        let same = |(one, other): (&&str, &&str)| one == other || one.starts_with('{');
        described.len() == given.len() && described.iter().zip(&given).all(same)
    };
    let mut operations = operations();
    operations.retain(|operation| operation.method == method && fits(&operation.path));
    operations.sort_by_key(|operation| operation.path.matches('{').count());
    let first = operations.into_iter().next();
    first.map_or_else(|| ELSEWHERE.to_owned(), |operation| operation.id)
}
