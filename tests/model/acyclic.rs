//! That no state comes back. Only then does "where nothing more happens every run has ended" mean
//! that every run ends.

use std::collections::HashMap;

use stateright::Model;

use crate::protocol::Protocol;
use crate::state::State;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    OnThisPath,
    Over,
}

/// Walks every path from the beginning, depth first.
pub(crate) fn assert_paths_end(protocol: &Protocol) {
    let mut visits: HashMap<State, Visit> = HashMap::new();
    let mut path: Vec<(State, Vec<State>)> = Vec::new();
    for initial in protocol.init_states() {
        visits.insert(initial.clone(), Visit::OnThisPath);
        let next = protocol.next_states(&initial);
        path.push((initial, next));
    }
    while let Some((_, ahead)) = path.last_mut() {
        let Some(next) = ahead.pop() else {
            if let Some((state, _)) = path.pop() {
                visits.insert(state, Visit::Over);
            }
            continue;
        };
        match visits.get(&next) {
            Some(Visit::Over) => {}
            Some(Visit::OnThisPath) => panic!("a path returns to {next:#?}"),
            None => {
                visits.insert(next.clone(), Visit::OnThisPath);
                let after = protocol.next_states(&next);
                path.push((next, after));
            }
        }
    }
    assert!(visits.values().all(|visit| *visit == Visit::Over));
    println!("{} states", visits.len());
}
