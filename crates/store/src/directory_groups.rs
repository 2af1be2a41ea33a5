//! Groups of tenants' directories: what syncs write, guarded by their lease, and what pages read.

mod read;
mod search;
mod write;

pub use read::{GroupPlace, GroupReading, GroupView};
pub use search::GroupFilter;
pub use write::{GroupEffect, GroupTally, MARKED_AT_ONCE, MarkedGone};

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    write::STATEMENTS.to_vec()
}
