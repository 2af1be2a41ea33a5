//! Rows of a list that were not stored as they were sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::words;

/// So many rows are named; the others are counted.
pub const MOST_NAMED: usize = 20;

words! {
    /// What was wrong with a row.
    pub enum RowDefect: "defect of a row" {
        /// It is `null`, or another value that is not an object. Not stored.
        NotAnObject = "not_an_object",
        /// It has no id that could be used. Not stored.
        NoId = "no_id",
        /// It is not JSON. Not stored.
        Unreadable = "unreadable",
        /// It has text that is not Unicode; stored with U+FFFD in its place.
        TextReplaced = "text_replaced",
        /// It has a number that is too large for a number; stored as text.
        NumberAsText = "number_as_text",
        /// It is nested too deeply; stored without what lies deeper.
        NestingCut = "nesting_cut",
        /// The database refused it. Not stored.
        NotStored = "not_stored",
    }
}

impl RowDefect {
    /// What is wrong, for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NotAnObject => "not an object",
            Self::NoId => "no usable id",
            Self::Unreadable => "not JSON",
            Self::TextReplaced => "text that is not Unicode was replaced",
            Self::NumberAsText => "a number out of range was kept as text",
            Self::NestingCut => "what is nested too deeply was cut",
            Self::NotStored => "refused by the database",
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Its position in the list, from 1. Absent where only the id is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<u64>,
    /// Its id, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    pub defect: RowDefect,
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.position, &self.id) {
            (Some(position), Some(id)) => write!(f, "row {position} ({id})")?,
            (Some(position), None) => write!(f, "row {position}")?,
            (None, Some(id)) => write!(f, "{id}")?,
            (None, None) => f.write_str("a row")?,
        }
        write!(f, ": {}", self.defect.describe())
    }
}

/// Rows of one policy type: how many, and which came first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblems {
    /// How many rows.
    pub count: u64,
    /// The first [`MOST_NAMED`] of them.
    pub first: Vec<RowProblem>,
}

impl RowProblems {
    /// Counts a row.
    pub fn add(&mut self, problem: RowProblem) {
        self.count += 1;
        if self.first.len() < MOST_NAMED {
            self.first.push(problem);
        }
    }

    /// Counts the rows of another part of the same list.
    pub fn extend(&mut self, other: Self) {
        self.count += other.count;
        let room = MOST_NAMED.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The first three of them, for a sentence.
impl fmt::Display for RowProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        for (place, problem) in self.first.iter().take(SHOWN).enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        if self.count > 3 {
            f.write_str("; …")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(position: u64, id: Option<&str>) -> RowProblem {
        RowProblem {
            position: Some(position),
            id: id.map(str::to_owned),
            defect: RowDefect::NoId,
        }
    }

    #[test]
    fn all_rows_are_counted_and_the_first_are_named() {
        let mut rows = RowProblems::default();
        for position in 1..=15 {
            rows.add(problem(position, None));
        }
        rows.extend(rows.clone());
        assert_eq!((rows.count, rows.first.len()), (30, MOST_NAMED));
        assert_eq!(rows.first[19].position, Some(5));
    }

    #[test]
    fn a_sentence_names_three_rows() {
        let mut rows = RowProblems::default();
        rows.add(problem(7, Some("a-b")));
        assert_eq!(rows.to_string(), "row 7 (a-b): no usable id");
        rows.add(RowProblem {
            position: None,
            id: Some("c".to_owned()),
            defect: RowDefect::NotStored,
        });
        rows.add(problem(9, None));
        rows.add(problem(10, None));
        assert_eq!(
            rows.to_string(),
            "row 7 (a-b): no usable id; c: refused by the database; row 9: no usable id; …"
        );
    }
}
