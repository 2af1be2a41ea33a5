//! What anybody may do.

/// How the push of a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Push {
    /// It arrived and the API knows.
    Done,
    /// Too many messages are outstanding; none is pushed.
    Crowded,
    Failed,
    /// It arrived, and the API does not know.
    TimedOut,
}

/// Why a slot looks for a due run. One that has just ended a run looks as if it heard a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Message,
    /// A message that comes again later.
    RepeatedMessage,
    /// Nothing: a sweep lets it look.
    Nothing,
}

/// How an owner leaves `running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All pages are stored.
    Finish,
    /// As above, and the answer of the commit is lost: the worker tries again.
    FinishUnanswered,
    /// A heartbeat said that somebody wants it.
    Cancelled,
    /// After a failure that may pass.
    RetryLater,
    /// The process shuts down; another takes its place.
    HandBack,
}

/// One step of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Admit(usize),
    Push(usize, Push),
    FailDispatch(usize),
    ApiDies(usize),
    RedisLoses,
    LockDue(usize, usize, Heard),
    Claim(usize),
    SendPage(usize),
    PageArrives(usize),
    Heartbeat(usize),
    Leave(usize, Exit),
    WorkerDies(usize),
    Reclaim(usize),
    QueueTimeout(usize),
    Cancel(usize),
    CancelOverdue(usize),
}

impl Action {
    /// What happens only so often on one path. The rest ends by itself: each message is lost or
    /// delivered, each run reclaimed too often ends.
    pub(crate) const fn is_fault(self) -> bool {
        matches!(
            self,
            Self::LockDue(_, _, Heard::RepeatedMessage)
                | Self::WorkerDies(_)
                | Self::QueueTimeout(_)
                | Self::Cancel(_)
                | Self::Leave(
                    _,
                    Exit::FinishUnanswered | Exit::RetryLater | Exit::HandBack
                )
        )
    }
}
