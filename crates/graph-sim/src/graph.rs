//! Graph's answers: which object or page a request is for.

pub(crate) mod errors;
mod filter;
mod odata;
mod paging;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Ids};
use crate::collections::{Assignments, Collection, Kind, Shape, collections};
use crate::content::{Row, View};
use crate::directory::{Directory, Object};
use odata::Query;
use paging::Listing;

/// Rows of a page of settings when `$top` is not given.
const SETTINGS_PAGE: usize = 25;

/// What is wrong with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageFault<'a> {
    None,
    Empty,
    LinkToItself,
    LinkElsewhere(&'a str),
    RepeatedRow,
    Padded(usize),
}

/// A request that was let in.
#[derive(Debug)]
pub(crate) struct GraphRequest<'a> {
    pub(crate) directory: Directory,
    pub(crate) tenant: &'a str,
    pub(crate) seed: u64,
    /// Pages are no larger than this, whatever the collection allows.
    pub(crate) max_page_size: Option<usize>,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// Scheme and host that links begin with.
    pub(crate) base: String,
    pub(crate) unknown_members: bool,
    /// Whether `ConsistencyLevel: eventual` was sent.
    pub(crate) eventual: bool,
    pub(crate) fault: PageFault<'a>,
    pub(crate) ids: &'a Ids,
}

/// What a path names.
#[derive(Debug, Clone)]
struct Target {
    /// The collection's index in the table.
    index: usize,
    /// The parent's id, for children.
    parent: Option<String>,
    /// The object's id and what of it.
    item: Option<(String, Part)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Itself,
    Assignments,
    Settings,
}

/// The permission that a path needs, if it is one of the table's.
pub(crate) fn permission(path: &str) -> Option<&'static str> {
    let (_, rest) = split_version(path)?;
    let target = find(&rest)?;
    collections()[target.index].permission.as_deref()
}

/// `/beta/groups/1` as version and decoded segments.
fn split_version(path: &str) -> Option<(&str, Vec<String>)> {
    let (version, rest) = path.strip_prefix('/')?.split_once('/')?;
    let segments = rest
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(odata::decode)
        .collect();
    Some((version, segments))
}

/// The parent's id when the segments are the collection's; `Some(None)` without a parent.
fn matched(collection: &Collection, segments: &[String]) -> Option<Option<String>> {
    let mut parent = None;
    let mut own = collection.segments();
    for segment in segments {
        let expected = own.next()?;
        if expected.starts_with('{') {
            parent = Some(segment.clone());
        } else if expected != segment {
            return None;
        }
    }
    own.next().is_none().then_some(parent)
}

fn find(segments: &[String]) -> Option<Target> {
    let search = |segments: &[String], item: Option<(String, Part)>| {
        collections().iter().enumerate().find_map(|(index, one)| {
            if item.is_some() && one.kind() == Kind::Singleton {
                return None;
            }
            matched(one, segments).map(|parent| Target {
                index,
                parent,
                item: item.clone(),
            })
        })
    };
    if let Some(target) = search(segments, None) {
        return Some(target);
    }
    let (last, before) = segments.split_last()?;
    if let Some(target) = search(before, Some((last.clone(), Part::Itself))) {
        return Some(target);
    }
    let part = match last.as_str() {
        "assignments" => Part::Assignments,
        "settings" => Part::Settings,
        _ => return None,
    };
    let (id, before) = before.split_last()?;
    search(before, Some((id.clone(), part)))
}

/// The first segment that no collection's path has at its place.
fn unknown_segment(segments: &[String]) -> &str {
    let known = |depth: usize| {
        collections().iter().any(|collection| {
            let mut own = collection.segments();
            segments[..=depth].iter().all(|segment| {
                own.next()
                    .is_some_and(|one| one == segment || one.starts_with('{'))
            })
        })
    };
    (0..segments.len())
        .find(|&depth| !known(depth))
        .or(segments.len().checked_sub(1))
        .map_or("", |depth| segments[depth].as_str())
}

/// Answers a request.
pub(crate) fn answer(request: &GraphRequest<'_>) -> Answer {
    respond(request).unwrap_or_else(|refusal| *refusal)
}

/// Refusals are boxed: they are large, and rare.
type Answered = Result<Answer, Box<Answer>>;

fn respond(request: &GraphRequest<'_>) -> Answered {
    let ids = request.ids;
    let (version, segments) = split_version(request.path)
        .filter(|(version, _)| matches!(*version, "beta" | "v1.0"))
        .ok_or_else(|| errors::bad_request("Invalid version.", ids))?;
    let target = find(&segments)
        .filter(|target| {
            let versions = &collections()[target.index].versions;
            versions.iter().any(|one| one == version)
        })
        .ok_or_else(|| errors::unknown_segment(unknown_segment(&segments), ids))?;
    let collection = &collections()[target.index];
    if collection.kind() == Kind::DelegatedOnly {
        return Err(errors::forbidden(None, ids).into());
    }
    let query = Query::parse(request.query, ids)?;
    let view = View {
        item: target.item.is_some() || collection.kind() == Kind::Singleton,
        v1: version == "v1.0",
        unknown_members: request.unknown_members,
        assignments: query.expands("assignments"),
        settings: query.expands("settings"),
    };
    let responder = Responder {
        request,
        collection,
        version,
        view,
        query: &query,
        set: &request.directory.sets[target.index],
    };
    responder.check_expand(target.item.as_ref().map(|(_, part)| *part))?;
    match (&target.item, collection.kind()) {
        (Some((id, part)), _) => responder.part(id, *part, target.parent.as_deref()),
        (None, Kind::Singleton) => responder.singleton(),
        (None, _) => responder.list(target.parent.as_deref()),
    }
}

/// Everything that an answer is made from.
struct Responder<'a> {
    request: &'a GraphRequest<'a>,
    collection: &'static Collection,
    version: &'a str,
    view: View,
    query: &'a Query,
    set: &'a [Object],
}

impl<'a> Responder<'a> {
    fn row(&self, object: Object) -> Row<'a> {
        Row::new(&self.request.directory, self.collection, object)
    }

    fn body(&self, object: Object) -> Map<String, Value> {
        self.query.select(self.row(object).body(self.view))
    }

    fn context(&self, tail: &str) -> String {
        let path = self.collection.path().trim_start_matches('/');
        format!(
            "https://graph.microsoft.com/{}/$metadata#{path}{tail}",
            self.version
        )
    }

    /// Refuses what cannot be expanded here.
    fn check_expand(&self, part: Option<Part>) -> Result<(), Box<Answer>> {
        let ids = self.request.ids;
        for expanded in self.query.expanded() {
            let possible = match expanded {
                "assignments" => match self.collection.assignments {
                    Assignments::Expand => part != Some(Part::Assignments),
                    Assignments::Subresource | Assignments::Item => part == Some(Part::Itself),
                    Assignments::None => false,
                },
                "settings" => self.collection.shape == Shape::ConfigurationPolicy,
                _ => false,
            };
            if !possible {
                let message = format!(
                    "Could not find a property named '{expanded}' on type '{}'.",
                    self.collection.entity_type
                );
                return Err(errors::bad_request(&message, ids).into());
            }
        }
        Ok(())
    }

    fn singleton(&self) -> Answered {
        let object = *self
            .set
            .first()
            .ok_or_else(|| errors::not_found(self.request.ids))?;
        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), json!(self.context("")));
        body.extend(self.body(object));
        let mut answer = Answer::graph_json(200, &Value::Object(body));
        answer.rows = 1;
        Ok(answer)
    }

    /// Children of this parent only, when there is one.
    fn under(&self, parent: Option<&str>) -> Result<Vec<Object>, Box<Answer>> {
        let Some(parent) = parent else {
            return Ok(self.set.to_vec());
        };
        let exists = collections()
            .iter()
            .zip(&self.request.directory.sets)
            .filter(|(one, _)| one.shape == Shape::DepToken)
            .any(|(one, set)| {
                set.iter()
                    .any(|object| Row::new(&self.request.directory, one, *object).id() == parent)
            });
        if !exists {
            return Err(errors::not_found(self.request.ids).into());
        }
        let own = |object: &&Object| self.row(**object).parent_id() == parent;
        Ok(self.set.iter().filter(own).copied().collect())
    }

    fn list(&self, parent: Option<&str>) -> Answered {
        let mut objects = self.under(parent)?;
        if let Some(filter) = &self.query.filter {
            objects
                .retain(|object| filter.holds(&Value::Object(self.row(*object).body(self.view))));
        }
        if let Some(search) = &self.query.search {
            if !self.request.eventual || self.collection.shape != Shape::Group {
                return Err(errors::unsupported_query(self.request.ids).into());
            }
            objects
                .retain(|object| search.holds(&Value::Object(self.row(*object).body(self.view))));
        }
        // With `$top`, conditional access gives so many policies and no link to the rest.
        let ends_early =
            self.collection.shape == Shape::ConditionalAccess && self.query.top.is_some();
        let listing = Listing {
            context: self.context(""),
            total: objects.len(),
            page_size: self.collection.page_size,
            max_top: self.collection.max_top,
            counts_pages: self.collection.is_intune(),
            ends_early,
        };
        let row = |position: usize| Value::Object(self.body(objects[position]));
        paging::page(self.request, self.query, &listing, row)
    }

    fn part(&self, id: &str, part: Part, parent: Option<&str>) -> Answered {
        let ids = self.request.ids;
        let object = self
            .under(parent)?
            .into_iter()
            .find(|object| self.row(*object).id() == id)
            .ok_or_else(|| errors::not_found(ids))?;
        let row = self.row(object);
        let listing = |tail: &str, total: usize| Listing {
            context: self.context(&format!("('{id}')/{tail}")),
            total,
            page_size: if tail == "settings" {
                SETTINGS_PAGE
            } else {
                1_000
            },
            max_top: 1_000,
            counts_pages: true,
            ends_early: false,
        };
        match part {
            Part::Itself => {
                let mut body = Map::new();
                body.insert("@odata.context".to_owned(), json!(self.context("/$entity")));
                body.extend(self.body(object));
                let mut answer = Answer::graph_json(200, &Value::Object(body));
                answer.rows = 1;
                Ok(answer)
            }
            Part::Assignments => match self.collection.assignments {
                Assignments::Expand | Assignments::Subresource => {
                    let assignments = row.assignments();
                    let listing = listing("assignments", assignments.len());
                    paging::page(self.request, self.query, &listing, |position| {
                        assignments[position].clone()
                    })
                }
                Assignments::Item => Err(errors::no_route(ids).into()),
                Assignments::None => Err(errors::unknown_segment("assignments", ids).into()),
            },
            Part::Settings if self.collection.shape == Shape::ConfigurationPolicy => {
                let listing = listing("settings", row.setting_count());
                paging::page(self.request, self.query, &listing, |position| {
                    row.setting(position)
                })
            }
            Part::Settings => Err(errors::unknown_segment("settings", ids).into()),
        }
    }
}
