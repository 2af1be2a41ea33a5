//! `/groups/delta`: every group, and later what changed since.
//!
//! As with the real service the order says nothing, rows repeat, and a link is good until its state
//! is forgotten. A page after the first begins with the last row of the one before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::odata::Query;
use super::{GraphRequest, PageFault, errors};
use crate::answer::{Answer, random_guid};
use crate::collections::{collections, index_of};
use crate::content::{Links, Row, View, places};
use crate::directory::{Directory, Object};

/// Where a caller may go on, by the token of the link.
#[derive(Debug, Default)]
pub(crate) struct GroupChanges(Mutex<HashMap<String, Arc<Round>>>);

/// From one state of a tenant to another.
#[derive(Debug)]
struct Round {
    tenant: String,
    /// Without one, everything is listed.
    from: Option<Directory>,
    to: Directory,
    /// Serials of the groups to list, in this order.
    listed: Vec<u32>,
    /// The rest of the query, as it was asked.
    select: String,
}

/// Where a page of a round begins.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    offset: usize,
    /// Distinguishes links that lead to the same rows.
    turn: usize,
}

/// Whether this path is answered here.
pub(crate) fn is_path(path: &str) -> bool {
    matches!(path, "/v1.0/groups/delta" | "/beta/groups/delta")
}

/// The rows of all groups of a tenant, as a list gives them.
pub(crate) fn rows(directory: &Directory) -> Vec<Value> {
    let set = &directory.sets[index_of(places::GROUPS)];
    let row = |object| Value::Object(row(directory, object));
    set.iter().map(row).collect()
}

fn row(directory: &Directory, object: Object) -> Map<String, Value> {
    let view = View {
        item: false,
        v1: true,
        unknown_members: false,
        expand: &[],
    };
    Row::new(directory, index_of(places::GROUPS), object).body(view, &mut Links::ignored())
}

impl GroupChanges {
    /// Forgets how far the tenant's callers have come.
    pub(crate) fn expire(&self, tenant: &str) {
        self.rounds().retain(|_, round| round.tenant != tenant);
    }

    fn rounds(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Round>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, token: &str, tenant: &str) -> Option<Arc<Round>> {
        let round = self.rounds().get(token).cloned();
        round.filter(|round| round.tenant == tenant)
    }

    fn begin(&self, round: Round) -> (String, Arc<Round>) {
        let (token, round) = (random_guid(), Arc::new(round));
        self.rounds().insert(token.clone(), Arc::clone(&round));
        (token, round)
    }

    /// Answers a request. `minimal`: of a group that the caller knows only what changed is listed.
    pub(crate) fn answer(&self, request: &GraphRequest<'_>, minimal: bool) -> Answer {
        let parameter = |name: &str| {
            let mut parts = request.query.split('&');
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let gone = || errors::page_gone(410, request.ids);
        let now = || request.directory.clone();
        let (token, round, from) = match (parameter("$deltatoken"), parameter("$skiptoken")) {
            (None, Some(skip)) => {
                let Some((token, from)) = skip.split_once('.') else {
                    return errors::bad_request("Skip token is not valid.", request.ids);
                };
                let (from, turn) = from.split_once('.').unwrap_or((from, "0"));
                let round = self.find(token, request.tenant);
                let (Some(round), Ok(offset), Ok(turn)) = (round, from.parse(), turn.parse())
                else {
                    return gone();
                };
                (token.to_owned(), round, Place { offset, turn })
            }
            (Some(token), None) if token != "latest" => {
                let Some(before) = self.find(token, request.tenant) else {
                    return gone();
                };
                let from = Some(before.to.clone());
                let select = before.select.clone();
                let (token, round) = self.begin(Round::new(request.tenant, from, now(), select));
                (token, round, Place::default())
            }
            (None, None) => {
                if parameter("$top").is_some() || parameter("$expand").is_some() {
                    return errors::unsupported_query(request.ids);
                }
                let select = request.query.to_owned();
                let (token, round) = self.begin(Round::new(request.tenant, None, now(), select));
                (token, round, Place::default())
            }
            (latest, _) => {
                let select = request.query.replace("$deltatoken=latest", "");
                let from = latest.map(|_| now());
                let (token, round) = self.begin(Round::new(request.tenant, from, now(), select));
                (token, round, Place::default())
            }
        };
        round.page(request, &token, from, minimal)
    }
}

impl Round {
    fn new(tenant: &str, from: Option<Directory>, to: Directory, select: String) -> Self {
        let index = index_of(places::GROUPS);
        let set = &to.sets[index];
        let before = |serial| from.as_ref()?.sets[index].by_serial(serial);
        let mut listed: Vec<u32> = set
            .ever()
            .iter()
            .filter(|object| match before(object.serial) {
                Some(before) => before != **object,
                None => !object.gone,
            })
            .map(|object| object.serial)
            .collect();
        listed.reverse();
        Self {
            tenant: tenant.to_owned(),
            from,
            to,
            listed,
            select,
        }
    }

    fn page(&self, request: &GraphRequest<'_>, token: &str, place: Place, minimal: bool) -> Answer {
        let query = match Query::parse(&self.select, request.ids) {
            Ok(query) => query,
            Err(refusal) => return *refusal,
        };
        let collection = &collections()[index_of(places::GROUPS)];
        let most = request.max_page_size.unwrap_or(usize::MAX);
        let size = collection.page_size.min(most).max(1);
        let from = place.offset.min(self.listed.len());
        let to = (from + size).min(self.listed.len());
        let rows: Vec<Value> = self.listed[from.saturating_sub(1)..to]
            .iter()
            .map(|&serial| Value::Object(self.entry(serial, &query, minimal)))
            .collect();
        let root = format!("{}{}", request.base, request.path);
        let (name, link) = if request.fault == PageFault::Endless {
            let next = place.turn + 1;
            let link = format!("{root}?$skiptoken={token}.{from}.{next}");
            ("@odata.nextLink", link)
        } else if to < self.listed.len() {
            ("@odata.nextLink", format!("{root}?$skiptoken={token}.{to}"))
        } else {
            ("@odata.deltaLink", format!("{root}?$deltatoken={token}"))
        };
        let count = rows.len();
        let mut answer = Answer::graph_json(
            200,
            &json!({
                "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#groups",
                name: link,
                "value": rows,
            }),
        );
        answer.rows = count;
        answer
    }

    fn entry(&self, serial: u32, query: &Query, minimal: bool) -> Map<String, Value> {
        let index = index_of(places::GROUPS);
        let now = self.to.sets[index]
            .by_serial(serial)
            .unwrap_or(Object::new(serial, 0));
        let whole = query.select(row(&self.to, now));
        let id = whole.get("id").cloned().unwrap_or_default();
        if now.gone {
            let mut gone = Map::new();
            gone.insert("id".to_owned(), id);
            gone.insert("@removed".to_owned(), json!({"reason": "changed"}));
            return gone;
        }
        let before = self.from.as_ref().and_then(|from| {
            let before = from.sets[index].by_serial(serial)?;
            (!before.gone).then(|| row(from, before))
        });
        match before {
            Some(before) if minimal => whole
                .into_iter()
                .filter(|(name, value)| name == "id" || before.get(name) != Some(value))
                .collect(),
            _ => whole,
        }
    }
}
