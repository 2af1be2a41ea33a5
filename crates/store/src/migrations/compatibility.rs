//! Whether this program works with the database's schema.
//!
//! While programs are replaced, old and new ones run over one schema. A program is named by the version
//! of its newest migration. The table `schema_compatibility` names the oldest program that works with
//! the schema; migrations that the program does not know are no hindrance while it is not older. In the
//! other direction, [`OLDEST_SCHEMA`] says how many of its own migrations may be missing.

use std::fmt;
use std::sync::LazyLock;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;

use super::MIGRATIONS;
use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{row, statement};

/// The version of the last migration without which this program cannot work. `None` is its newest one:
/// `atlas migrate` runs before programs are replaced, so that nobody needs statements for a schema
/// without columns that they name. A program that has to be started before its migrations, because
/// those need it, names here the migration before them.
const OLDEST_SCHEMA: Option<&str> = None;

/// The versions of all migrations of this program, in order.
static KNOWN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS
        .migrations()
        .expect("embedded migrations are readable");
    let mut versions: Vec<String> = migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    versions.sort_unstable();
    versions
});

/// How the database's schema relates to the one this program was built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// The same.
    Current,
    /// Another one, with which this program works, too.
    Compatible {
        /// Versions of this program's migrations that were not applied, and that it does not need.
        missing: Vec<String>,
        /// Versions that this program does not know.
        unknown: Vec<String>,
    },
    /// Migrations are missing that this program needs.
    Behind {
        /// Their versions.
        missing: Vec<String>,
    },
    /// A newer program's migrations took away what this program needs.
    Ahead {
        /// The oldest program that works with the schema, as the version of its newest migration.
        oldest_program: String,
    },
}

impl SchemaState {
    /// Whether this program works with the schema.
    #[must_use]
    pub const fn fits(&self) -> bool {
        matches!(self, Self::Current | Self::Compatible { .. })
    }

    /// The state of a schema by what the database reports of it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] without the oldest program.
    pub(crate) fn read(
        applied: &[String],
        oldest_program: Option<&str>,
    ) -> Result<Self, StoreError> {
        let oldest_program = oldest_program.ok_or_else(|| {
            StoreError::corrupt("schema_compatibility", "it has no row".to_owned())
        })?;
        Ok(compare(applied, oldest_program, &KNOWN, OLDEST_SCHEMA))
    }
}

impl fmt::Display for SchemaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("the schema is current"),
            Self::Compatible { missing, unknown } => write!(
                f,
                "the schema has {} migrations more and {} less than this version, which works with it",
                unknown.len(),
                missing.len()
            ),
            Self::Behind { missing } => write!(
                f,
                "the schema is behind this version by {} migrations; run atlas migrate",
                missing.len()
            ),
            Self::Ahead { oldest_program } => write!(
                f,
                "the schema works only with programs that know migration {oldest_program}; run a newer \
                 version"
            ),
        }
    }
}

statement! {
    struct FindState {}
    file: "migrations/state",
    row: StateRow,
}

row! {
    struct StateRow {
        applied: Vec<String>,
        oldest_program: Option<String>,
    }
}

statement! {
    struct FindApplied {}
    file: "migrations/applied",
    row: AppliedRow,
}

row! {
    struct AppliedRow {
        version: String,
    }
}

impl Store {
    /// Compares the schema with the range of schemas that this program works with.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::Corrupt`] when the schema does not say which programs
    /// work with it.
    pub async fn schema_state(&self) -> Result<SchemaState, StoreError> {
        match self.fetch_one(&FindState {}).await {
            Ok(row) => SchemaState::read(&row.applied, row.oldest_program.as_deref()),
            // A schema from before the table; nothing that came later was taken from it.
            Err(error) if error.is_about_a_missing_table() => {
                Ok(compare(&self.applied().await?, "", &KNOWN, OLDEST_SCHEMA))
            }
            Err(error) => Err(error),
        }
    }

    async fn applied(&self) -> Result<Vec<String>, StoreError> {
        match self.fetch_all(&FindApplied {}).await {
            Ok(rows) => Ok(rows.into_iter().map(|row| row.version).collect()),
            // An empty database has no table of migrations.
            Err(error) if error.is_about_a_missing_table() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The version of the schema that this program is made for: that of its newest migration.
#[must_use]
pub fn schema_version() -> &'static str {
    KNOWN.last().map_or("", String::as_str)
}

/// What a program with the migrations `known`, which needs those up to `oldest_schema`, makes of a
/// schema.
fn compare(
    applied: &[String],
    oldest_program: &str,
    known: &[String],
    oldest_schema: Option<&str>,
) -> SchemaState {
    let newest = known.last().map_or("", String::as_str);
    if newest < oldest_program {
        return SchemaState::Ahead {
            oldest_program: oldest_program.to_owned(),
        };
    }
    let without = |all: &[String], some: &[String]| -> Vec<String> {
        let rest = all.iter().filter(|version| !some.contains(version));
        rest.cloned().collect()
    };
    let missing = without(known, applied);
    let unknown = without(applied, known);
    let is_needed =
        |version: &String| oldest_schema.is_none_or(|oldest| version.as_str() <= oldest);
    if missing.iter().any(is_needed) {
        SchemaState::Behind { missing }
    } else if missing.is_empty() && unknown.is_empty() {
        SchemaState::Current
    } else {
        SchemaState::Compatible { missing, unknown }
    }
}

#[cfg(test)]
pub(crate) const STATEMENTS: &[crate::statement::Info] = &[
    <FindState as crate::statement::Statement>::INFO,
    <FindApplied as crate::statement::Statement>::INFO,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(versions: &[&str]) -> Vec<String> {
        versions.iter().map(|one| (*one).to_owned()).collect()
    }

    /// What a program with the migrations 1, 2 and 3 makes of a schema.
    fn seen(applied: &[&str], oldest_program: &str, oldest_schema: Option<&str>) -> SchemaState {
        let known = versions(&["1", "2", "3"]);
        compare(&versions(applied), oldest_program, &known, oldest_schema)
    }

    #[test]
    fn a_program_works_with_migrations_that_it_does_not_know() {
        assert_eq!(seen(&["1", "2", "3"], "1", None), SchemaState::Current);
        let newer = seen(&["1", "2", "3", "4", "5"], "3", None);
        assert!(newer.fits());
        let (missing, unknown) = (vec![], versions(&["4", "5"]));
        assert_eq!(newer, SchemaState::Compatible { missing, unknown });
    }

    #[test]
    fn a_program_that_is_older_than_the_oldest_that_works_does_not() {
        let contracted = seen(&["1", "2", "3", "4"], "4", None);
        assert!(!contracted.fits());
        let oldest_program = "4".to_owned();
        assert_eq!(contracted, SchemaState::Ahead { oldest_program });
    }

    #[test]
    fn a_program_needs_its_migrations_up_to_the_oldest_schema_that_it_states() {
        let missing = versions(&["3"]);
        let behind = SchemaState::Behind {
            missing: missing.clone(),
        };
        assert!(!behind.fits());
        assert_eq!(seen(&["1", "2"], "1", None), behind);
        assert_eq!(seen(&["1", "2", "4"], "1", None), behind);
        let unknown = vec![];
        let compatible = SchemaState::Compatible { missing, unknown };
        assert_eq!(seen(&["1", "2"], "1", Some("2")), compatible);
        let missing = versions(&["2", "3"]);
        assert_eq!(
            seen(&["1"], "1", Some("2")),
            SchemaState::Behind { missing }
        );
    }
}
