//! What the settings catalog says of settings, which is the same in all tenants.
//!
//! `GET /deviceManagement/configurationSettings/{id}` (beta): `displayName`, `description`, and
//! `options` of a setting that is a choice, each with the `itemId` that policies set and a
//! `displayName`.

use std::collections::BTreeMap;

use atlas_domain::limits::{LONGEST_NAME, shortened};
use serde_json::Value;

use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind};
use crate::request::batch::SubRequest;
use crate::request::body::Body;
use crate::request::link::segment;
use crate::request::parse;

const VERSION: &str = "beta";
/// The longest description that is kept, in bytes.
const LONGEST_DESCRIPTION: usize = 4_096;
/// Options whose names are kept.
const MOST_OPTIONS: usize = 1_000;

/// A setting of the settings catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingDefinition {
    /// Its name for people.
    pub name: String,
    pub description: Option<String>,
    /// Names of its options, by the ids that policies set.
    pub options: BTreeMap<String, String>,
}

impl TenantGraph {
    /// The definitions of these settings, in their order; `None` for those that the catalog does not
    /// have.
    ///
    /// # Errors
    /// Only what stops every request of the tenant ([`GraphError::is_fatal`]). The error of one
    /// definition is its result.
    pub async fn setting_definitions(
        &self,
        ids: &[String],
    ) -> Result<Vec<Result<Option<SettingDefinition>, GraphError>>, GraphError> {
        let urls: Vec<Option<String>> = ids.iter().map(|id| url(id)).collect();
        let requests = urls.iter().flatten().map(SubRequest::object).collect();
        let mut answers = self.batch(VERSION, requests).await?.into_iter();
        let definitions = urls.iter().map(|url| {
            // An id that no address can have is none of the catalog's.
            let answer = url.as_ref().and_then(|_| answers.next());
            match answer {
                None => Ok(None),
                Some(Ok(body)) => definition(&body).map(Some),
                Some(Err(error)) if error.kind == GraphErrorKind::ObjectNotFound => Ok(None),
                Some(Err(error)) => Err(error),
            }
        });
        Ok(definitions.collect())
    }
}

fn url(id: &str) -> Option<String> {
    let id = segment(id)?;
    Some(format!("/deviceManagement/configurationSettings/{id}"))
}

fn definition(body: &Body) -> Result<SettingDefinition, GraphError> {
    let object = parse::object(&body.bytes).map_err(|reason| body.invalid(reason))?;
    let name = name_of(&object).ok_or_else(|| body.invalid("a definition has no name"))?;
    let description = object.get("description").and_then(Value::as_str);
    let options = object.get("options").and_then(Value::as_array);
    let options = options.into_iter().flatten().take(MOST_OPTIONS);
    Ok(SettingDefinition {
        name,
        description: description.map(|text| shortened(text, LONGEST_DESCRIPTION).to_owned()),
        options: options
            .filter_map(|option| {
                let id = option.get("itemId")?.as_str()?;
                Some((id.to_owned(), name_of(option)?))
            })
            .collect(),
    })
}

/// The name for people, or else the one of the service.
fn name_of(object: &Value) -> Option<String> {
    let names = ["displayName", "name"].into_iter();
    let mut texts = names.filter_map(|name| object.get(name)?.as_str());
    let name = texts.find(|text| !text.trim().is_empty())?;
    Some(shortened(name, LONGEST_NAME).to_owned())
}
