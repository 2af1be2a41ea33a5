//! The steps, how often each is taken, and who does them in the reference.

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

use super::reference::{Reference, SELECTIONS, TENANTS};

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
    TakeBackSweep,
    CancelSweep,
    QueueLimitSweep,
    /// Time passes, as far as this run sees it.
    LeaseRunsOut(usize),
    CancelDeadlinePasses(usize),
    QueueLimitPasses(usize),
    BackoffPasses(usize),
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        // Mostly the newest, so that work gets on; else any, so that the replaced act as well.
        let number = || prop_oneof![3 => 0_usize..2, 1 => 0_usize..12];
        let lease = number;
        let start = (0..TENANTS, 0..SELECTIONS.len(), 0_i16..2);
        let start = start.prop_map(|(tenant, selection, priority)| Step::Start {
            tenant,
            selection,
            priority,
        });
        let page = (lease(), 0_usize..3, 0_u8..3);
        let page = page.prop_map(|(lease, object, content)| Step::StorePage {
            lease,
            object,
            content,
        });
        let retry = (lease(), any::<bool>());
        let retry = retry.prop_map(|(lease, delayed)| Step::RetryLater { lease, delayed });
        Union::new_weighted(vec![
            (10, start.boxed()),
            (14, Just(Step::Claim).boxed()),
            (3, lease().prop_map(Step::Heartbeat).boxed()),
            (9, page.boxed()),
            (3, lease().prop_map(Step::MarkMissing).boxed()),
            (5, lease().prop_map(Step::Finish).boxed()),
            (4, retry.boxed()),
            (4, lease().prop_map(Step::HandBack).boxed()),
            (3, number().prop_map(Step::FailDispatch).boxed()),
            (4, number().prop_map(Step::Cancel).boxed()),
            (5, Just(Step::TakeBackSweep).boxed()),
            (2, Just(Step::CancelSweep).boxed()),
            (2, Just(Step::QueueLimitSweep).boxed()),
            (5, number().prop_map(Step::LeaseRunsOut).boxed()),
            (3, number().prop_map(Step::CancelDeadlinePasses).boxed()),
            (2, number().prop_map(Step::QueueLimitPasses).boxed()),
            (2, number().prop_map(Step::BackoffPasses).boxed()),
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
            Step::TakeBackSweep | Step::CancelSweep | Step::QueueLimitSweep => state.sweep(step),
            Step::Heartbeat(back)
            | Step::StorePage { lease: back, .. }
            | Step::MarkMissing(back)
            | Step::Finish(back)
            | Step::RetryLater { lease: back, .. }
            | Step::HandBack(back) => {
                if let Some(lease) = state.lease_at(back) {
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
