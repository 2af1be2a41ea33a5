//! Finding the rows that the database refuses, so that one of them does not keep the others of its
//! statement from being stored.
//!
//! A statement that was refused for the values of its rows, by its SQLSTATE, is repeated with each
//! half of them, down to single rows. Whatever else keeps a statement from being stored, such as a
//! full disk, a deadlock or a column that is not there, is the answer to all of its rows.

use crate::error::StoreError;

/// When all of more rows than this are refused, the cause is what they share, such as a row that all
/// refer to, or a constraint that this version does not know. Their SQLSTATE is that of a single bad
/// row, and a page of which nothing was stored must not pass as one that was read.
const FEW: usize = 10;

/// Rows on their way into the database, in batches.
pub(crate) struct Halving<T> {
    /// What is still to be stored, last batch first.
    batches: Vec<Vec<T>>,
    rows: usize,
    refused: Vec<Refused<T>>,
}

/// A row that the database refused, and why.
pub(crate) struct Refused<T> {
    pub(crate) row: T,
    pub(crate) error: StoreError,
}

impl<T> Halving<T> {
    /// Batches of at most `size` rows each.
    pub(crate) fn new(rows: impl IntoIterator<Item = T>, size: usize) -> Self {
        let mut rows: Vec<T> = rows.into_iter().collect();
        let count = rows.len();
        let mut batches = Vec::new();
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(size));
            batches.push(rows);
            rows = rest;
        }
        batches.reverse();
        Self {
            batches,
            rows: count,
            refused: Vec::new(),
        }
    }

    /// Batches of rows that a first statement has left to another one. What was refused stays refused.
    pub(crate) fn followed_by(self, rows: impl IntoIterator<Item = T>, size: usize) -> Self {
        Self {
            rows: self.rows,
            refused: self.refused,
            ..Self::new(rows, size)
        }
    }

    /// The next rows to store with one statement.
    pub(crate) fn batch(&mut self) -> Option<Vec<T>> {
        self.batches.pop()
    }

    /// The statement was not done with these rows, of which none was stored.
    ///
    /// # Errors
    /// The error itself, when rows are not its cause.
    pub(crate) fn refused(
        &mut self,
        mut batch: Vec<T>,
        error: StoreError,
    ) -> Result<(), StoreError> {
        if !error.is_about_values() {
            return Err(error);
        }
        let rest = batch.split_off(batch.len() / 2);
        if !batch.is_empty() {
            self.batches.extend([rest, batch]);
            return Ok(());
        }
        let Some(row) = rest.into_iter().next() else {
            return Err(error);
        };
        self.refused.push(Refused { row, error });
        Ok(())
    }

    /// The rows that were refused, in their order.
    ///
    /// # Errors
    /// The first refusal, when no row of many was stored.
    pub(crate) fn finish(mut self) -> Result<Vec<Refused<T>>, StoreError> {
        if self.rows > FEW && self.refused.len() == self.rows {
            return Err(self.refused.swap_remove(0).error);
        }
        Ok(self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK_VIOLATION: &str = "23514";

    /// Stores rows in batches of 200, and gives what was stored, what was refused, and the number of
    /// statements.
    fn store(rows: u32, bad: &[u32]) -> (Vec<u32>, Result<Vec<u32>, StoreError>, u32) {
        let mut halving = Halving::new(0..rows, 200);
        let (mut stored, mut statements) = (Vec::new(), 0);
        while let Some(batch) = halving.batch() {
            assert!(!batch.is_empty() && batch.len() <= 200);
            statements += 1;
            if batch.iter().any(|row| bad.contains(row)) {
                halving
                    .refused(batch, StoreError::refused(CHECK_VIOLATION))
                    .unwrap();
            } else {
                stored.extend(batch);
            }
        }
        let refused = halving.finish();
        let refused = refused.map(|all| all.into_iter().map(|one| one.row).collect());
        (stored, refused, statements)
    }

    #[test]
    fn exactly_the_refused_rows_are_left_out_in_few_statements() {
        for (rows, bad, most) in [
            (0, vec![], 0),
            (1, vec![], 1),
            (450, vec![], 3),
            (1, vec![0], 1),
            (200, vec![0], 17),
            (200, vec![199], 17),
            (200, vec![0, 99, 100], 45),
            (450, vec![7, 201, 449], 50),
            (10, (0..10).collect(), 19),
        ] {
            let (stored, refused, statements) = store(rows, &bad);
            let good: Vec<u32> = (0..rows).filter(|row| !bad.contains(row)).collect();
            assert_eq!(stored, good);
            assert_eq!(refused.unwrap(), bad);
            assert!(statements <= most, "{statements} statements for {bad:?}");
        }
    }

    #[test]
    fn that_no_row_of_many_is_stored_is_no_fault_of_rows() {
        let all: Vec<u32> = (0..11).collect();
        let (stored, refused, _) = store(11, &all);
        assert!(stored.is_empty() && matches!(refused, Err(StoreError::Unexpected(_))));
    }

    #[test]
    fn what_a_first_statement_leaves_is_a_part_of_all_rows() {
        let refused = || StoreError::refused(CHECK_VIOLATION);
        let mut touching = Halving::new(0..12, 1_000);
        let rows = touching.batch().unwrap();
        assert_eq!(rows.len(), 12);
        let mut halving = touching.followed_by(rows.into_iter().filter(|row| *row < 11), 1);
        while let Some(batch) = halving.batch() {
            halving.refused(batch, refused()).unwrap();
        }
        // The twelfth was stored.
        assert_eq!(halving.finish().unwrap().len(), 11);

        let mut touching = Halving::new(0..11, 1);
        while let Some(batch) = touching.batch() {
            touching.refused(batch, refused()).unwrap();
        }
        assert!(touching.followed_by([], 1).finish().is_err());
    }

    #[test]
    fn only_what_is_about_values_is_halved() {
        for (code, about_values) in [
            ("22P05", true),
            (CHECK_VIOLATION, true),
            ("54000", true),
            // A column that is not there, a full disk, a deadlock, a lock that others hold, a server
            // without writes, a shutdown.
            ("42703", false),
            ("53100", false),
            ("40P01", false),
            ("55P03", false),
            ("25006", false),
            ("57P01", false),
        ] {
            let mut halving = Halving::new(0..4, 200);
            let batch = halving.batch().unwrap();
            let halved = halving.refused(batch, StoreError::refused(code)).is_ok();
            assert_eq!(halved, about_values, "{code}");
            assert_eq!(halving.batch().is_some(), about_values, "{code}");
        }
    }

    #[test]
    fn a_statement_that_is_refused_without_rows_is_at_fault_itself() {
        let mut halving = Halving::<u32>::new([], 200);
        let answer = halving.refused(Vec::new(), StoreError::refused(CHECK_VIOLATION));
        assert!(matches!(answer, Err(StoreError::Unexpected(_))));
    }
}
