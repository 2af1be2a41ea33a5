//! What happens to a simulated tenant between two syncs.

use atlas_graph_sim::MutationScript;

/// Everything that can happen to a tenant, so many times each.
pub(crate) fn everything(seed: u64, times: usize) -> MutationScript {
    MutationScript {
        seed,
        add: times,
        delete: times,
        restore: times,
        rename: times,
        edit: times,
        edit_nested: times,
        edit_secret: times,
        reassign: times,
        reassign_unlisted: times,
        touch: times,
        // To find values that can be edited takes the simulator long.
        edit_value: 3,
        ..MutationScript::default()
    }
}
