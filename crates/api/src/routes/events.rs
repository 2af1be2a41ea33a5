//! The log of events, in pages: of a tenant, of the caller, and of one run.

use std::slice;

use actix_web::http::header;
use actix_web::{get, web};
use atlas_domain::event::EventType;
use atlas_store::{EventCursor, EventFilter, EventPage, EventTopics, EventsError, EventsFrom};
use utoipa::IntoResponses;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::query::{OneOf, QueryReader, Words, ascending, text, word};
use crate::extract::run_scope::RunScope;
use crate::extract::tenant_scope::TenantScope;
use crate::links::Links;
use crate::paging::{self, DEFAULT_LIMIT};
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::wire::event::{Event, EventList};

/// Types that may be named at most.
const MAX_TYPES: usize = 50;
/// The longest name of a type.
const MAX_WORD: usize = 128;

/// Where a list without a cursor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    Start,
    Now,
}

type BeginningWord = OneOf<Beginning>;

impl Words for Beginning {
    fn all() -> slice::Iter<'static, Self> {
        [Self::Start, Self::Now].iter()
    }

    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Now => "now",
        }
    }
}

/// The refusal of a cursor that the log does not go on from.
struct EventRefusals;

impl IntoResponses for EventRefusals {
    fn responses() -> Responses {
        refusals([Refusal::new(
            "ResyncRequired",
            "The log does not continue from this cursor.",
        )
        .with(resync_required())])
    }
}

fn resync_required() -> Problem {
    Problem::new(
        ProblemKind::ResyncRequired,
        "Events after this cursor may be missing: they were deleted as too old, or the database was \
         restored.",
    )
}

impl From<EventsError> for Problem {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Gone => resync_required(),
            EventsError::Store(error) => error.into(),
        }
    }
}

/// What is asked for, and how the answer continues.
struct EventPaging {
    limit: u16,
    beginning: Beginning,
    cursor: Option<EventCursor>,
    newest_first: bool,
    path: String,
    pairs: Vec<(String, String)>,
}

impl EventPaging {
    fn read(query: &mut QueryReader) -> Self {
        let limit = paging::read_limit(query);
        let newest_first = !query.one("sort", ascending("occurred_at")).unwrap_or(true);
        let parse = if newest_first {
            EventCursor::parse_before
        } else {
            EventCursor::parse
        };
        let cursor = query.one("cursor", parse);
        Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            beginning: Beginning::Start,
            cursor,
            newest_first,
            path: query.path().to_owned(),
            pairs: query.pairs().to_vec(),
        }
    }

    /// The same, of a list that may begin with what comes next.
    fn read_from(query: &mut QueryReader) -> Self {
        let beginning = query.one("from", word);
        let mut paging = Self::read(query);
        if beginning.is_some() && paging.cursor.is_some() {
            let detail = "Leave it out when you send a cursor.".to_owned();
            query.refuse("from", "not_with_cursor", detail);
        }
        if beginning.is_some() && paging.newest_first {
            let detail = "Leave it out: a list that is newest first begins with the newest event.";
            query.refuse("from", "conflict", detail.to_owned());
        }
        paging.beginning = beginning.unwrap_or(Beginning::Start);
        paging
    }

    fn from(&self) -> EventsFrom {
        match (self.cursor, self.beginning) {
            (Some(cursor), _) => EventsFrom::After(cursor.place()),
            (None, Beginning::Start) => EventsFrom::Start,
            (None, Beginning::Now) => EventsFrom::Now,
        }
    }

    fn answer(
        &self,
        links: &Links,
        items: Vec<Event>,
        next: EventCursor,
        more: bool,
    ) -> Answer<EventList> {
        let next_cursor = if self.newest_first {
            next.before()
        } else {
            next.to_string()
        };
        let kept = self.pairs.iter().filter(|(name, _)| name != "from");
        let next = paging::page_address(&self.path, kept, links, &next_cursor);
        let list = EventList {
            items,
            next_cursor,
            has_more: more,
        };
        Answer::ok(list).header(header::LINK, &format!("<{next}>; rel=\"next\""))
    }

    fn page(&self, links: &Links, page: EventPage) -> Answer<EventList> {
        let events = page.events.into_iter();
        let items = events.map(|event| Event::new(event, links)).collect();
        let next = EventCursor::of_log(page.next);
        self.answer(links, items, next, page.more)
    }
}

/// A page of the log of these topics.
async fn list(
    topics: EventTopics,
    mut query: QueryReader,
    state: &AppState,
) -> Result<Answer<EventList>, Problem> {
    let filter = EventFilter {
        types: query.many("type", MAX_TYPES, text(MAX_WORD)),
    };
    let paging = EventPaging::read_from(&mut query);
    query.finish()?;
    let (store, limit) = (&state.store, paging.limit);
    let events = if paging.newest_first {
        let before = paging.cursor.map(EventCursor::place);
        store.events_before(&topics, &filter, before, limit).await?
    } else {
        store.events(&topics, &filter, paging.from(), limit).await?
    };
    Ok(paging.page(&state.links, events))
}

/// List events of a tenant
///
/// Lists what happened in the tenant, oldest first: runs that were queued, claimed, requeued or completed,
/// the phases that they reached, and per policy type how many items a run found changed. Each event is
/// listed once it is committed, and after all that were listed before it, so that following `next_cursor`
/// misses none. `next_cursor` is always present; when `has_more` is false, ask with it again later.
///
/// The cursor of any event or list of events continues each of these lists, with any filter. With
/// `sort=-occurred_at` the list is newest first: its `next_cursor` continues with what is older, in lists
/// with that order alone.
#[utoipa::path(
    tag = "events",
    params(
        (
            "type" = Option<Vec<String>>, Query,
            description = "Only events of these types, such as operation_run.completed.",
            max_items = 50, example = json!([EventType::RunCompleted.as_str()]),
        ),
        (
            "from" = inline(Option<BeginningWord>), Query,
            description = "Where a list without a cursor begins: at the oldest event that is kept, or now.",
            example = json!("now"),
        ),
        (
            "sort" = Option<String>, Query,
            description = "The order of the log: oldest first (`occurred_at`, the default) or newest first (`-occurred_at`). Newest first not with `from`.",
            max_length = 12, pattern = "^(occurred_at|-occurred_at)$", example = "-occurred_at",
        ),
    ),
    responses(
        (
            status = 200,
            description = "A page of events.",
            body = EventList,
            example = EventList::example,
        ),
        EventRefusals,
    ),
)]
#[get("/tenants/{tenant_id}/events")]
pub(crate) async fn list_tenant_events(
    scope: TenantScope,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<EventList>, Problem> {
    list(EventTopics::Tenant(scope.tenant_id()), query, &state).await
}

/// List your events
///
/// Lists events of your notifications and of the runs that you started, oldest first, in the tenants that
/// you are a member of. It continues as `GET /tenants/{tenant_id}/events` does.
#[utoipa::path(
    tag = "events",
    params(
        (
            "type" = Option<Vec<String>>, Query,
            description = "Only events of these types, such as operation_run.completed.",
            max_items = 50, example = json!([EventType::RunCompleted.as_str()]),
        ),
        (
            "from" = inline(Option<BeginningWord>), Query,
            description = "Where a list without a cursor begins: at the oldest event that is kept, or now.",
            example = json!("now"),
        ),
        (
            "sort" = Option<String>, Query,
            description = "The order of the log: oldest first (`occurred_at`, the default) or newest first (`-occurred_at`). Newest first not with `from`.",
            max_length = 12, pattern = "^(occurred_at|-occurred_at)$", example = "-occurred_at",
        ),
    ),
    responses(
        (
            status = 200,
            description = "A page of events.",
            body = EventList,
            example = EventList::example,
        ),
        EventRefusals,
    ),
)]
#[get("/me/events")]
pub(crate) async fn list_my_events(
    actor: Actor,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<EventList>, Problem> {
    list(EventTopics::User(actor.user_id()), query, &state).await
}

/// List events of an operation run
///
/// Lists what happened to the run, in order: when it was queued, claimed, requeued, asked to stop and
/// completed, and the phases that it reached. `data.sequence` counts them from 1 without gaps. They are
/// kept as long as the run.
#[utoipa::path(
    tag = "operation-runs",
    params((
        "sort" = Option<String>, Query,
        description = "The order: oldest first (`occurred_at`, the default) or newest first (`-occurred_at`).",
        max_length = 12, pattern = "^(occurred_at|-occurred_at)$", example = "-occurred_at",
    )),
    responses(
        (
            status = 200,
            description = "A page of events.",
            body = EventList,
            example = EventList::example,
        ),
        EventRefusals,
    ),
)]
#[get("/operation-runs/{run_id}/events")]
pub(crate) async fn list_operation_run_events(
    scope: RunScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<EventList>, Problem> {
    let paging = EventPaging::read(&mut query);
    query.finish()?;
    let run = &scope.view().run;
    let place = paging.cursor.map(EventCursor::run_place);
    let (store, tenant, limit) = (&state.store, run.tenant_id, paging.limit);
    let page = if paging.newest_first {
        store
            .run_events_before(tenant, run.id, place, limit)
            .await?
    } else {
        store.run_events(tenant, run.id, place, limit).await?
    };
    let events = page.events.into_iter().map(|event| {
        let cursor = EventCursor::of_run(event.place());
        Event::with_cursor(event.event, cursor, &state.links)
    });
    let next = EventCursor::of_run(page.next);
    Ok(paging.answer(&state.links, events.collect(), next, page.more))
}
