//! Places at which a program can be made to end, wait or fail.
//!
//! The variable [`VARIABLE`] names them: `claim.after=abort;page.2=sleep:500;finish.before=panic`.
//! A number at the end of a name says at which of its passages the point strikes; without one it is
//! the first. Each entry strikes once.
//!
//! | action | does |
//! | --- | --- |
//! | `abort` | the process ends as if it had been killed |
//! | `stop` | the process stops until it gets SIGCONT, and the task at this place with it |
//! | `sleep:N` | the task waits for so many milliseconds |
//! | `panic` | the task fails |

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// The environment variable that says what goes wrong where.
pub const VARIABLE: &str = "ATLAS_CRASH_POINTS";

/// What the log says when a point strikes, before the name.
pub const STRUCK: &str = "crash point reached: ";

static PLAN: LazyLock<Plan> = LazyLock::new(Plan::from_environment);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Abort,
    Stop,
    Sleep(Duration),
    Panic,
}

#[derive(Debug, Default)]
struct Plan {
    /// By name: at which passage, and what then.
    strikes: HashMap<String, Vec<(u64, Action)>>,
    passages: Mutex<HashMap<&'static str, u64>>,
}

/// Goes wrong if that was asked for. Call it through [`crash_point!`](crate::crash_point).
pub async fn reach(name: &'static str) {
    let Some(action) = PLAN.pass(name) else {
        return;
    };
    tracing::warn!("{STRUCK}{name}");
    match action {
        Action::Abort => std::process::abort(),
        Action::Stop => stop_until_continued().await,
        Action::Sleep(duration) => tokio::time::sleep(duration).await,
        Action::Panic => panic!("{STRUCK}{name}"),
    }
}

/// The signal may be handed to any thread of the process, and the one that sent it runs on until
/// that thread is scheduled. The task therefore waits for what ends the stop.
async fn stop_until_continued() {
    let continued = SignalKind::from_raw(Signal::CONT.as_raw());
    #[allow(
        clippy::expect_used,
        reason = "a fault that cannot be brought about must not pass for one that was"
    )]
    let mut continued = signal(continued).expect("SIGCONT can be waited for");
    // A process may always signal itself.
    let _ = kill_process(getpid(), Signal::STOP);
    continued.recv().await;
}

impl Plan {
    #[allow(
        clippy::disallowed_methods,
        reason = "no setting of an installation: it exists in builds for fault tests only"
    )]
    fn from_environment() -> Self {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        text.parse()
            .unwrap_or_else(|problem: String| panic!("{VARIABLE}: {problem}"))
    }

    fn pass(&self, name: &'static str) -> Option<Action> {
        let strikes = self.strikes.get(name)?;
        let mut passages = self.passages.lock().unwrap_or_else(PoisonError::into_inner);
        let passage = passages.entry(name).or_default();
        *passage += 1;
        strikes
            .iter()
            .find(|(nth, _)| nth == passage)
            .map(|(_, action)| *action)
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut plan = Self::default();
        for entry in text.split(';').filter(|entry| !entry.trim().is_empty()) {
            let (point, action) = entry
                .split_once('=')
                .ok_or_else(|| format!("{entry:?} names no action"))?;
            let (name, nth) = numbered(point.trim());
            plan.strikes
                .entry(name.to_owned())
                .or_default()
                .push((nth, action.trim().parse()?));
        }
        Ok(plan)
    }
}

/// `page.2` is the second passage of `page`.
fn numbered(point: &str) -> (&str, u64) {
    point
        .rsplit_once('.')
        .and_then(|(name, nth)| Some((name, nth.parse().ok()?)))
        .unwrap_or((point, 1))
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "abort" => Ok(Self::Abort),
            None if text == "stop" => Ok(Self::Stop),
            None if text == "panic" => Ok(Self::Panic),
            Some(("sleep", milliseconds)) => milliseconds
                .parse()
                .map(|milliseconds| Self::Sleep(Duration::from_millis(milliseconds)))
                .map_err(|_| format!("{milliseconds:?} is no number of milliseconds")),
            _ => Err(format!("{text:?} is no action")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    #[test]
    fn a_point_strikes_once_at_the_passage_that_was_asked_for() {
        let plan: Plan = "claim.after=abort; page.2=sleep:500 ;page.3=panic"
            .parse()
            .unwrap();
        assert_eq!(plan.pass("claim.after"), Some(Action::Abort));
        assert_eq!(plan.pass("claim.after"), None);
        let pages = [(); 4].map(|()| plan.pass("page"));
        let sleep = Action::Sleep(Duration::from_millis(500));
        assert_eq!(pages, [None, Some(sleep), Some(Action::Panic), None]);
        assert_eq!(plan.pass("finish.before"), None);
        assert!("".parse::<Plan>().unwrap().strikes.is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["claim.after", "claim.after=explode", "page=sleep:soon"] {
            assert!(text.parse::<Plan>().is_err(), "{text}");
        }
    }
}
