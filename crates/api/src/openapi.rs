//! The description of the API: made from the registered operations, completed by one pass so that
//! every operation is described alike, and served by the process that it describes.

mod complete;
mod components;
mod samples;
mod schemas;

use actix_web::App;
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa_actix_web::AppExt as _;

use crate::routes;

/// The OpenAPI document of this version.
pub(crate) struct Description(Value);

impl Description {
    /// Builds it. It depends on nothing but the code.
    pub(crate) fn of_this_version() -> Self {
        let (_, described) = App::new()
            .into_utoipa_app()
            .configure(routes::register)
            .split_for_parts();
        let document = serde_json::to_value(described).expect("a description is plain data");
        Self(complete::complete(document))
    }

    /// As JSON.
    pub(crate) const fn document(&self) -> &Value {
        &self.0
    }
}

impl Serialize for Description {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The OpenAPI document as it is committed: indented, with a line end.
#[must_use]
pub fn document() -> String {
    let description = Description::of_this_version();
    let text = serde_json::to_string_pretty(&description).expect("a description is plain data");
    format!("{text}\n")
}
