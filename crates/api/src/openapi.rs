//! The OpenAPI document: made from the registered operations, which describe themselves beside their
//! handlers, completed by one pass that adds what all have in common, and served by the process that it
//! describes.

mod components;
mod deliveries;
mod info;
mod open_words;
mod operation_links;
mod operations;
mod problem;
mod reference;
mod schemas;

use actix_web::App;
use serde_json::{Map, Value, json};
use utoipa_actix_web::AppExt as _;

pub use self::deliveries::deliveries_document;
use crate::answer::FixedBody;
use crate::routes;

/// The OpenAPI document of this version.
pub(crate) struct Description {
    document: Value,
    /// The same as it is served.
    served: FixedBody,
}

impl Description {
    /// Builds it. It depends on nothing but the code.
    pub(crate) fn of_this_version() -> Self {
        let (_, described) = App::new()
            .into_utoipa_app()
            .configure(routes::register)
            .split_for_parts();
        let mut document = serde_json::to_value(described).expect("a description is plain data");
        schemas::complete(&mut document["components"]["schemas"]);
        operations::complete(&mut document);
        schemas::open_answers(&mut document);
        open_words::complete(&mut document["components"]["schemas"]);
        operation_links::complete(&mut document);
        let components = &mut document["components"];
        components["parameters"] = components::parameters();
        components["headers"] = components::headers();
        components["securitySchemes"] = info::security_schemes();
        document["info"] = info::info();
        document["servers"] = info::servers();
        document["security"] = json!([{"api_token": []}]);
        document["tags"] = info::tags();
        let document = in_order(document);
        let text = serde_json::to_vec(&document).expect("a description is plain data");
        Self {
            document,
            served: FixedBody::new(text),
        }
    }

    /// As it is served.
    pub(crate) const fn served(&self) -> &FixedBody {
        &self.served
    }

    /// As JSON.
    pub(crate) const fn document(&self) -> &Value {
        &self.document
    }
}

/// The OpenAPI document as it is committed: indented, with a line end.
#[must_use]
pub fn document() -> String {
    let description = Description::of_this_version();
    let text =
        serde_json::to_string_pretty(description.document()).expect("a description is plain data");
    format!("{text}\n")
}

/// The members of the document in the order in which people read them.
fn in_order(mut document: Value) -> Value {
    let names = [
        "openapi",
        "info",
        "servers",
        "security",
        "tags",
        "paths",
        "components",
    ];
    names
        .into_iter()
        .map(|name| (name.to_owned(), document[name].take()))
        .collect::<Map<_, _>>()
        .into()
}
