//! Who changed what: the events that mutations leave, and how Graph shows them.

mod json;
mod record;

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::record::Recording;
use crate::content::Rng;

/// Events of this age are not in the directory's log any more.
const DIRECTORY_RETENTION: chrono::Duration = chrono::Duration::days(30);

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// An application by itself.
    Application,
}

/// Somebody who changes objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Whether it is a person.
    pub kind: ActorKind,
    /// The user's object id or the application's client id.
    pub id: String,
    /// The user's principal name or the application's display name.
    pub name: String,
}

/// What an event says about a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerActor {
    /// Who did it.
    pub actor: Actor,
    /// When, as Graph writes it.
    pub at: String,
    /// What, as Graph calls it.
    pub activity: String,
    /// The event's id.
    pub event: String,
    /// Whether Graph shows the event now.
    pub shown: bool,
}

/// How events are shown. By default every event is, at once and in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditBehaviour {
    /// New events are shown so much later at the earliest, in milliseconds. Graph's are 300,000.
    pub late_from_ms: u64,
    /// And so much later at the latest. Graph's are 900,000.
    pub late_to_ms: u64,
    /// New events are not shown before [`crate::Controls::show_audit_events`].
    pub held: bool,
    /// So many percent of new events are shown twice, with the same id.
    pub twice_percent: u8,
    /// So many percent of new events are never shown.
    pub absent_percent: u8,
    /// Lists are in no order, whatever is asked for.
    pub unordered: bool,
    /// Beside so many percent of new events stand others that changed nothing: somebody else read
    /// the object, failed to change it, or did something with an object that is no policy.
    pub noise_percent: u8,
}

impl AuditBehaviour {
    /// Why it makes no sense, if it does not.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let percents = [self.twice_percent, self.absent_percent, self.noise_percent];
        if percents.iter().any(|percent| *percent > 100) {
            Some("a percentage is at most 100")
        } else if self.late_from_ms > self.late_to_ms {
            Some("late_from_ms is at most late_to_ms")
        } else {
            None
        }
    }

    /// When an event is shown that happens now.
    fn shown_from(&self, rng: &mut Rng, now: SystemTime) -> Shown {
        let spread = usize::try_from(self.late_to_ms - self.late_from_ms).unwrap_or(usize::MAX - 1);
        let late = self.late_from_ms + u64::try_from(rng.below(spread + 1)).unwrap_or(0);
        if rng.percent(usize::from(self.absent_percent)) {
            Shown::Never
        } else if self.held {
            Shown::OnDemand
        } else {
            Shown::From(now + Duration::from_millis(late))
        }
    }
}

/// When an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    From(SystemTime),
    OnDemand,
    Never,
}

/// Which log an event stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuditLog {
    Intune,
    Directory,
}

impl AuditLog {
    /// The log that a path lists.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let (_, rest) = path.strip_prefix('/')?.split_once('/')?;
        match rest {
            "deviceManagement/auditEvents" => Some(Self::Intune),
            "auditLogs/directoryAudits" => Some(Self::Directory),
            _ => None,
        }
    }

    /// The permissions that reading it needs, all of them.
    pub(crate) fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Intune => &["DeviceManagementApps.Read.All"],
            Self::Directory => &["AuditLog.Read.All", "Directory.Read.All"],
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Patch,
    Assign,
    Delete,
    Read,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct AuditEvent {
    pub(crate) log: AuditLog,
    /// The round of changes that it happened in.
    pub(crate) round: usize,
    /// The collection's index and the object's serial; none for what is no policy.
    pub(crate) place: Option<(usize, u32)>,
    id: String,
    at: DateTime<Utc>,
    operation: Operation,
    failed: bool,
    actor: Actor,
    /// The entity without its name space.
    entity: String,
    object: String,
    name: Option<String>,
    shown: Shown,
    twice: bool,
}

impl AuditEvent {
    fn is_shown(&self, now: SystemTime) -> bool {
        matches!(self.shown, Shown::From(from) if from <= now)
    }

    /// Whether it changed the object.
    pub(crate) fn changed(&self) -> bool {
        !self.failed && self.operation != Operation::Read
    }

    pub(crate) fn answer(&self, now: SystemTime) -> AnswerActor {
        AnswerActor {
            actor: self.actor.clone(),
            at: json::time(self.at),
            activity: self.activity(),
            event: self.id.clone(),
            shown: self.is_shown(now),
        }
    }

    /// Shows it now, if it is ever shown.
    pub(crate) fn show(&mut self, now: SystemTime) {
        if self.shown != Shown::Never {
            self.shown = Shown::From(now);
        }
    }
}

/// The rows of a log that are shown now, the latest first unless there is no order.
pub(crate) fn rows(
    events: &[AuditEvent],
    log: AuditLog,
    behaviour: AuditBehaviour,
    now: SystemTime,
) -> Vec<Value> {
    let oldest = DateTime::<Utc>::from(now) - DIRECTORY_RETENTION;
    let mut shown: Vec<&AuditEvent> = events
        .iter()
        .filter(|event| event.log == log && event.is_shown(now))
        .filter(|event| log == AuditLog::Intune || event.at >= oldest)
        .flat_map(|event| std::iter::repeat_n(event, 1 + usize::from(event.twice)))
        .collect();
    shown.sort_by_key(|event| std::cmp::Reverse(event.at));
    let mut rows: Vec<Value> = shown.into_iter().map(AuditEvent::json).collect();
    if behaviour.unordered {
        shuffle(&mut rows);
    }
    rows
}

/// Always the same disorder for the same rows.
fn shuffle(rows: &mut [Value]) {
    let mut rng = Rng::from_parts(&[0x000a_0d17]);
    for last in (1..rows.len()).rev() {
        rows.swap(last, rng.below(last + 1));
    }
}
