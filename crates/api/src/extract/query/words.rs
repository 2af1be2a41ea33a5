//! Parameters whose values are words of a closed list.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::slice;

use atlas_domain::audit::AuditOutcome;
use atlas_domain::directory::GroupType;
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use atlas_domain::run::{OperationKind, Outcome, Status};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A closed list of words.
pub(crate) trait Words: Copy + 'static {
    /// Every value, in the order of the document.
    fn all() -> slice::Iter<'static, Self>;

    /// The word for a value.
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($($name:ty),+ $(,)?) => {$(
        impl Words for $name {
            fn all() -> slice::Iter<'static, Self> {
                Self::ALL.iter()
            }

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}

words!(
    AuditOutcome,
    ChangeKind,
    GroupType,
    LinkKind,
    OperationKind,
    Outcome,
    Status,
    TargetKind,
);

/// Reads one of the words.
pub(crate) fn word<T: Words>(text: &str) -> Result<T, String> {
    let found = T::all().copied().find(|one| one.word() == text);
    found.ok_or_else(|| {
        let words: Vec<_> = T::all().map(|one| one.word()).collect();
        format!("Must be one of {}.", words.join(", "))
    })
}

/// The schema of such a parameter. `utoipa::path` takes an alias of it: of a generic type it asks for the
/// schemas of the type's arguments.
pub(crate) struct OneOf<T>(PhantomData<T>);

impl<T: Words> PartialSchema for OneOf<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .enum_values(Some(T::all().map(|one| one.word())))
            .into()
    }
}

impl<T: Words> ToSchema for OneOf<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OneOf")
    }
}
