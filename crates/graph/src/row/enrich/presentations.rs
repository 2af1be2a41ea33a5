//! What stands in the boxes of an administrative template's values, where it does not come with them.

use serde_json::Value;

use super::partial_row::PartialRow;
use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind};
use crate::request::batch::SubRequest;
use crate::request::link::segment;
use crate::request::parse::{self, leads_on};

/// The member of a value that holds them.
const MEMBER: &str = "presentationValues";

/// Whether a value lacks them, or some of them.
pub(super) fn are_lacking(value: &Value) -> bool {
    !value.get(MEMBER).is_some_and(Value::is_array)
        || leads_on(value, &format!("{MEMBER}@odata.nextLink"))
}

/// Reads them for each of these values of a template.
///
/// # Errors
/// [`GraphError`]; then they are not complete.
pub(super) async fn read(
    graph: &TenantGraph,
    version: &str,
    row: &PartialRow,
    values: &mut [Value],
) -> Result<(), GraphError> {
    if values.is_empty() {
        return Ok(());
    }
    let template = segment(&row.observed.id);
    let path = row.observed.collection.path();
    let mut requests = Vec::with_capacity(values.len());
    for value in &*values {
        let id = value.get("id").and_then(Value::as_str).and_then(segment);
        let (Some(template), Some(id)) = (&template, id) else {
            return Err(GraphErrorKind::invalid("a value of a template has no usable id").into());
        };
        requests.push(SubRequest::object(format!(
            "{path}/{template}/definitionValues/{id}/{MEMBER}?$expand=presentation"
        )));
    }
    let answers = graph.batch(version, requests).await?;
    for (value, answer) in values.iter_mut().zip(answers) {
        let mut presented = Vec::new();
        let mut pages = graph.pages(version, answer?);
        while let Some(body) = pages.next_page().await? {
            parse::each(&body.bytes, &mut |one| presented.push(one))
                .map_err(|reason| body.invalid(reason))?;
        }
        value[MEMBER] = Value::Array(presented);
    }
    Ok(())
}
