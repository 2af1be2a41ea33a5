//! Which values are stored already, so that only those of objects that are new or have moved are read.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use atlas_domain::inventory::verification::due;
use atlas_domain::policy_types::PolicyTypeKey;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Members of a row that move when the object is edited.
const MOVES: [&str; 4] = [
    "lastModifiedDateTime",
    "modifiedDateTime",
    "settingCount",
    "version",
];

/// A digest of what an object's list row says of when it was edited last. Rows that say no time have
/// none: their objects' values are read each time.
pub type ValuesMark = [u8; 16];

/// The mark of a row.
pub(crate) fn mark_of_row(row: &Value) -> Option<ValuesMark> {
    let said = |name: &str| row.get(name).filter(|value| !value.is_null());
    said(MOVES[0]).or_else(|| said(MOVES[1]))?;
    let mut hash = Sha256::new();
    for name in MOVES {
        let value = said(name).map(Value::to_string).unwrap_or_default();
        hash.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(value);
    }
    let whole: [u8; 32] = hash.finalize().into();
    Some(std::array::from_fn(|at| whole[at]))
}

/// Objects whose values are stored, by a few bytes each.
#[derive(Debug, Default)]
pub struct KnownValues {
    hasher: RandomState,
    objects: HashMap<u64, Known>,
    due: usize,
}

/// An object whose values are stored.
#[derive(Debug)]
struct Known {
    /// The beginning of its mark.
    mark: u64,
    /// Seconds since they were read.
    age: u32,
    /// Whether they are read although it has not moved.
    due: bool,
}

/// The values of an object that has not moved since they were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They need not be read.
    Stands,
    /// They are to be verified.
    Due,
}

/// Objects of one policy type whose values were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ValuesRead {
    /// Of these: new or moved, or with rows that do not show whether they moved.
    pub new: u64,
    /// Of these: as their rows had them when their values were stored.
    pub verified: u64,
}

impl KnownValues {
    /// Adds an object whose values are stored, with the mark that its row had when they were read, and
    /// how many seconds ago that was.
    pub fn add(
        &mut self,
        policy_type: PolicyTypeKey,
        external_id: &str,
        mark: ValuesMark,
        age: u32,
    ) {
        let key = self.hasher.hash_one((policy_type, external_id));
        let mark = beginning(mark);
        let due = false;
        self.objects.insert(key, Known { mark, age, due });
    }

    /// Has all values read again.
    pub fn verify_all(&mut self) {
        self.due = self.objects.len();
        self.objects.values_mut().for_each(|one| one.due = true);
    }

    /// Has those values read again, whether their objects have moved or not, that
    /// [`due`](atlas_domain::inventory::verification::due) counts.
    pub fn verify(&mut self, within: Duration) {
        let mut ages: Vec<u32> = self.objects.values().map(|one| one.age).collect();
        self.due = due(&ages, within);
        let Some(last) = self.due.checked_sub(1) else {
            return;
        };
        let (_, limit, _) = ages.select_nth_unstable_by(last, |one, other| other.cmp(one));
        let limit = *limit;
        // Of those that are as old as the last that is due, only so many.
        let older = self.objects.values().filter(|one| one.age > limit).count();
        let mut left = self.due - older;
        for one in self.objects.values_mut() {
            one.due = one.age > limit || one.age == limit && left > 0;
            left -= usize::from(one.due && one.age == limit);
        }
    }

    /// What is to be done about the stored values of an object that has not moved; `None` when it has, or
    /// there are none.
    pub(crate) fn of(
        &self,
        policy_type: PolicyTypeKey,
        id: &str,
        mark: ValuesMark,
    ) -> Option<Standing> {
        let key = self.hasher.hash_one((policy_type, id));
        let known = self.objects.get(&key);
        let known = known.filter(|known| known.mark == beginning(mark))?;
        Some(if known.due {
            Standing::Due
        } else {
            Standing::Stands
        })
    }

    /// Whether so many values have to be read that the list itself had better carry them.
    pub(crate) fn are_few(&self) -> bool {
        self.due * 2 >= self.objects.len()
    }
}

fn beginning(mark: ValuesMark) -> u64 {
    let bytes: [u8; 8] = std::array::from_fn(|at| mark[at]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use atlas_domain::policy_types::registry;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_moved_is_due_or_is_not_stored_does_not_stand() {
        let key = registry().find("settingsCatalogPolicy").unwrap();
        let row = |time: &str, count: u32| {
            mark_of_row(&json!({"lastModifiedDateTime": time, "settingCount": count})).unwrap()
        };
        let mut known = KnownValues::default();
        assert!(known.are_few());
        known.add(key, "a", row("t1", 3), 0);
        known.add(key, "b", row("t1", 3), 0);
        known.add(key, "c", row("t1", 3), 8);
        known.verify(Duration::from_secs(7));
        assert!(!known.are_few());
        for (id, mark, standing) in [
            ("a", row("t1", 3), Some(Standing::Stands)),
            ("a", row("t2", 3), None),
            ("a", row("t1", 4), None),
            ("c", row("t1", 3), Some(Standing::Due)),
            ("d", row("t1", 3), None),
        ] {
            assert_eq!(known.of(key, id, mark), standing, "{id}");
        }
        let other = registry().find("compliancePolicyV2").unwrap();
        assert_eq!(known.of(other, "a", row("t1", 3)), None);
        known.verify_all();
        assert!(known.are_few());
        assert_eq!(known.of(key, "a", row("t1", 3)), Some(Standing::Due));
        assert_eq!(known.of(key, "a", row("t2", 3)), None);
    }

    #[test]
    fn as_many_are_read_again_as_are_due() {
        let key = registry().find("settingsCatalogPolicy").unwrap();
        let mut known = KnownValues::default();
        let mark = [7; 16];
        let ids: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        for id in &ids {
            known.add(key, id, mark, 86_400);
        }
        known.verify(Duration::from_secs(7 * 86_400));
        let due = ids
            .iter()
            .filter(|id| known.of(key, id, mark) == Some(Standing::Due));
        assert_eq!(due.count(), 10);
    }

    #[test]
    fn a_row_without_a_time_has_no_mark() {
        for row in [
            json!({"version": 1}),
            json!({"lastModifiedDateTime": null, "settingCount": 1}),
        ] {
            assert_eq!(mark_of_row(&row), None);
        }
        assert!(mark_of_row(&json!({"modifiedDateTime": "t"})).is_some());
    }
}
