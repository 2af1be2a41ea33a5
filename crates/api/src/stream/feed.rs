//! What one caller is sent: a snapshot, the events after the place that the caller named, and what happens
//! from then on.

use std::time::Duration;

use actix_web::web::{self, Bytes};
use atlas_domain::event::EventType;
use atlas_domain::ids::UserId;
use atlas_store::{
    EventCursor, EventFilter, EventTopics, EventView, EventsError, EventsFrom, RunningProgress,
    StandingQuestion,
};
use serde_json::json;
use tokio::time::timeout;

use super::frame::{EndReason, Frame, HEARTBEAT};
use super::hub::{Message, ReadEvent, Subscription, Topic};
use super::progress::ShownProgress;
use crate::extract::actor::{Actor, revoked};
use crate::problem::{Problem, ProblemKind};
use crate::state::AppState;
use crate::under_way::OneUnderWay;
use crate::wire::event::Event;
use crate::wire::stream::StreamSnapshot;

/// After how long without a message a heartbeat is sent.
const HEARTBEAT_AFTER: Duration = Duration::from_secs(15);
/// How long a stream waits for the reader before it is refused or ended.
const JOIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Events that are read at once where a caller goes on.
const PAGE: u16 = 100;
/// How long clients wait before they connect again, in milliseconds; up to as much is added by chance, so
/// that they do not all come at once.
const RETRY: u32 = 2_000;
/// After how many seconds to ask again when too many streams are open.
const RETRY_AFTER: u64 = 10;

/// One stream: what was read and is not sent yet, and where to go on.
pub(crate) struct Feed {
    state: web::Data<AppState>,
    topic: Topic,
    user: UserId,
    access: StandingQuestion,
    subscription: Subscription,
    /// After what was read last.
    cursor: EventCursor,
    shown: ShownProgress,
    unsent: Vec<u8>,
    stage: Stage,
    /// Whether the stream is of a run that has ended.
    is_complete: bool,
    retry: Duration,
    _under_way: OneUnderWay,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Events of the log up to its end.
    CatchingUp,
    /// Events as the reader hands them on.
    Following,
    /// Nothing.
    Ended,
}

/// Events of the log, each with the cursor that continues after it.
struct Page {
    events: Vec<(EventView, EventCursor)>,
    next: EventCursor,
    more: bool,
}

/// The refusal of a stream beside others.
pub(crate) fn too_many() -> Problem {
    let detail = "You have as many streams open as you may, or this process has.";
    Problem::new(ProblemKind::TooManyStreams, detail).retry_after(RETRY_AFTER)
}

/// The refusal of a stream by a process that stops.
pub(crate) fn stopping() -> Problem {
    Problem::new(ProblemKind::Stopping, "The API was asked to stop.").retry_after(1)
}

impl Feed {
    /// Begins a stream of the topic with its snapshot, so that what cannot be read is a refusal.
    pub(crate) async fn open(
        state: web::Data<AppState>,
        topic: Topic,
        actor: &Actor,
        cursor: Option<EventCursor>,
    ) -> Result<Self, Problem> {
        let user = actor.user_id();
        let under_way = state.streams.begin(user).ok_or_else(too_many)?;
        let access = StandingQuestion {
            token: actor.principal().token_id,
            tenant: topic.tenant(),
        };
        // The token may have been looked up some seconds ago.
        let token = StandingQuestion {
            tenant: None,
            ..access
        };
        let ended = state.store.ended_access(&[token, access]).await?;
        if ended.contains(&token) {
            return Err(revoked());
        }
        if ended.contains(&access) {
            return Err(Problem::not_found());
        }
        let mut subscription = state.hub.subscribe(topic, access).ok_or_else(stopping)?;
        let now = joined(&mut subscription).await?;
        let mut random = [0; 4];
        state.entropy.fill(&mut random);
        let retry = RETRY + u32::from_le_bytes(random) % RETRY;
        let mut feed = Self {
            state,
            topic,
            user,
            access,
            subscription,
            cursor: now,
            shown: ShownProgress::default(),
            unsent: Vec::new(),
            stage: Stage::Following,
            is_complete: false,
            retry: Duration::from_millis(retry.into()),
            _under_way: under_way,
        };
        feed.begin(cursor, now).await?;
        Ok(feed)
    }

    /// The next bytes; nothing after the last message.
    pub(crate) async fn next(mut self) -> Option<(Result<Bytes, actix_web::Error>, Self)> {
        loop {
            if self.stage != Stage::Ended
                && let Some(reason) = self.subscription.end()
            {
                self.unsent.clear();
                self.end(reason);
            }
            if !self.unsent.is_empty() {
                let bytes = std::mem::take(&mut self.unsent).into();
                return Some((Ok(bytes), self));
            }
            let advanced = match self.stage {
                Stage::CatchingUp => self.catch_up().await,
                Stage::Following => self.follow().await,
                Stage::Ended => return None,
            };
            if let Err(problem) = advanced {
                let cause = problem.causes();
                tracing::warn!(user = %self.user, cause, "a stream ends before its end");
                self.end(EndReason::Unavailable);
            }
        }
    }

    /// The snapshot, and what follows the cursor, if the log continues from it; else what comes from now
    /// on.
    async fn begin(
        &mut self,
        cursor: Option<EventCursor>,
        now: EventCursor,
    ) -> Result<(), Problem> {
        self.cursor = cursor.unwrap_or(now);
        let mut first = None;
        if cursor.is_some() {
            match self.page().await {
                Ok(page) => first = Some(page),
                Err(EventsError::Gone) => {
                    self.cursor = now;
                    self.write(Frame::named("resync"), &json!({}))?;
                }
                Err(EventsError::Store(error)) => return Err(error.into()),
            }
        }
        let snapshot = StreamSnapshot::read(&self.state, self.topic, self.user).await?;
        for run in &snapshot.operation_runs {
            self.shown.note(run);
        }
        self.is_complete = matches!(self.topic, Topic::Run(..)) && snapshot.is_complete();
        let frame = Frame::named("snapshot").id(self.cursor).retry(self.retry);
        self.write(frame, &snapshot)?;
        // The run may have ended after the page was read.
        let more = self.is_complete || first.as_ref().is_some_and(|page| page.more);
        self.stage = if more {
            Stage::CatchingUp
        } else {
            Stage::Following
        };
        for (event, cursor) in first.into_iter().flat_map(|page| page.events) {
            self.take(event, cursor)?;
        }
        Ok(())
    }

    async fn catch_up(&mut self) -> Result<(), Problem> {
        let page = match self.page().await {
            Err(EventsError::Gone) => return self.resync().await,
            page => page?,
        };
        for (event, cursor) in page.events {
            self.take(event, cursor)?;
        }
        if self.stage == Stage::Ended || page.more {
            return Ok(());
        }
        self.cursor = page.next;
        self.stage = Stage::Following;
        if self.is_complete {
            self.end(EndReason::RunEnded);
        }
        Ok(())
    }

    async fn follow(&mut self) -> Result<(), Problem> {
        let next = timeout(HEARTBEAT_AFTER, self.subscription.next()).await;
        let Ok(messages) = next else {
            self.unsent.extend_from_slice(&HEARTBEAT);
            return Ok(());
        };
        if messages.is_empty() && self.subscription.end().is_none() {
            // The caller was too slow for the channel, or the log is of another history.
            self.stage = Stage::CatchingUp;
            return self.follow_again().await.map(drop);
        }
        for message in messages {
            if self.stage == Stage::Ended {
                break;
            }
            match message {
                Message::Joined(_) => {}
                Message::Event(read) => self.take_read(&read)?,
                Message::Progress(progress) => self.take_progress(&progress)?,
            }
        }
        Ok(())
    }

    /// Begins anew, because events after the cursor may be gone.
    async fn resync(&mut self) -> Result<(), Problem> {
        let now = self.follow_again().await?;
        self.write(Frame::named("resync"), &json!({}))?;
        self.begin(None, now).await
    }

    /// Takes a new place among the followers.
    async fn follow_again(&mut self) -> Result<EventCursor, Problem> {
        let subscription = self.state.hub.subscribe(self.topic, self.access);
        self.subscription = subscription.ok_or_else(stopping)?;
        joined(&mut self.subscription).await
    }

    fn take_read(&mut self, read: &ReadEvent) -> Result<(), Problem> {
        if read.event.place.position <= self.cursor.place().position {
            return Ok(());
        }
        if matches!(self.topic, Topic::Run(..)) {
            return self.take(read.event.clone(), EventCursor::of_run(read.run_place()));
        }
        self.note(&read.event);
        self.cursor = EventCursor::of_log(read.event.place);
        self.unsent.extend_from_slice(&read.frame);
        Ok(())
    }

    fn take(&mut self, event: EventView, cursor: EventCursor) -> Result<(), Problem> {
        let is_last = matches!(self.topic, Topic::Run(..))
            && event.event_type == EventType::RunCompleted.as_str();
        self.note(&event);
        let event = Event::with_cursor(event, cursor, &self.state.links);
        self.cursor = cursor;
        self.write(Frame::default().id(cursor), &event)?;
        if is_last {
            self.end(EndReason::RunEnded);
        }
        Ok(())
    }

    /// A run that has ended has no more progress.
    fn note(&mut self, event: &EventView) {
        if event.event_type == EventType::RunCompleted.as_str()
            && let Some(run) = event.run_id
        {
            self.shown.forget(run);
        }
    }

    /// The stream of a run need not repeat which run it is of.
    fn take_progress(&mut self, progress: &RunningProgress) -> Result<(), Problem> {
        let Some(mut changed) = self.shown.change(progress) else {
            return Ok(());
        };
        if !matches!(self.topic, Topic::Run(..)) {
            changed.insert(
                "operation_run_id".to_owned(),
                json!(progress.run.into_uuid()),
            );
        }
        self.write(Frame::named("progress"), &changed)
    }

    fn write(&mut self, frame: Frame, data: &impl serde::Serialize) -> Result<(), Problem> {
        let bytes = frame.data(data);
        let bytes = bytes.map_err(|error| Problem::internal().because(error))?;
        self.unsent.extend_from_slice(&bytes);
        Ok(())
    }

    fn end(&mut self, reason: EndReason) {
        self.unsent
            .extend_from_slice(&Frame::end(reason, self.retry));
        self.stage = Stage::Ended;
    }

    /// What the log has after the cursor.
    async fn page(&self) -> Result<Page, EventsError> {
        let store = &self.state.store;
        let topics = match self.topic {
            Topic::Tenant(tenant) => EventTopics::Tenant(tenant),
            Topic::User(user) => EventTopics::User(user),
            Topic::Run(tenant, run) => {
                let after = Some(self.cursor.run_place());
                let page = store.run_events(tenant, run, after, PAGE).await?;
                let events = page.events.into_iter().map(|read| {
                    let cursor = EventCursor::of_run(read.place());
                    (read.event, cursor)
                });
                return Ok(Page {
                    events: events.collect(),
                    next: EventCursor::of_run(page.next),
                    more: page.more,
                });
            }
        };
        let from = EventsFrom::After(self.cursor.place());
        let page = store
            .events(&topics, &EventFilter::default(), from, PAGE)
            .await?;
        let events = page.events.into_iter().map(|event| {
            let cursor = EventCursor::of_log(event.place);
            (event, cursor)
        });
        Ok(Page {
            events: events.collect(),
            next: EventCursor::of_log(page.next),
            more: page.more,
        })
    }
}

/// Waits for the reader, and returns the place after which it hands on everything.
async fn joined(subscription: &mut Subscription) -> Result<EventCursor, Problem> {
    match timeout(JOIN_TIMEOUT, subscription.joined()).await {
        Ok(Some(place)) => Ok(EventCursor::of_log(place)),
        _ if subscription.end() == Some(EndReason::AccessEnded) => Err(revoked()),
        _ if subscription.end().is_some() => Err(stopping()),
        _ => Err(Problem::database_unavailable()),
    }
}
