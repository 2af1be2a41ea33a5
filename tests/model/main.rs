//! The protocol of operation runs, checked in every order in which its steps can happen: two runs
//! of one tenant, two workers, an API that may die or misjudge a push, a Redis that loses and
//! repeats, leases that run out at any moment, and workers that go on writing after that.
//!
//! The statements themselves are held against PostgreSQL in `crates/store/tests`; here the question
//! is whether their guards suffice, and whether each of them is needed.

mod action;
mod acyclic;
mod properties;
mod protocol;
mod state;

use protocol::{Guard, Protocol};
use stateright::{Checker, HasDiscoveries, Model};

/// Faults on one path, in any combination and order.
const FAULTS: u8 = 1;

/// Asserts that without the guard one of these properties is broken.
fn breaks_without(guard: Guard, property: &'static str) {
    let protocol = Protocol {
        missing: Some(guard),
        faults: FAULTS,
    };
    let checker = protocol
        .checker()
        .finish_when(HasDiscoveries::AnyOf([property].into()))
        .spawn_bfs()
        .join();
    let path = checker.assert_any_discovery(property);
    println!("without {guard:?}: {property}\n{:?}", path.into_actions());
}

#[test]
fn the_protocol_keeps_its_promises_in_every_order_of_steps() {
    let protocol = Protocol {
        missing: None,
        faults: FAULTS,
    };
    let checker = protocol.checker().spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn every_path_comes_to_an_end() {
    acyclic::assert_paths_end(&Protocol {
        missing: None,
        faults: FAULTS,
    });
}

#[test]
fn without_the_fence_on_writes_a_replaced_worker_writes() {
    breaks_without(Guard::FenceOnWrites, properties::NO_STRAY_WRITE);
}

#[test]
fn without_the_owner_in_the_comparison_a_replaced_worker_ends_the_run() {
    breaks_without(Guard::OwnerEnds, properties::SUCCESS_IS_COMPLETE);
}

#[test]
fn without_compare_and_set_a_failed_push_ends_a_run_that_a_worker_has() {
    breaks_without(
        Guard::DispatchCompareAndSet,
        properties::REFUSED_IS_UNTOUCHED,
    );
    breaks_without(Guard::DispatchCompareAndSet, properties::FINAL);
    breaks_without(Guard::DispatchCompareAndSet, properties::NO_STRAY_WRITE);
}

#[test]
fn without_taking_back_a_run_of_a_dead_worker_never_ends() {
    breaks_without(Guard::ReclaimSweep, properties::ALL_END);
}

#[test]
fn without_looking_unasked_a_run_that_nobody_rang_for_never_begins() {
    breaks_without(Guard::UnaskedLook, properties::ALL_END);
}

#[test]
fn without_the_unique_index_two_runs_of_a_tenant_run() {
    breaks_without(Guard::OneRunningIndex, properties::ONE_RUNNING);
}

#[test]
fn without_raising_the_fence_at_the_exit_a_page_is_stored_after_the_end() {
    breaks_without(Guard::ExitRaisesFence, properties::NO_STRAY_WRITE);
}

#[test]
fn without_regard_to_the_request_a_run_that_was_asked_to_stop_succeeds() {
    breaks_without(Guard::RequestOutlivesWork, properties::CANCELLED_AS_ASKED);
}
