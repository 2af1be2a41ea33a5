//! The one reader of the log and of progress in a process, and the check of the callers' access. Both are
//! idle while nobody listens.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_queue::Doorbell;
use atlas_store::{
    EventPlace, EventTopics, EventsError, EventsFrom, FollowedEvent, RunningProgress, Store,
    StoreError,
};
use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep, timeout};

use super::frame::Frame;
use super::hub::{Hub, ReadEvent, Topic};
use crate::links::Links;
use crate::wire::event::Event;

/// How often the log is read when nothing announces an event.
const POLL: Duration = Duration::from_secs(1);
/// Between two readings, whatever is announced.
const GAP: Duration = Duration::from_millis(100);
/// Events that are read at once.
const PAGE: u16 = 200;
/// After how long a check of access that failed is tried again.
const CHECK_AGAIN: Duration = Duration::from_millis(500);

/// Reads for all streams of the process.
pub(crate) struct Reader {
    hub: Arc<Hub>,
    store: Store,
    links: Links,
    /// How often progress is read at most, and the log while a run that is followed is running.
    progress_interval: Duration,
    place: Option<EventPlace>,
    progress_at: Option<Instant>,
    /// When each running run last changed, as it was handed on.
    running: HashMap<RunId, DateTime<Utc>>,
    is_failing: bool,
}

impl Reader {
    pub(crate) fn new(
        hub: Arc<Hub>,
        store: Store,
        links: Links,
        progress_interval: Duration,
    ) -> Self {
        Self {
            hub,
            store,
            links,
            progress_interval,
            place: None,
            progress_at: None,
            running: HashMap::new(),
            is_failing: false,
        }
    }

    /// Reads for as long as the process lives.
    pub(crate) async fn run(mut self) -> Infallible {
        loop {
            while self.hub.rest() {
                self.place = None;
                self.running.clear();
                self.hub.woken().await;
            }
            let read = self.read().await;
            match &read {
                Ok(()) if self.is_failing => tracing::info!("streams read the log again"),
                Err(error) if !self.is_failing => {
                    tracing::warn!(error = %Causes(error), "streams cannot read the log");
                }
                _ => {}
            }
            self.is_failing = read.is_err();
            sleep(GAP).await;
            let pause = if self.running.is_empty() {
                POLL
            } else {
                self.progress_interval
            };
            let _ = timeout(pause.saturating_sub(GAP), self.hub.woken()).await;
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        match self.read_log().await {
            Ok(topics) => self.read_progress(topics).await,
            // Of another history: everybody finds out from where it was.
            Err(EventsError::Gone) => {
                self.place = None;
                self.hub.disperse();
                Ok(())
            }
            Err(EventsError::Store(error)) => Err(error),
        }
    }

    async fn read_log(&mut self) -> Result<EventTopics, EventsError> {
        let mut place = match self.place {
            Some(place) => place,
            None => self.end_of_log().await?,
        };
        let topics = self.hub.join_all(place);
        loop {
            let from = EventsFrom::After(place);
            let page = self.store.followed_events(&topics, from, PAGE).await?;
            self.hand_on(page.events, &topics).await?;
            place = page.next;
            self.place = Some(place);
            if !page.more {
                return Ok(topics);
            }
        }
    }

    async fn end_of_log(&self) -> Result<EventPlace, EventsError> {
        let nobody = EventTopics::Several {
            tenants: Vec::new(),
            users: Vec::new(),
        };
        let page = self.store.followed_events(&nobody, EventsFrom::Now, 1);
        Ok(page.await?.next)
    }

    /// A user is handed events of tenants that the user belongs to now.
    async fn hand_on(
        &self,
        events: Vec<FollowedEvent>,
        topics: &EventTopics,
    ) -> Result<(), StoreError> {
        let pair = |event: &FollowedEvent| Some((event.event.tenant_id, event.user?));
        let mut members: HashSet<(TenantId, UserId)> = events.iter().filter_map(pair).collect();
        members.retain(|(_, user)| is_followed(topics, *user));
        if !members.is_empty() {
            members = self.store.members_among(&members).await?;
        }
        for followed in events {
            let user = pair(&followed).filter(|pair| members.contains(pair));
            let FollowedEvent {
                event, personal, ..
            } = followed;
            let shown = Event::new(event.clone(), &self.links);
            let frame = Frame::default().id(shown.cursor()).data(&shown);
            let Ok(frame) = frame else { continue };
            let (tenant, run) = (event.tenant_id, event.run_id);
            let read = Arc::new(ReadEvent { event, frame });
            if let Some((_, user)) = user {
                self.hub.hand_on(Topic::User(user), &read);
            }
            if personal {
                continue;
            }
            self.hub.hand_on(Topic::Tenant(tenant), &read);
            if let Some(run) = run.filter(|_| read.is_of_run()) {
                self.hub.hand_on(Topic::Run(tenant, run), &read);
            }
        }
        Ok(())
    }

    async fn read_progress(&mut self, topics: EventTopics) -> Result<(), StoreError> {
        let EventTopics::Several { tenants, users } = topics else {
            return Ok(());
        };
        if self
            .progress_at
            .is_some_and(|at| at.elapsed() < self.progress_interval)
        {
            return Ok(());
        }
        self.progress_at = Some(Instant::now());
        let running = self.store.running_progress(&tenants, &users).await?;
        let before = std::mem::take(&mut self.running);
        for progress in running {
            self.running.insert(progress.run, progress.updated_at);
            if before.get(&progress.run) != Some(&progress.updated_at) {
                self.hand_on_progress(&Arc::new(progress));
            }
        }
        Ok(())
    }

    fn hand_on_progress(&self, progress: &Arc<RunningProgress>) {
        let RunningProgress {
            run,
            tenant,
            initiator,
            ..
        } = **progress;
        let user = initiator.map(Topic::User);
        let topics = [Topic::Tenant(tenant), Topic::Run(tenant, run)];
        for topic in topics.into_iter().chain(user) {
            self.hub.hand_on_progress(topic, progress);
        }
    }
}

fn is_followed(topics: &EventTopics, user: UserId) -> bool {
    matches!(topics, EventTopics::Several { users, .. } if users.contains(&user))
}

/// Lets the reader look whenever something is announced, while somebody listens.
pub(crate) async fn hear(hub: Arc<Hub>, doorbell: Doorbell) -> Infallible {
    loop {
        hub.is_occupied(true).await;
        tokio::select! {
            never = doorbell.hear(|| hub.wake()) => match never {},
            () = hub.is_occupied(false) => {}
        }
    }
}

/// Asks this often whether the callers of all streams still have access, in one statement, and ends the
/// streams of those who have not.
pub(crate) async fn check_access(hub: Arc<Hub>, store: Store, interval: Duration) -> Infallible {
    let mut pause = interval;
    loop {
        sleep(pause).await;
        pause = interval;
        let questions = hub.access();
        if questions.is_empty() {
            continue;
        }
        match store.ended_access(&questions).await {
            Ok(ended) => hub.end_access(&ended),
            Err(error) => {
                tracing::debug!(error = %Causes(&error), "the access of streams is not known");
                pause = CHECK_AGAIN.min(interval);
            }
        }
    }
}
