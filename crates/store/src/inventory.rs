//! Tenants' policies: what syncs write, guarded by their lease, and what screens read.

mod as_of;
mod assignment_names;
mod changes;
mod export;
mod held;
mod known_values;
mod links;
mod read;
pub(crate) mod results;
mod setting_definitions;
mod settings;
mod sync_runs;
mod versions;
mod write;

pub use as_of::{PastItem, TypeReading};
pub use assignment_names::{AssignmentIds, AssignmentNames};
pub use changes::{ChangeDetail, ChangeFilter, ChangeView, ItemName};
pub use export::{ExportFilter, ExportKey, ExportPage, ExportedItem};
pub use known_values::{StoredValues, StoredValuesPage};
pub use links::{LinkDirection, LinkFilter, LinkView};
pub use read::{ItemFilter, ItemView, TypeSummary};
pub use setting_definitions::{KnownSettings, SettingDescription, SettingNames};
pub use settings::{SettingFilter, SettingView};
pub use sync_runs::SyncRunView;
pub use versions::{ItemVersion, VersionSummary, WhichVersion};
pub(crate) use write::HeldRow;
pub use write::{Beginning, PageEffect, PageStored, RefusedRow, TypeEffect, WriteError};

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    [
        write::statements(),
        known_values::STATEMENTS.to_vec(),
        setting_definitions::STATEMENTS.to_vec(),
    ]
    .concat()
}
