//! Rows of statements, by place: a test compares names and types with what PostgreSQL reports.

use tokio_postgres::Row;

/// A column of a row.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in the statement.
    pub(crate) name: &'static str,
    /// The type of its field.
    pub(crate) rust_type: &'static str,
    /// Whether its field can be read from this type.
    pub(crate) accepts: fn(&tokio_postgres::types::Type) -> bool,
}

/// A value that is read from neighbouring columns of a row.
pub(crate) trait FromRow: Sized {
    /// How many columns.
    const COUNT: usize;

    /// The columns, in their order.
    #[cfg(test)]
    fn columns() -> Vec<Column>;

    /// Reads the columns from `first` on.
    fn from_row(row: &Row, first: usize) -> Result<Self, tokio_postgres::Error>;
}

/// A statement without columns.
impl FromRow for () {
    const COUNT: usize = 0;

    #[cfg(test)]
    fn columns() -> Vec<Column> {
        Vec::new()
    }

    fn from_row(_: &Row, _: usize) -> Result<Self, tokio_postgres::Error> {
        Ok(())
    }
}

/// The columns of one, then those of the other.
impl<A: FromRow, B: FromRow> FromRow for (A, B) {
    const COUNT: usize = A::COUNT + B::COUNT;

    #[cfg(test)]
    fn columns() -> Vec<Column> {
        [A::columns(), B::columns()].concat()
    }

    fn from_row(row: &Row, first: usize) -> Result<Self, tokio_postgres::Error> {
        Ok((
            A::from_row(row, first)?,
            B::from_row(row, first + A::COUNT)?,
        ))
    }
}

/// A struct whose fields are columns, in the order of the statement.
macro_rules! row {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_attribute:meta])* $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug)]
        $visibility struct $name {
            $($(#[$field_attribute])* $visibility $field: $type),*
        }

        impl $crate::statement::FromRow for $name {
            const COUNT: usize = [$(stringify!($field)),*].len();

            #[cfg(test)]
            fn columns() -> Vec<$crate::statement::Column> {
                vec![$($crate::statement::Column {
                    name: stringify!($field),
                    rust_type: stringify!($type),
                    accepts: <$type as tokio_postgres::types::FromSql>::accepts,
                }),*]
            }

            fn from_row(
                row: &tokio_postgres::Row,
                first: usize,
            ) -> Result<Self, tokio_postgres::Error> {
                let mut column = first..;
                Ok(Self {
                    $($field: row.try_get(column.next().unwrap_or_default())?),*
                })
            }
        }
    };
}
pub(crate) use row;

row! {
    /// The row of `SELECT count(*)`.
    pub(crate) struct CountRow {
        count: i64,
    }
}

row! {
    /// A membership's role.
    pub(crate) struct RoleRow {
        role: String,
    }
}

row! {
    /// Which of several requests a row answers, counted from one.
    pub(crate) struct PlaceRow {
        place: i64,
    }
}

impl PlaceRow {
    /// The same, counted from zero.
    pub(crate) fn index(&self) -> usize {
        usize::try_from(self.place - 1).unwrap_or(usize::MAX)
    }
}
