//! The lifecycle as one piece of data: which transition may leave which status.
//!
//! The store's statements take the status that they require from here, and a test holds each of them
//! against this table, so that the two cannot disagree.

use crate::words::words;

words! {
    /// The status of a run. Closed: there will be no fourth.
    pub enum Status: "status" {
        /// Recorded; no worker has it.
        Queued = "queued",
        /// A worker holds its lease.
        Running = "running",
        /// Ended, for good.
        Completed = "completed",
    }
}

macro_rules! transitions {
    ($($(#[doc = $doc:literal])+ $name:ident: $from:ident => $to:ident;)+) => {
        /// A change of a run's status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Transition { $($(#[doc = $doc])+ $name,)+ }

        impl Transition {
            /// Every transition.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The only status it may leave.
            #[must_use]
            pub const fn source(self) -> Status {
                match self { $(Self::$name => Status::$from),+ }
            }

            /// The status it leads to.
            #[must_use]
            pub const fn target(self) -> Status {
                match self { $(Self::$name => Status::$to),+ }
            }

            /// Its description, for the page about runs.
            #[cfg(test)]
            const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+)),+ }
            }
        }
    };
}

transitions! {
    /// A free slot of a worker takes a due run: lease and fence are set, an attempt is counted.
    Claim: Queued => Running;
    /// The owner renews its lease, writes progress, and learns of a request to cancel.
    Heartbeat: Running => Running;
    /// The owner ends the run with an outcome.
    Finish: Running => Completed;
    /// The owner returns the run to the queue after a failure that may pass; a failure is counted.
    Retry: Running => Queued;
    /// The owner returns the run, and the last permitted failure or a request to cancel ends it.
    FailRetried: Running => Completed;
    /// The owner returns the run to the queue because its process shuts down; no failure is counted.
    HandBack: Running => Queued;
    /// The sweep reclaims a run whose lease ran out, with failures left.
    Reclaim: Running => Queued;
    /// The sweep ends a run whose lease ran out once too often, or that was asked to stop before.
    FailLost: Running => Completed;
    /// The sweep ends a run whose cancellation was not honoured by its deadline.
    CancelOverdue: Running => Completed;
    /// The API ends a run that could not be put into Redis.
    FailDispatch: Queued => Completed;
    /// The sweep ends a run that waited longer than its queue limit.
    FailQueueTimeout: Queued => Completed;
    /// Somebody cancels a run that no worker has; it ends at once.
    CancelQueued: Queued => Completed;
    /// Somebody asks a running run to stop; the next heartbeat returns the request to its worker.
    RequestCancel: Running => Running;
    /// The sweep makes the workers look for a queued run, whose message may be lost.
    Ring: Queued => Queued;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_completed() {
        for &transition in Transition::ALL {
            assert_ne!(transition.source(), Status::Completed, "{transition:?}");
        }
    }

    #[test]
    fn every_status_but_the_first_is_reached_and_completed_is_reached_from_both_others() {
        let into = |status| Transition::ALL.iter().filter(move |t| t.target() == status);
        assert!(into(Status::Running).any(|t| t.source() == Status::Queued));
        for source in [Status::Queued, Status::Running] {
            assert!(into(Status::Completed).any(|t| t.source() == source));
        }
    }

    #[test]
    fn the_page_about_runs_has_the_table_of_transitions_as_it_is_here() {
        const PAGE: &str = include_str!("../../../../docs/OPERATION-RUNS.md");
        let rows: String = Transition::ALL
            .iter()
            .map(|transition| {
                format!(
                    "| {transition:?} | {} | {} | {} |\n",
                    transition.source(),
                    transition.target(),
                    transition.meaning().trim()
                )
            })
            .collect();
        let table =
            format!("| Transition | From | To | What happens |\n| --- | --- | --- | --- |\n{rows}");
        let written = PAGE
            .split_once("<!-- transitions -->\n")
            .and_then(|(_, rest)| rest.split_once("<!-- end of transitions -->"))
            .map(|(written, _)| written);
        assert_eq!(
            written,
            Some(table.as_str()),
            "put this between the markers in docs/OPERATION-RUNS.md:\n{table}"
        );
    }
}
