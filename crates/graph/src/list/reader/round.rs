//! What was found in a list since it was begun at its first page.

use std::collections::BTreeMap;

use atlas_domain::failure::{RowProblem, RowProblems};
use atlas_domain::policy_types::PolicyTypeKey;

use crate::list::progress::Progress;
use crate::list::seen_keys::SeenKeys;
use crate::row::page::{PageRead, ParentsRead};

/// Forgotten when the list is begun again.
pub(super) struct Round {
    pub(super) links: SeenKeys,
    /// Ids of what the wanted policy types claim.
    pub(super) ids: SeenKeys,
    /// Ids of the other rows.
    others: SeenKeys,
    parents: SeenKeys,
    rows: u64,
    parent_rows: u64,
    pub(super) progress: Progress,
    pub(super) unknown: BTreeMap<PolicyTypeKey, u64>,
    pub(super) problems: BTreeMap<PolicyTypeKey, RowProblems>,
    /// Ids of the objects that the inventory leaves out.
    pub(super) left_out: BTreeMap<PolicyTypeKey, Vec<String>>,
}

impl Round {
    /// Another round, after which `given` takes over its ids.
    pub(super) fn after(given: &SeenKeys) -> Self {
        Self {
            links: given.another(),
            ids: given.sibling(),
            others: given.another(),
            parents: given.another(),
            rows: 0,
            parent_rows: 0,
            progress: Progress::default(),
            unknown: BTreeMap::new(),
            problems: BTreeMap::new(),
            left_out: BTreeMap::new(),
        }
    }

    /// Counts what a page holds besides observations. Returns whether some of that is new.
    pub(super) fn count(&mut self, wanted: &[PolicyTypeKey], read: &PageRead) -> bool {
        for key in &read.unknown {
            *self.unknown.entry(*key).or_default() += 1;
        }
        for problem in &read.problems {
            let one = problem.policy_type.as_ref().map(std::slice::from_ref);
            self.add(one.unwrap_or(wanted), &problem.row, self.rows);
        }
        for (key, count) in &read.further {
            for key in key.as_ref().map_or(wanted, std::slice::from_ref) {
                self.problems.entry(*key).or_default().count += count;
            }
        }
        for (key, id) in &read.left_out {
            self.left_out.entry(*key).or_default().push(id.clone());
        }
        self.rows += read.rows;
        let mut new = false;
        for id in &read.others {
            new |= self.others.insert(id);
        }
        new
    }

    /// Counts the rows of a page of parents. Returns whether one of them is new.
    pub(super) fn count_parents(&mut self, wanted: &[PolicyTypeKey], read: &ParentsRead) -> bool {
        for problem in &read.problems {
            self.add(wanted, problem, self.parent_rows);
        }
        self.parent_rows += read.rows;
        let mut new = false;
        for id in &read.ids {
            new |= self.parents.insert(id);
        }
        new
    }

    /// Whether there was no memory for all that the list holds.
    pub(super) const fn is_full(&self) -> bool {
        self.links.is_full()
            || self.ids.is_full()
            || self.others.is_full()
            || self.parents.is_full()
    }

    /// A copy of what it found besides observations.
    pub(super) fn findings(&self) -> Self {
        Self {
            unknown: self.unknown.clone(),
            problems: self.problems.clone(),
            left_out: self.left_out.clone(),
            ..Self::after(&self.ids)
        }
    }

    /// Takes over what a whole round found, where this one, which was broken off, found less.
    pub(super) fn keep(&mut self, whole: Self) {
        for (key, count) in whole.unknown {
            let known = self.unknown.entry(key).or_default();
            *known = count.max(*known);
        }
        for (key, rows) in whole.problems {
            let known = self.problems.entry(key).or_default();
            if rows.count > known.count {
                *known = rows;
            }
        }
        for (key, ids) in whole.left_out {
            self.left_out.entry(key).or_default().extend(ids);
        }
    }

    fn add(&mut self, keys: &[PolicyTypeKey], problem: &RowProblem, before: u64) {
        for key in keys {
            self.problems.entry(*key).or_default().add(RowProblem {
                position: problem.position.map(|position| before + position),
                ..problem.clone()
            });
        }
    }
}
