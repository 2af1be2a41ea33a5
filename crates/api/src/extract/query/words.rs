//! Parameters whose values are words of a closed list.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::slice;

use atlas_domain::audit::{AuditAction, AuditOutcome};
use atlas_domain::directory::GroupType;
use atlas_domain::inventory::TypeStatus;
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use atlas_domain::policy_types::registry;
use atlas_domain::run::{OperationKind, Outcome, Status};
use serde_json::json;
use utoipa::openapi::extensions::Extensions;
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
    AuditAction,
    AuditOutcome,
    ChangeKind,
    GroupType,
    LinkKind,
    OperationKind,
    Outcome,
    Status,
    TargetKind,
    TypeStatus,
);

/// Reads one of the words.
pub(crate) fn word<T: Words>(text: &str) -> Result<T, String> {
    let found = T::all().copied().find(|one| one.word() == text);
    found.ok_or_else(|| {
        let words: Vec<_> = T::all().map(|one| one.word()).collect();
        format!("Must be one of {}.", words.join(", "))
    })
}

/// Reads the order of a list that is sorted by this member: whether it ascends, or descends by a `-` before
/// the name.
pub(crate) fn ascending(member: &'static str) -> impl Fn(&str) -> Result<bool, String> {
    move |text| match text.strip_prefix('-') {
        None if text == member => Ok(true),
        Some(name) if name == member => Ok(false),
        _ => Err(format!("Must be one of {member}, -{member}.")),
    }
}

/// Reads the key of a policy type, as selections are read.
pub(crate) fn policy_type(text: &str) -> Result<String, String> {
    let found = registry().find(text).map(|key| key.to_string());
    found.ok_or_else(|| "Unknown policy type; GET /policy-types lists them.".to_owned())
}

/// Reads the name of a category, likewise.
pub(crate) fn category(text: &str) -> Result<String, String> {
    let found = registry().categories().get(text).cloned();
    found.ok_or_else(|| "Unknown category; GET /policy-types lists them.".to_owned())
}

/// The schema of a policy type's key. Words that are not in snake_case are named beside the schema: as an
/// enumeration they would be names that no generator of clients likes.
pub(crate) struct PolicyTypeWord;

/// The schema of an action of the audit log.
pub(crate) struct AuditActionWord;

/// The schema of a category's name.
pub(crate) struct CategoryWord;

macro_rules! registered {
    ($($name:ident: $pattern:literal, $words:expr;)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words: Vec<&str> = $words.collect();
                let named = Extensions::builder().add("x-extensible-enum", json!(words));
                ObjectBuilder::new()
                    .schema_type(SchemaType::new(Type::String))
                    .max_length(Some(128))
                    .pattern(Some($pattern))
                    .extensions(Some(named.build()))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

registered! {
    AuditActionWord: "^[a-z_]+\\.[a-z_]+$", AuditAction::WORDS.into_iter();
    PolicyTypeWord: "^[A-Za-z0-9]+$", registry().all().iter().map(|one| one.key.as_str());
    CategoryWord: "^[^\\u0000-\\u001f]+$", registry().categories().iter().map(String::as_str);
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
