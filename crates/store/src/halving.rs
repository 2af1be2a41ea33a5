//! Finding the rows that the database refuses, so that one of them does not keep the others of its
//! statement from being stored.
//!
//! A statement that was refused is repeated with each half of its rows, down to single rows. The
//! driver gives no SQLSTATE, so whether rows or the statement is at fault is decided by trying: a
//! statement that is refused without any rows is at fault itself. So is something else than rows
//! (a full disk) when not one of many rows was stored.

use crate::error::StoreError;

/// When all of more rows than this are refused, the rows are not the cause.
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

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next batch.
    Batch,
    /// The statement without rows, to see whether it is at fault itself.
    Probe,
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

    /// The next rows to store with one statement.
    pub(crate) fn batch(&mut self) -> Option<Vec<T>> {
        self.batches.pop()
    }

    /// The statement was refused with these rows, of which none was stored.
    ///
    /// # Errors
    /// The error itself, when rows are not its cause.
    pub(crate) fn refused(
        &mut self,
        mut batch: Vec<T>,
        error: StoreError,
    ) -> Result<Next, StoreError> {
        if !matches!(error, StoreError::Unexpected(_)) {
            return Err(error);
        }
        let rest = batch.split_off(batch.len() / 2);
        if !batch.is_empty() {
            self.batches.extend([rest, batch]);
            return Ok(Next::Batch);
        }
        let Some(row) = rest.into_iter().next() else {
            return Err(error);
        };
        let first = self.refused.is_empty();
        self.refused.push(Refused { row, error });
        Ok(if first { Next::Probe } else { Next::Batch })
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
    use diesel::result::{DatabaseErrorKind, Error as DieselError};

    use super::*;

    fn unexpected() -> StoreError {
        let kind = DatabaseErrorKind::CheckViolation;
        StoreError::Unexpected(Box::new(DieselError::DatabaseError(
            kind,
            Box::new("no".to_owned()),
        )))
    }

    /// Stores rows in batches of 200, and gives what was stored, what was refused, and the number of
    /// statements.
    fn store(rows: u32, bad: &[u32]) -> (Vec<u32>, Result<Vec<u32>, StoreError>, u32) {
        let mut halving = Halving::new(0..rows, 200);
        let (mut stored, mut statements) = (Vec::new(), 0);
        while let Some(batch) = halving.batch() {
            assert!(!batch.is_empty() && batch.len() <= 200);
            statements += 1;
            if batch.iter().any(|row| bad.contains(row)) {
                halving.refused(batch, unexpected()).unwrap();
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
    fn what_is_not_about_the_statement_is_not_halved() {
        let mut halving = Halving::new(0..4, 200);
        let batch = halving.batch().unwrap();
        let away = StoreError::Unavailable("away".into());
        let answer = halving.refused(batch, away);
        assert!(matches!(answer, Err(StoreError::Unavailable(_))));
        assert!(halving.batch().is_none());
    }

    #[test]
    fn the_statement_is_probed_with_the_first_row_that_is_refused() {
        let mut halving = Halving::new([1, 2], 200);
        let mut next = Vec::new();
        while let Some(batch) = halving.batch() {
            next.push(halving.refused(batch, unexpected()).unwrap());
        }
        assert_eq!(next, [Next::Batch, Next::Probe, Next::Batch]);
    }
}
