//! The steps, how often each is taken, and who does them in the reference.

use atlas_domain::run::Status;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

use super::reference::{Reference, Run, SELECTIONS, TENANTS};

/// What somebody does. Numbers of runs and leases count back from the newest, and go round: every
/// step means something in every state.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Start {
        tenant: usize,
        selection: usize,
        priority: i16,
    },
    Claim,
    Heartbeat(usize),
    StorePage {
        lease: usize,
        object: usize,
        content: u8,
    },
    MarkMissing(usize),
    Finish(usize),
    RetryLater {
        lease: usize,
        delayed: bool,
    },
    HandBack(usize),
    FailDispatch(usize),
    Cancel(usize),
    ReclaimSweep,
    CancelSweep,
    QueueLimitSweep,
    /// Time passes, as far as this run sees it.
    LeaseRunsOut(usize),
    CancelDeadlinePasses(usize),
    QueueLimitPasses(usize),
    BackoffPasses(usize),
}

/// One of these numbers, or now and then any: what is over, or does not fit, is tried as well.
fn mostly(these: Vec<usize>) -> BoxedStrategy<usize> {
    if these.is_empty() {
        return (0_usize..12).boxed();
    }
    prop_oneof![3 => select(these), 1 => 0_usize..12].boxed()
}

/// The lease of a run's owner; or one of a worker that was replaced, whose run is running under
/// another lease; or any.
fn leases(state: &Reference) -> BoxedStrategy<usize> {
    let given = || (0..state.leases.len()).rev().enumerate();
    let held = given().filter(|(_, lease)| state.holds(*lease));
    let held = mostly(held.map(|(back, _)| back).collect());
    let replaced = given().filter(|(_, lease)| state.replaced(*lease));
    let replaced: Vec<_> = replaced.map(|(back, _)| back).collect();
    if replaced.is_empty() {
        return held;
    }
    prop_oneof![2 => held, 3 => select(replaced)].boxed()
}

impl Step {
    /// Under which lease somebody acts, when it is a step of that sort.
    pub(crate) fn lease(&self, state: &Reference) -> Option<usize> {
        match *self {
            Self::Heartbeat(back)
            | Self::StorePage { lease: back, .. }
            | Self::MarkMissing(back)
            | Self::Finish(back)
            | Self::RetryLater { lease: back, .. }
            | Self::HandBack(back) => state.lease_at(back),
            _ => None,
        }
    }
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let runs = |wanted: fn(&Run) -> bool| {
            let rows = state.runs.iter().rev().enumerate();
            let found = rows.filter(|(_, run)| wanted(run)).map(|(back, _)| back);
            mostly(found.collect())
        };
        let leases = || leases(state);
        // A sweep is likely when there is something to sweep, and possible when there is not.
        let sweep = |step: Step| {
            let weight = if state.swept(&step).is_empty() { 1 } else { 30 };
            (weight, Just(step).boxed())
        };
        let claim = if state.due().is_some() { 20 } else { 2 };
        // While somebody does not know that it was replaced, it acts.
        let unaware = (0..state.leases.len()).any(|lease| state.replaced(lease));
        let acts = if unaware { 3 } else { 1 };
        let start = (0..TENANTS, 0..SELECTIONS.len(), 0_i16..2);
        let start = start.prop_map(|(tenant, selection, priority)| Step::Start {
            tenant,
            selection,
            priority,
        });
        let page = (leases(), 0_usize..3, 0_u8..3);
        let page = page.prop_map(|(lease, object, content)| Step::StorePage {
            lease,
            object,
            content,
        });
        let retry = (leases(), any::<bool>());
        let retry = retry.prop_map(|(lease, delayed)| Step::RetryLater { lease, delayed });
        let running = |run: &Run| run.status == Status::Running;
        let queued = |run: &Run| run.status == Status::Queued;
        let asked_to_stop = |run: &Run| run.status == Status::Running && run.cancel_requested;
        let fresh = |run: &Run| run.status == Status::Queued && run.attempt == 0;
        let open = |run: &Run| run.status != Status::Completed;
        Union::new_weighted(vec![
            (10, start.boxed()),
            (claim, Just(Step::Claim).boxed()),
            (3 * acts, leases().prop_map(Step::Heartbeat).boxed()),
            (6 * acts, page.boxed()),
            (3 * acts, leases().prop_map(Step::MarkMissing).boxed()),
            (5 * acts, leases().prop_map(Step::Finish).boxed()),
            (3 * acts, retry.boxed()),
            (3 * acts, leases().prop_map(Step::HandBack).boxed()),
            (2, runs(fresh).prop_map(Step::FailDispatch).boxed()),
            (3, runs(open).prop_map(Step::Cancel).boxed()),
            sweep(Step::ReclaimSweep),
            sweep(Step::CancelSweep),
            sweep(Step::QueueLimitSweep),
            (12, runs(running).prop_map(Step::LeaseRunsOut).boxed()),
            (
                8,
                runs(asked_to_stop)
                    .prop_map(Step::CancelDeadlinePasses)
                    .boxed(),
            ),
            (2, runs(queued).prop_map(Step::QueueLimitPasses).boxed()),
            (
                2,
                runs(|run| run.backoff)
                    .prop_map(Step::BackoffPasses)
                    .boxed(),
            ),
        ])
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match *step {
            Step::Start {
                tenant,
                selection,
                priority,
            } => state.start(tenant, selection, priority),
            Step::Claim => state.claim(),
            Step::ReclaimSweep | Step::CancelSweep | Step::QueueLimitSweep => state.sweep(step),
            Step::Heartbeat(_)
            | Step::StorePage { .. }
            | Step::MarkMissing(_)
            | Step::Finish(_)
            | Step::RetryLater { .. }
            | Step::HandBack(_) => {
                if let Some(lease) = step.lease(&state) {
                    state.act(lease, step);
                }
            }
            Step::FailDispatch(back)
            | Step::Cancel(back)
            | Step::LeaseRunsOut(back)
            | Step::CancelDeadlinePasses(back)
            | Step::QueueLimitPasses(back)
            | Step::BackoffPasses(back) => {
                if let Some(run) = state.run_at(back) {
                    state.befall(run, step);
                }
            }
        }
        state
    }
}
