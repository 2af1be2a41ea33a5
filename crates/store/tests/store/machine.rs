//! Random sequences of steps against the real statements: after each one every row is compared with
//! a reference that has no database, and the rules are asked for in SQL. Old leases go on acting,
//! as workers do that were replaced and do not know it.

mod reference;
mod rows;
mod steps;
mod system;

use std::cell::Cell;
use std::sync::atomic::Ordering;

use atlas_domain::clock::{Entropy, SystemEntropy};
use atlas_domain::run::Status;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use reference::Reference;
use steps::Step;
use system::{Installation, System};

const CASES: u32 = 28;
const STEPS: usize = 40;

/// How often what matters most came up, so that a change of the steps' weights cannot make the test
/// one of nothing.
#[derive(Debug, Default)]
struct Tally {
    /// Somebody acted on a run that was running under another lease by then.
    by_the_replaced: Cell<u32>,
    /// A sweep took a run from its worker.
    reclaimed: Cell<u32>,
    /// A start joined an active run.
    joined: Cell<u32>,
}

impl Tally {
    fn count(&self, before: &Reference, step: &Step) {
        let add = |number: &Cell<u32>, by: usize| {
            number.set(number.get() + u32::try_from(by).unwrap());
        };
        let replaced = step
            .lease(before)
            .is_some_and(|lease| before.replaced(lease));
        add(&self.by_the_replaced, usize::from(replaced));
        match *step {
            Step::ReclaimSweep => add(&self.reclaimed, before.swept(step).len()),
            Step::Start {
                tenant, selection, ..
            } => add(
                &self.joined,
                usize::from(before.active(tenant, selection).is_some()),
            ),
            _ => {}
        }
    }
}

#[test]
fn rows_follow_the_reference_whatever_happens_in_whichever_order() {
    let mut config = Config {
        cases: CASES,
        failure_persistence: None,
        // In milliseconds: a shorter counterexample is worth less than a test that ends.
        max_shrink_time: 20_000,
        ..Config::default()
    };
    if config.rng_seed == RngSeed::Random {
        let mut seed = [0; 8];
        SystemEntropy.fill(&mut seed);
        config.rng_seed = RngSeed::Fixed(u64::from_le_bytes(seed));
    }
    if let RngSeed::Fixed(seed) = config.rng_seed {
        println!("to repeat: PROPTEST_RNG_SEED={seed}");
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let installation = runtime.block_on(Installation::build());
    let tally = Tally::default();
    let steps = Reference::sequential_strategy(STEPS);
    let result = TestRunner::new(config).run(&steps, |(reference, steps, seen)| {
        runtime.block_on(async {
            let mut case = Case::begin(&installation, reference).await;
            for step in steps {
                if let Some(seen) = &seen {
                    seen.fetch_add(1, Ordering::SeqCst);
                }
                tally.count(&case.reference, &step);
                case.step(&step).await;
            }
            case.come_to_rest().await;
        });
        Ok(())
    });
    // The database is dropped on a runtime that still lives.
    runtime.block_on(async { drop(installation) });
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("{tally:?}");
    for number in [&tally.by_the_replaced, &tally.reclaimed, &tally.joined] {
        assert!(number.get() > 0, "{tally:?}");
    }
}

struct Case<'a> {
    reference: Reference,
    system: System<'a>,
}

impl<'a> Case<'a> {
    async fn begin(installation: &'a Installation, reference: Reference) -> Self {
        let system = installation.clear().await;
        Self { reference, system }
    }

    async fn step(&mut self, step: &Step) {
        let after = Reference::apply(self.reference.clone(), step);
        self.system.step(&self.reference, step, &after).await;
        self.reference = after;
    }

    /// The faults are over, and one worker lives: every run ends.
    async fn come_to_rest(&mut self) {
        for run in 0..self.reference.runs.len() {
            self.step(&Step::LeaseRunsOut(run)).await;
        }
        self.step(&Step::ReclaimSweep).await;
        for run in 0..self.reference.runs.len() {
            self.step(&Step::BackoffPasses(run)).await;
        }
        while self.reference.due().is_some() {
            self.step(&Step::Claim).await;
            self.step(&Step::Finish(0)).await;
        }
        let open = |run: &&reference::Run| run.status != Status::Completed;
        assert_eq!(
            self.reference.runs.iter().find(open).map(|run| run.status),
            None
        );
    }
}
