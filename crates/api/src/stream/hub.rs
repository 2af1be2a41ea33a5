//! Who follows what in this process. The reader hands what it reads to each through a channel of its own,
//! which holds little: a caller that is slow is sent away from the channel and reads the log from where it
//! was, so that memory is bounded.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use actix_web::web::Bytes;
use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_store::{
    EventPlace, EventTopics, EventView, RunEventPlace, RunningProgress, StandingQuestion,
};
use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};

use super::frame::EndReason;

/// The beginning of the types of events that are of a run alone.
const RUN_EVENTS: &str = "operation_run.";
/// Messages that wait for one caller: more than the events that a run leaves at its end.
const CHANNEL: usize = 512;

/// What a stream is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// A tenant's events.
    Tenant(TenantId),
    /// A user's events.
    User(UserId),
    /// The events of a tenant's run.
    Run(TenantId, RunId),
}

impl Topic {
    /// The tenant, if it is of one.
    pub(super) const fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Tenant(tenant) | Self::Run(tenant, _) => Some(tenant),
            Self::User(_) => None,
        }
    }
}

/// What the reader hands on.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// Everything after this place is handed on.
    Joined(EventPlace),
    Event(Arc<ReadEvent>),
    Progress(Arc<RunningProgress>),
}

impl ReadEvent {
    /// Whether the run's own list has it.
    pub(super) fn is_of_run(&self) -> bool {
        self.event.event_type.starts_with(RUN_EVENTS)
    }

    /// Its place among the events of the run.
    pub(super) fn run_place(&self) -> RunEventPlace {
        let sequence = self.event.data.get("sequence").and_then(Value::as_i64);
        RunEventPlace {
            place: self.event.place,
            sequence: sequence.and_then(|sequence| i32::try_from(sequence).ok()),
        }
    }
}

/// An event of the log, with the message that streams of tenants and users send.
#[derive(Debug)]
pub(super) struct ReadEvent {
    pub(super) event: EventView,
    pub(super) frame: Bytes,
}

/// The streams of this process.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    followers: Mutex<Followers>,
    wake: Notify,
    is_occupied: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Followers {
    last_key: u64,
    by_topic: HashMap<Topic, HashMap<u64, Follower>>,
    is_stopped: bool,
}

#[derive(Debug)]
struct Follower {
    sender: mpsc::Sender<Message>,
    end: Arc<OnceLock<EndReason>>,
    access: StandingQuestion,
    has_joined: bool,
}

/// A caller's place among the followers, until it is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    hub: Arc<Hub>,
    topic: Topic,
    key: u64,
    messages: mpsc::Receiver<Message>,
    end: Arc<OnceLock<EndReason>>,
}

impl Hub {
    /// Follows a topic; `None` once the process stops.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        topic: Topic,
        access: StandingQuestion,
    ) -> Option<Subscription> {
        let (sender, messages) = mpsc::channel(CHANNEL);
        let end = Arc::<OnceLock<EndReason>>::default();
        let mut followers = self.followers();
        if followers.is_stopped {
            return None;
        }
        followers.last_key += 1;
        let key = followers.last_key;
        let follower = Follower {
            sender,
            end: end.clone(),
            access,
            has_joined: false,
        };
        let of_topic = followers.by_topic.entry(topic).or_default();
        of_topic.insert(key, follower);
        drop(followers);
        self.is_occupied.send_replace(true);
        self.wake.notify_one();
        Some(Subscription {
            hub: self.clone(),
            topic,
            key,
            messages,
            end,
        })
    }

    /// Lets the reader look now.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for a reason to look.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Notes that nobody follows anything, if that is so.
    pub(super) fn rest(&self) -> bool {
        let followers = self.followers();
        let is_empty = followers.by_topic.is_empty();
        self.is_occupied.send_if_modified(|occupied| {
            let was = std::mem::replace(occupied, !is_empty);
            was == is_empty
        });
        is_empty
    }

    /// Waits until somebody follows something, or nobody does.
    pub(super) async fn is_occupied(&self, expected: bool) {
        // It fails only when the sender is gone, which is a field of this.
        let mut occupied = self.is_occupied.subscribe();
        let _ = occupied.wait_for(|occupied| *occupied == expected).await;
    }

    /// Ends all streams, and refuses others.
    pub(crate) fn stop(&self) {
        let mut followers = self.followers();
        followers.is_stopped = true;
        for (_, follower) in followers.by_topic.drain().flat_map(|(_, of)| of) {
            let _ = follower.end.set(EndReason::Shutdown);
        }
    }

    /// What is followed now. Whoever is new is handed everything after `place` from here on.
    pub(super) fn join_all(&self, place: EventPlace) -> EventTopics {
        let mut followers = self.followers();
        let (mut tenants, mut users) = (HashSet::new(), HashSet::new());
        for (topic, of_topic) in &mut followers.by_topic {
            match *topic {
                Topic::Tenant(tenant) | Topic::Run(tenant, _) => _ = tenants.insert(tenant),
                Topic::User(user) => _ = users.insert(user),
            }
            for follower in of_topic.values_mut().filter(|one| !one.has_joined) {
                follower.has_joined = true;
                let _ = follower.sender.try_send(Message::Joined(place));
            }
        }
        EventTopics::Several {
            tenants: tenants.into_iter().collect(),
            users: users.into_iter().collect(),
        }
    }

    /// Hands an event to whoever follows the topic. Whose channel is full is sent away.
    pub(super) fn hand_on(&self, topic: Topic, event: &Arc<ReadEvent>) {
        let mut followers = self.followers();
        let Some(of_topic) = followers.by_topic.get_mut(&topic) else {
            return;
        };
        of_topic.retain(|_, follower| {
            let message = Message::Event(event.clone());
            !follower.has_joined || follower.sender.try_send(message).is_ok()
        });
        if of_topic.is_empty() {
            followers.by_topic.remove(&topic);
        }
    }

    /// Hands progress to whoever follows the topic and has room for it: there will be more.
    pub(super) fn hand_on_progress(&self, topic: Topic, progress: &Arc<RunningProgress>) {
        let followers = self.followers();
        let of_topic = followers.by_topic.get(&topic).into_iter().flatten();
        for (_, follower) in of_topic.filter(|(_, one)| one.has_joined) {
            let _ = follower
                .sender
                .try_send(Message::Progress(progress.clone()));
        }
    }

    /// Sends everybody away: each reads the log from where it was.
    pub(super) fn disperse(&self) {
        self.followers().by_topic.clear();
    }

    /// What access the streams need, each once.
    pub(super) fn access(&self) -> Vec<StandingQuestion> {
        let followers = self.followers();
        let all = followers.by_topic.values().flat_map(HashMap::values);
        let distinct: HashSet<_> = all.map(|follower| follower.access).collect();
        distinct.into_iter().collect()
    }

    /// Ends the streams that need this access.
    pub(super) fn end_access(&self, ended: &[StandingQuestion]) {
        self.followers().by_topic.retain(|_, of_topic| {
            of_topic.retain(|_, follower| {
                let has_ended = ended.contains(&follower.access);
                if has_ended {
                    let _ = follower.end.set(EndReason::AccessEnded);
                }
                !has_ended
            });
            !of_topic.is_empty()
        });
    }

    fn followers(&self) -> MutexGuard<'_, Followers> {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Why the stream has to end, once it has to.
    pub(super) fn end(&self) -> Option<EndReason> {
        self.end.get().copied()
    }

    /// The next messages, as many as there are; none when the caller was sent away.
    pub(super) async fn next(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        self.messages.recv_many(&mut messages, CHANNEL).await;
        messages
    }

    /// The place after which everything is handed on.
    pub(super) async fn joined(&mut self) -> Option<EventPlace> {
        match self.messages.recv().await {
            Some(Message::Joined(place)) => Some(place),
            _ => None,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut followers = self.hub.followers();
        if let Some(of_topic) = followers.by_topic.get_mut(&self.topic) {
            of_topic.remove(&self.key);
            if of_topic.is_empty() {
                followers.by_topic.remove(&self.topic);
            }
        }
    }
}
