//! `$batch`: up to twenty requests in one envelope.
//!
//! As with the real service, each request is let in, counted and throttled on its own, answers
//! come in any order, header names come in any case, and a body that is no JSON comes as base64.

use actix_web::http::Method;
use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

use crate::answer::{Answer, Ids};
use crate::content::Rng;
use crate::deface::deface;
use crate::exchange::{self, Caller, IncomingRequest};
use crate::faults::Effect;
use crate::graph::errors;
use crate::shared::Shared;

/// Requests that an envelope may hold.
const MOST: usize = 20;

#[derive(Debug, Deserialize)]
struct Envelope {
    requests: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default, rename = "dependsOn")]
    depends_on: Vec<String>,
}

/// The version, when the path is the one of batches.
pub(crate) fn version(path: &str) -> Option<&str> {
    let version = path.strip_prefix('/')?.strip_suffix("/$batch")?;
    matches!(version, "beta" | "v1.0").then_some(version)
}

/// Answers an envelope.
pub(crate) async fn answer(
    shared: &Shared,
    caller: &Caller,
    asked: &IncomingRequest,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Answer {
    match respond(shared, caller, asked, effect, ids).await {
        Ok(answer) => deface(answer, effect, ids),
        Err(refusal) => *refusal,
    }
}

async fn respond(
    shared: &Shared,
    caller: &Caller,
    asked: &IncomingRequest,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Result<Answer, Box<Answer>> {
    let holder = exchange::admit(caller, ids)?;
    if matches!(effect, Some(Effect::ClaimsChallenge)) {
        let claims = shared.sign_in.challenge(&holder.tenant);
        return Err(errors::claims_challenge(&claims, ids).into());
    }
    if let Some(answer) = effect.and_then(|effect| exchange::at_once(effect, None, ids)) {
        return Err(answer.into());
    }
    if asked.method != Method::POST {
        return Err(errors::method_not_allowed(ids).into());
    }
    let version = version(&asked.path).unwrap_or_default();
    let parts = read(version, &asked.body).map_err(|why| errors::bad_request(&why, ids))?;
    let mut answers = run(shared, caller, &parts, ids).await;
    // Seeded, so that a test that failed fails again.
    let urls: Vec<&str> = parts.iter().map(|(part, _)| part.url.as_str()).collect();
    let mut rng = Rng::from_text(&urls.join("\n"), shared.seed);
    for last in (1..answers.len()).rev() {
        answers.swap(last, rng.below(last + 1));
    }
    let mut verbatim = Vec::new();
    let responses: Vec<Value> = answers
        .into_iter()
        .filter_map(|(id, answer)| Some(response(&id, &answer?, &mut rng, &mut verbatim)))
        .collect();
    let mut answer = Answer::graph_json(200, &json!({"responses": responses}));
    put_in(&mut answer.body, &verbatim);
    Ok(answer)
}

/// The requests of an envelope, or what is wrong with it.
fn read(version: &str, body: &[u8]) -> Result<Vec<(Part, IncomingRequest)>, String> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|_| "Invalid batch payload format.".to_owned())?;
    if envelope.requests.is_empty() {
        return Err("Batch request is empty.".to_owned());
    }
    if envelope.requests.len() > MOST {
        return Err(format!(
            "Number of batch request steps exceeds the maximum value of {MOST}."
        ));
    }
    let mut before = HashSet::new();
    let mut parts = Vec::with_capacity(envelope.requests.len());
    for part in envelope.requests {
        let own = part.id.to_ascii_lowercase();
        let unmet = |other: &String| !before.contains(&other.to_ascii_lowercase());
        if own.is_empty() || before.contains(&own) {
            return Err(format!(
                "Every batch request must have a unique id: '{}'.",
                part.id
            ));
        }
        if part.depends_on.len() > 1 || part.depends_on.iter().any(unmet) {
            return Err(format!(
                "Request '{}' may depend on one request, which stands before it.",
                part.id
            ));
        }
        let asked = request(version, &part)?;
        before.insert(own);
        parts.push((part, asked));
    }
    Ok(parts)
}

fn request(version: &str, part: &Part) -> Result<IncomingRequest, String> {
    let invalid = |what: &str| format!("Invalid {what} of batch request '{}'.", part.id);
    let method = Method::from_bytes(part.method.as_bytes()).map_err(|_| invalid("method"))?;
    let url = part.url.trim_start_matches('/');
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    if path.is_empty() || path.contains("://") || path.contains("$batch") {
        return Err(invalid("url"));
    }
    let headers: Vec<(String, String)> = part
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect();
    if part.body.is_some() && !headers.iter().any(|(name, _)| name == "content-type") {
        return Err(invalid("headers, which must name the type of the body,"));
    }
    Ok(IncomingRequest {
        method,
        path: format!("/{version}/{path}"),
        query: query.to_owned(),
        headers,
        body: part
            .body
            .as_ref()
            .map(|body| Bytes::from(body.to_string()))
            .unwrap_or_default(),
    })
}

/// Answers all, in the order of the envelope: at one time what depends on nothing that is still to
/// be answered.
async fn run(
    shared: &Shared,
    caller: &Caller,
    parts: &[(Part, IncomingRequest)],
    batch: &Ids,
) -> Vec<(String, Option<Answer>)> {
    let mut answered: BTreeMap<usize, Option<Answer>> = BTreeMap::new();
    while answered.len() < parts.len() {
        let ready: Vec<usize> = (0..parts.len())
            .filter(|one| !answered.contains_key(one))
            .filter(|one| awaited(parts, *one).is_none_or(|other| answered.contains_key(&other)))
            .collect();
        let answers = ready.iter().map(|&one| {
            let failed = awaited(parts, one).is_some_and(|other| {
                let status = answered[&other].as_ref().map_or(0, |answer| answer.status);
                !(200..400).contains(&status)
            });
            async move {
                if failed {
                    Some(errors::failed_dependency(&parts[one].1.ids_in(batch)))
                } else {
                    exchange::part(shared, caller, &parts[one].1, batch).await
                }
            }
        });
        let answers = join_all(answers).await;
        answered.extend(ready.into_iter().zip(answers));
    }
    parts
        .iter()
        .map(|(part, _)| part.id.clone())
        .zip(answered.into_values())
        .collect()
}

/// The place of the request that this one waits for.
fn awaited(parts: &[(Part, IncomingRequest)], one: usize) -> Option<usize> {
    let other = parts[one].0.depends_on.first()?;
    parts
        .iter()
        .position(|(part, _)| part.id.eq_ignore_ascii_case(other))
}

/// What stands for the body with this number, which is put in once all else is text.
fn stand_in(number: usize) -> String {
    format!("@sim.verbatim.{number}")
}

/// Puts bodies in their places that cannot be said in a value.
fn put_in(text: &mut Vec<u8>, verbatim: &[Vec<u8>]) {
    for (number, body) in verbatim.iter().enumerate() {
        let mark = json!(stand_in(number)).to_string().into_bytes();
        let found = text.windows(mark.len()).position(|part| part == mark);
        if let Some(at) = found {
            text.splice(at..at + mark.len(), body.iter().copied());
        }
    }
}

fn response(id: &str, answer: &Answer, rng: &mut Rng, verbatim: &mut Vec<Vec<u8>>) -> Value {
    let mut headers = Map::new();
    let own = answer.headers.iter();
    let own = own.map(|(name, value)| (*name, value.as_str()));
    for (name, value) in own.chain([("Content-Type", answer.content_type)]) {
        let name = match rng.below(3) {
            0 => name.to_ascii_lowercase(),
            _ => name.to_owned(),
        };
        headers.insert(name, json!(value));
    }
    let mut response = json!({"id": id, "status": answer.status, "headers": headers});
    if answer.verbatim {
        response["body"] = json!(stand_in(verbatim.len()));
        verbatim.push(answer.body.clone());
    } else if !answer.body.is_empty() {
        response["body"] = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| json!(STANDARD.encode(&answer.body)));
    }
    response
}
