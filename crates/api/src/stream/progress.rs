//! What has changed since a caller was last shown the progress of a run.

use std::collections::HashMap;

use atlas_domain::ids::RunId;
use atlas_store::RunningProgress;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::wire::run::{OperationRun, Progress};

/// The progress that a caller was shown, by run.
#[derive(Debug, Default)]
pub(super) struct ShownProgress(HashMap<RunId, Shown>);

#[derive(Debug)]
struct Shown {
    as_of: DateTime<Utc>,
    members: Map<String, Value>,
}

impl ShownProgress {
    /// Notes the progress that a run is shown with.
    pub(super) fn note(&mut self, run: &OperationRun) {
        let (id, as_of) = run.as_of();
        let members = run.progress().map(members).unwrap_or_default();
        self.0.insert(id, Shown { as_of, members });
    }

    /// The members that have changed; `None` when the caller was shown this or something later.
    pub(super) fn change(&mut self, progress: &RunningProgress) -> Option<Map<String, Value>> {
        let new = members(&Progress::from(progress.progress));
        let as_of = progress.updated_at;
        let shown = self.0.entry(progress.run).or_insert_with(|| Shown {
            as_of: DateTime::<Utc>::MIN_UTC,
            members: Map::new(),
        });
        if as_of <= shown.as_of {
            return None;
        }
        let mut changed = new.clone();
        changed.retain(|name, value| shown.members.get(name) != Some(value));
        *shown = Shown {
            as_of,
            members: new,
        };
        (!changed.is_empty()).then_some(changed)
    }

    /// Forgets a run that is not running any more.
    pub(super) fn forget(&mut self, run: RunId) {
        self.0.remove(&run);
    }
}

fn members(progress: &Progress) -> Map<String, Value> {
    match json!(progress) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::ids::TenantId;
    use atlas_domain::run::InventoryProgress;
    use uuid::Uuid;

    use super::*;

    fn reported(second: i64, completed: u32) -> RunningProgress {
        let progress = InventoryProgress {
            completed,
            ..InventoryProgress::default()
        };
        RunningProgress {
            run: RunId::from_uuid(Uuid::from_u128(1)),
            tenant: TenantId::from_uuid(Uuid::from_u128(2)),
            initiator: None,
            updated_at: DateTime::from_timestamp(second, 0).unwrap(),
            progress: progress.into(),
        }
    }

    #[test]
    fn a_change_has_what_is_new_and_what_was_reported_earlier_is_none() {
        let mut shown = ShownProgress::default();
        let first = shown.change(&reported(1, 0)).unwrap();
        assert_eq!(first["completed"], 0);
        assert_eq!(first["phase"], "planning");
        let second = shown.change(&reported(2, 3)).unwrap();
        assert_eq!(Value::from(second), json!({"completed": 3}));
        assert_eq!(shown.change(&reported(2, 3)), None);
        assert_eq!(shown.change(&reported(1, 2)), None, "it never goes back");
        assert_eq!(
            shown.change(&reported(3, 3)),
            None,
            "a heartbeat is no news"
        );
        shown.forget(RunId::from_uuid(Uuid::from_u128(1)));
        assert_eq!(shown.change(&reported(4, 3)).unwrap()["phase"], "planning");
    }
}
