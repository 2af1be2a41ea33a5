//! Shortfalls: why a policy type is incomplete although its list was read to its end.

use atlas_domain::failure::{Failure, FailureCode, RowProblems};
use atlas_domain::inventory::{TypeResult, TypeStatus};

/// One shortfall. In the order of reporting: the first that applies is the type's error, and its
/// hint names the others.
#[derive(Debug, Clone)]
pub(super) enum Shortfall {
    /// The database refused rows.
    RowsNotStored(RowProblems),
    /// Rows were altered or left out because they could not be read as they were sent.
    RowsUnreadable(RowProblems),
    /// The list may have been cut: its last page was full and had no link to a next one.
    ListMayBeCut,
    /// Rows came twice: the list changed while it was read, and other rows may have been skipped.
    ListChanged,
    /// Assignments or links of some objects could not be read.
    Dependencies(Box<Failure>),
}

impl Shortfall {
    /// Whether an object that was not stored may be there all the same, so that none may be marked
    /// as missing.
    pub(super) const fn hides_objects(&self) -> bool {
        match self {
            Self::RowsNotStored(_)
            | Self::RowsUnreadable(_)
            | Self::ListMayBeCut
            | Self::ListChanged => true,
            Self::Dependencies(_) => false,
        }
    }

    pub(super) const fn is_about_rows(&self) -> bool {
        matches!(self, Self::RowsNotStored(_) | Self::RowsUnreadable(_))
    }

    /// The error of a type with these shortfalls.
    pub(super) fn failure(shortfalls: &[Self]) -> Option<Failure> {
        let (first, others) = shortfalls.split_first()?;
        Some(Self::beside(first.alone(), others))
    }

    /// The failure with a hint that names the others, and with their rows.
    pub(super) fn beside(mut failure: Failure, others: &[Self]) -> Failure {
        for other in others {
            if let Self::RowsNotStored(rows) | Self::RowsUnreadable(rows) = other {
                failure.rows.get_or_insert_default().extend(rows.clone());
            }
        }
        let hints = failure.hint.take();
        let others = others.iter().map(|other| other.besides().to_owned());
        let hints: Vec<String> = hints.into_iter().chain(others).collect();
        failure.hint = (!hints.is_empty()).then(|| hints.join(" "));
        failure
    }

    fn alone(&self) -> Failure {
        match self {
            Self::RowsNotStored(rows) => rows_not_stored(rows.clone()),
            Self::RowsUnreadable(rows) => Failure::rows_unreadable(rows.clone()),
            Self::ListMayBeCut => Failure::permanent(
                FailureCode::LIST_MAY_BE_CUT,
                "The last page of the list was full and led to no further one, also in pages of \
                 other sizes: there may be more objects, and none was marked as missing.",
            ),
            Self::ListChanged => Failure::transient(
                FailureCode::LIST_CHANGED,
                "The list changed while it was read: objects may have been passed over, and none \
                 was marked as missing.",
            ),
            Self::Dependencies(failure) => (**failure).clone(),
        }
    }

    /// A sentence for a hint of another error.
    const fn besides(&self) -> &'static str {
        match self {
            Self::RowsNotStored(_) => "Besides, the database refused rows.",
            Self::RowsUnreadable(_) => "Besides, rows could not be read as sent.",
            Self::ListMayBeCut => "Besides, the list may go on behind its last page.",
            Self::ListChanged => "Besides, the list changed while it was read.",
            Self::Dependencies(_) => "Besides, assignments or links of objects could not be read.",
        }
    }
}

/// Whether objects of the type may be there that are not stored.
pub(super) fn may_lack_objects(result: &TypeResult) -> bool {
    let hiding = [
        FailureCode::ROWS_NOT_STORED,
        FailureCode::ROWS_UNREADABLE,
        FailureCode::LIST_MAY_BE_CUT,
        FailureCode::LIST_CHANGED,
    ];
    match result.status {
        TypeStatus::Pending | TypeStatus::Failed => true,
        TypeStatus::Succeeded | TypeStatus::Skipped => false,
        // What hides objects is reported before anything else.
        TypeStatus::Incomplete => {
            let error = result.error.as_ref();
            error.is_some_and(|error| hiding.contains(&error.code))
        }
    }
}

/// The database would refuse the same rows again: nothing is gained by another attempt.
pub(crate) fn rows_not_stored(rows: RowProblems) -> Failure {
    let objects = match rows.count {
        1 => "1 object was".to_owned(),
        count => format!("{count} objects were"),
    };
    let detail =
        format!("{objects} not stored ({rows}); no object of this type was marked as missing.");
    Failure::permanent(FailureCode::ROWS_NOT_STORED, detail)
        .with_hint("The worker's log has the cause for each of them.")
        .with_rows(rows)
}

#[cfg(test)]
mod tests {
    use atlas_domain::failure::{RowDefect, RowProblem};

    use super::*;

    fn rows(ids: &[&str]) -> RowProblems {
        let mut rows = RowProblems::default();
        for id in ids {
            rows.add(RowProblem {
                position: None,
                id: Some((*id).to_owned()),
                defect: RowDefect::NotStored,
            });
        }
        rows
    }

    #[test]
    fn rows_that_were_not_stored_are_named_and_another_attempt_is_no_remedy() {
        let failure = Shortfall::failure(&[Shortfall::RowsNotStored(rows(&["a"]))]).unwrap();
        assert_eq!(failure.code, FailureCode::ROWS_NOT_STORED);
        assert!(!failure.retryable);
        assert_eq!(
            failure.detail,
            "1 object was not stored (a: refused by the database); no object of this type was \
             marked as missing."
        );
        assert_eq!(
            failure.hint.as_deref(),
            Some("The worker's log has the cause for each of them.")
        );
        assert_eq!(failure.rows, Some(rows(&["a"])));
        let two = rows_not_stored(rows(&["a", "b"])).detail;
        assert!(
            two.starts_with("2 objects were not stored (a: refused"),
            "{two}"
        );
    }

    #[test]
    fn rows_are_named_whatever_the_first_shortfall_is() {
        let unreadable = Shortfall::RowsUnreadable(rows(&["b"]));
        let both = [Shortfall::RowsNotStored(rows(&["a"])), unreadable.clone()];
        let failure = Shortfall::failure(&both).unwrap();
        assert_eq!(failure.rows, Some(rows(&["a", "b"])));
        let refused = Failure::permanent(FailureCode::PERMISSION_MISSING, "No permission.");
        let failure = Shortfall::beside(refused, &both[1..]);
        assert_eq!(failure.rows, Some(rows(&["b"])));
        assert!(unreadable.hides_objects() && Shortfall::ListMayBeCut.hides_objects());
    }

    #[test]
    fn the_first_shortfall_is_the_error_and_its_hint_names_the_others() {
        let dependencies = Failure::permanent(FailureCode::PERMISSION_MISSING, "No permission.");
        let all = [
            Shortfall::RowsNotStored(rows(&["a"])),
            Shortfall::ListChanged,
            Shortfall::Dependencies(Box::new(dependencies.clone())),
        ];
        let failure = Shortfall::failure(&all).unwrap();
        assert_eq!(failure.code, FailureCode::ROWS_NOT_STORED);
        assert_eq!(
            failure.hint.as_deref(),
            Some(
                "The worker's log has the cause for each of them. Besides, the list changed while it \
                 was read. Besides, assignments or links of objects could not be read."
            )
        );
        let failure = Shortfall::failure(&all[1..]).unwrap();
        assert_eq!(failure.code, FailureCode::LIST_CHANGED);
        assert!(failure.retryable);
        assert_eq!(Shortfall::failure(&all[2..]), Some(dependencies));
        assert_eq!(Shortfall::failure(&[]), None);
        assert!(all[0].hides_objects() && all[1].hides_objects() && !all[2].hides_objects());
    }
}
