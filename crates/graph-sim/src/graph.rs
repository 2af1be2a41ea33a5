//! Graph's answers: which object or page a request is for.

pub(crate) mod audit_events;
pub(crate) mod by_ids;
pub(crate) mod errors;
mod filter;
pub(crate) mod group_changes;
mod navigation;
mod odata;
mod paging;
mod route;
mod setting_definitions;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Ids};
use crate::audit::AuditLog;
use crate::collections::{Assignments, Collection, Kind, Shape, collections, index_of};
use crate::content::{self, Links, Navigation, Row, View, cast_navigations, navigations, places};
use crate::directory::{Directory, Object, Set};
use odata::Query;
use paging::Listing;
use route::Target;

/// The list of all apps' relationships, which is no collection of the table.
const RELATIONSHIPS: [&str; 2] = ["deviceAppManagement", "mobileAppRelationships"];

/// What is wrong with a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PageFault<'a> {
    None,
    Empty,
    LinkToItself,
    LinkElsewhere(&'a str),
    RepeatedRow,
    Padded(usize),
    TopIgnored,
    TopClamped(usize),
    /// Full pages have no link. They hold so many rows, or as many as were asked for.
    Cut(Option<usize>),
    /// A new link to the same rows.
    Endless,
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
    /// Whether a user is behind it.
    pub(crate) delegated: bool,
    pub(crate) unknown_members: bool,
    /// Whether `ConsistencyLevel: eventual` was sent.
    pub(crate) eventual: bool,
    pub(crate) fault: PageFault<'a>,
    /// Lists whose rows carry their settings come one or two at a time.
    pub(crate) settings_shrink_pages: bool,
    pub(crate) ids: &'a Ids,
}

/// The permissions that a path needs, all of them; none where nothing stands.
pub(crate) fn permissions(path: &str) -> Vec<&'static str> {
    match AuditLog::of_path(path) {
        Some(log) => log.permissions().to_vec(),
        None => permission(path).into_iter().collect(),
    }
}

/// The permission that a path of the table needs.
fn permission(path: &str) -> Option<&'static str> {
    let (_, segments) = route::split_version(path)?;
    if setting_definitions::is_path(&segments) {
        return Some(setting_definitions::PERMISSION);
    }
    let index = if segments == RELATIONSHIPS {
        index_of(places::APPS)
    } else {
        route::find(&segments)?.index
    };
    collections()[index].permission.as_deref()
}

/// Answers a request.
pub(crate) fn answer(request: &GraphRequest<'_>) -> Answer {
    respond(request).unwrap_or_else(|refusal| *refusal)
}

/// Refusals are boxed: they are large, and rare.
type Answered = Result<Answer, Box<Answer>>;

fn respond(request: &GraphRequest<'_>) -> Answered {
    let ids = request.ids;
    let (version, segments) = route::split_version(request.path)
        .filter(|(version, _)| matches!(*version, "beta" | "v1.0"))
        .ok_or_else(|| errors::bad_request("Invalid version.", ids))?;
    if setting_definitions::is_path(&segments) {
        return setting_definitions::answer(request, version, &segments[2..]);
    }
    let query = Query::parse(request.query, ids)?;
    if segments == RELATIONSHIPS {
        let rows = content::all_relationships(&request.directory);
        let context = format!(
            "https://graph.microsoft.com/{version}/$metadata#{}",
            segments.join("/")
        );
        return rows_page(request, &query, context, 1_000, rows);
    }
    let target = route::find(&segments)
        .filter(|target| {
            let versions = &collections()[target.index].versions;
            versions.iter().any(|one| one == version)
        })
        .ok_or_else(|| errors::unknown_segment(route::unknown_segment(&segments), ids))?;
    let collection = &collections()[target.index];
    if collection.kind() == Kind::DelegatedOnly && !request.delegated {
        return Err(errors::forbidden(None, ids).into());
    }
    let responder = Responder {
        request,
        index: target.index,
        collection,
        version,
        query: &query,
        set: &request.directory.sets[target.index],
    };
    match (&target.item, collection.kind()) {
        (Some(id), _) => responder.under_item(id, &target),
        (None, Kind::Singleton) => responder.singleton(),
        (None, _) => responder.list(target.parent.as_deref()),
    }
}

/// A page of rows that are all there already.
fn rows_page(
    request: &GraphRequest<'_>,
    query: &Query,
    context: String,
    page_size: usize,
    mut rows: Vec<Value>,
) -> Answered {
    if let Some(filter) = &query.filter {
        rows.retain(|row| filter.holds(row));
    }
    let listing = Listing {
        context,
        total: rows.len(),
        page_size,
        max_top: 1_000,
        counts_pages: true,
        ends_early: false,
        shrinks: false,
    };
    paging::page(request, query, &listing, |position| {
        match rows[position].clone() {
            Value::Object(row) => Value::Object(query.select(row)),
            other => other,
        }
    })
}

/// Everything that an answer is made from.
struct Responder<'a> {
    request: &'a GraphRequest<'a>,
    index: usize,
    collection: &'static Collection,
    version: &'a str,
    query: &'a Query,
    set: &'a Set,
}

impl<'a> Responder<'a> {
    fn row(&self, object: Object) -> Row<'a> {
        Row::new(&self.request.directory, self.index, object)
    }

    fn view(&self, item: bool) -> View<'a> {
        View {
            item,
            v1: self.version == "v1.0",
            unknown_members: self.request.unknown_members,
            expand: &self.query.expand,
        }
    }

    fn body(&self, object: Object, view: View<'_>) -> Map<String, Value> {
        let body = self.row(object).body(view, &mut Links::ignored());
        self.query.select(body)
    }

    fn context(&self, tail: &str) -> String {
        let path = self.collection.path().trim_start_matches('/');
        format!(
            "https://graph.microsoft.com/{}/$metadata#{path}{tail}",
            self.version
        )
    }

    /// Refuses what cannot be expanded here. `cast` are navigations of the object's own type.
    fn check_expand(&self, on_item: bool, cast: &[Navigation]) -> Result<(), Box<Answer>> {
        for expanded in self.query.expand.iter().map(|one| one.name.as_str()) {
            let possible = if expanded == "assignments" {
                match self.collection.assignments {
                    Assignments::Expand => true,
                    Assignments::Subresource | Assignments::Item => on_item,
                    Assignments::None => false,
                }
            } else {
                navigations(self.collection)
                    .iter()
                    .chain(cast)
                    .filter(|one| one.name == expanded)
                    .any(|one| if on_item { one.on_items } else { one.in_lists })
            };
            if !possible {
                let message = format!(
                    "Could not find a property named '{expanded}' on type '{}'.",
                    self.collection.entity_type
                );
                return Err(errors::bad_request(&message, self.request.ids).into());
            }
        }
        let mut all = self.query.expand.iter();
        all.try_for_each(|one| self.check_inside(&one.name, &one.inner))
    }

    fn one(&self, body: Map<String, Value>, context: &str) -> Answer {
        let mut whole = Map::new();
        whole.insert("@odata.context".to_owned(), json!(self.context(context)));
        whole.extend(body);
        let mut answer = Answer::graph_json(200, &Value::Object(whole));
        answer.rows = 1;
        answer
    }

    fn singleton(&self) -> Answered {
        self.check_expand(true, &[])?;
        if self.set.len() == 0 {
            return Err(errors::not_found(self.request.ids).into());
        }
        Ok(self.one(self.body(self.set.at(0), self.view(true)), ""))
    }

    /// Whether there is a parent with this id.
    fn check_parent(&self, parent: &str) -> Result<(), Box<Answer>> {
        let parents = index_of(places::ENROLLMENT_TOKENS);
        match content::find(&self.request.directory, parents, parent) {
            Some(_) => Ok(()),
            None => Err(errors::not_found(self.request.ids).into()),
        }
    }

    fn list(&self, parent: Option<&str>) -> Answered {
        self.check_expand(false, &[])?;
        if let Some(parent) = parent {
            self.check_parent(parent)?;
        }
        if self.query.search.is_some()
            && (!self.request.eventual || self.collection.shape != Shape::Group)
        {
            return Err(errors::unsupported_query(self.request.ids).into());
        }
        // With `$top`, conditional access gives so many policies and no link to the rest.
        let ends_early =
            self.collection.shape == Shape::ConditionalAccess && self.query.top.is_some();
        let narrowed = self.narrowed(parent);
        let listing = Listing {
            context: self.context(""),
            total: narrowed.as_ref().map_or(self.set.len(), Vec::len),
            page_size: self.collection.page_size,
            max_top: self.collection.max_top,
            counts_pages: self.collection.is_intune(),
            ends_early,
            shrinks: self.request.settings_shrink_pages
                && self.query.expand.iter().any(|one| one.name == "settings"),
        };
        let view = self.view(false);
        paging::page(self.request, self.query, &listing, |position| {
            let object = match &narrowed {
                Some(objects) => objects[position],
                None => self.set.at(position),
            };
            Value::Object(self.body(object, view))
        })
    }

    /// The objects that the list is narrowed to, if it is.
    fn narrowed(&self, parent: Option<&str>) -> Option<Vec<Object>> {
        let conditions = [&self.query.filter, &self.query.search];
        if parent.is_none() && conditions.iter().all(|one| one.is_none()) {
            return None;
        }
        let view = self.view(false);
        let wanted = |object: &Object| {
            let row = self.row(*object);
            if parent.is_some_and(|parent| !row.is_under(parent)) {
                return false;
            }
            let mut conditions = conditions.iter().copied().flatten().peekable();
            conditions.peek().is_none() || {
                let body = Value::Object(row.body(view, &mut Links::ignored()));
                conditions.all(|condition| condition.holds(&body))
            }
        };
        Some(self.set.iter().filter(wanted).collect())
    }

    /// An object, or something that hangs on it.
    fn under_item(&self, id: &str, target: &Target) -> Answered {
        let ids = self.request.ids;
        if let Some(parent) = &target.parent {
            self.check_parent(parent)?;
        }
        let row = content::find(&self.request.directory, self.index, id)
            .filter(|row| {
                let parent = target.parent.as_ref();
                parent.is_none_or(|parent| row.is_under(parent))
            })
            .ok_or_else(|| errors::not_found(ids))?;
        let mut tail = target.tail.as_slice();
        let mut cast: &[Navigation] = &[];
        if let Some((kind, rest)) = tail.split_first()
            && kind.starts_with("microsoft.graph.")
        {
            let own = row.odata_type().unwrap_or_default().trim_start_matches('#');
            if own != kind {
                return Err(errors::not_found(ids).into());
            }
            cast = cast_navigations(kind);
            tail = rest;
        }
        match tail {
            [] => {
                self.check_expand(true, cast)?;
                Ok(self.one(self.body(row.object, self.view(true)), "/$entity"))
            }
            [name] if name == "assignments" => self.assignments(&row, id),
            [name] => self.navigation(&row, id, name, cast),
            [name, key, rest @ ..] => self.under_navigation(&row, name, key, rest),
        }
    }
}
