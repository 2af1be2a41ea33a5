//! Putting an answer into its row.

use std::collections::BTreeSet;

use atlas_domain::guid::fold_guids;
use serde_json::Value;

use super::knowledge::Knowledge;
use super::partial_row::PartialRow;
use super::presentations;
use crate::client::TenantGraph;
use crate::collections::{Assignments, Related, ValuesAt};
use crate::error::{GraphError, GraphErrorKind};
use crate::request::batch::SubRequest;
use crate::request::body::Body;
use crate::request::parse;
use crate::row::further_read::{FurtherRead, MOST_SETTINGS};
use crate::row::links::apps::Relations;
use crate::row::links::gathered::scoped_by;
use crate::row::links::{apps, certificates, compliance, policy_sets, roles, settings};
use crate::row::observe::tags_of;
use crate::row::values::{RowValues, ValuesReading};

/// Assignments of one object.
const MOST_ASSIGNMENTS: usize = 10_000;

/// The first [`MOST_ASSIGNMENTS`] assignments of an object, between commas, and how many there are.
#[derive(Default)]
struct AssignmentTexts {
    text: String,
    count: usize,
}

impl AssignmentTexts {
    fn push(&mut self, assignment: &Value) {
        self.count += 1;
        if self.count <= MOST_ASSIGNMENTS {
            if self.count > 1 {
                self.text.push(',');
            }
            self.text.push_str(&assignment.to_string());
        }
    }

    fn into_text(self) -> String {
        format!("[{}]", self.text)
    }
}

/// Puts what an answer says into its row, with the pages that follow it. Where a link to one of those
/// has expired, all of them are read once more.
///
/// # Errors
/// [`GraphError`]; nothing of the answer is in the row then.
pub(super) async fn take(
    graph: &TenantGraph,
    version: &str,
    knowledge: &Knowledge,
    read: &FurtherRead,
    body: Body,
    row: &mut PartialRow,
) -> Result<(), GraphError> {
    let taken = take_once(graph, version, knowledge, read, body, row).await;
    let Err(error) = taken else { return Ok(()) };
    let url = read.url(row.observed.collection, &row.observed.id);
    let (GraphErrorKind::PageExpired, Some(url)) = (&error.kind, url) else {
        return Err(error);
    };
    let mut answers = graph.batch(version, vec![SubRequest::object(url)]).await?;
    let body = answers.pop().unwrap_or(Err(error))?;
    take_once(graph, version, knowledge, read, body, row).await
}

/// Takes all of the answer, or nothing.
async fn take_once(
    graph: &TenantGraph,
    version: &str,
    knowledge: &Knowledge,
    read: &FurtherRead,
    body: Body,
    row: &mut PartialRow,
) -> Result<(), GraphError> {
    let before = row.related.clone();
    let taken = take_pages(graph, version, knowledge, read, body, row).await;
    if taken.is_err() {
        row.related = before;
        row.take_back(read);
    }
    taken
}

async fn take_pages(
    graph: &TenantGraph,
    version: &str,
    knowledge: &Knowledge,
    read: &FurtherRead,
    body: Body,
    row: &mut PartialRow,
) -> Result<(), GraphError> {
    let collection = row.observed.collection;
    let mut values = match &row.observed.values {
        RowValues::Lacking(reading) if read.is_values(collection) => Some(reading.clone()),
        _ => None,
    };
    if matches!(
        read,
        FurtherRead::Item | FurtherRead::Certificates { .. } | FurtherRead::Script
    ) {
        let object = parse::object(&body.bytes).map_err(|reason| body.invalid(reason))?;
        item(read, object, values, row).map_err(|reason| body.invalid(reason))?;
        return Ok(());
    }
    let mut assignments = AssignmentTexts::default();
    let mut ids = BTreeSet::new();
    let mut relations = Relations::default();
    let mut lacking = Vec::new();
    let mut pages = graph.pages(version, body);
    while let Some(body) = pages.next_page().await? {
        let taken = parse::each(&body.bytes, &mut |value| match read {
            // A row that came on the page before, too, is one assignment.
            FurtherRead::Assignments => match value.get("id").and_then(Value::as_str) {
                Some(id) if !ids.insert(fold_guids(id).into_owned()) => {}
                _ => assignments.push(&value),
            },
            FurtherRead::Settings => {
                if read.is_related(collection) {
                    settings::of_setting(&value, &mut row.related);
                }
                if let Some(values) = &mut values {
                    values.add(value);
                }
            }
            FurtherRead::Rules => compliance::of_rule(&value, &mut row.related),
            FurtherRead::DefinitionValues { .. } => {
                if let Some(uploaded) = knowledge.uploaded() {
                    settings::of_definition_value(&value, uploaded, &mut row.related);
                }
                match &mut values {
                    Some(_) if presentations::are_lacking(&value) => lacking.push(value),
                    Some(values) => values.add(value),
                    None => {}
                }
            }
            FurtherRead::IntentSettings | FurtherRead::Messages => {
                if let Some(values) = &mut values {
                    values.add(value);
                }
            }
            FurtherRead::Relationships => {
                relations.add(&value, Some(&row.observed.observation.external_id));
            }
            FurtherRead::Item | FurtherRead::Certificates { .. } | FurtherRead::Script => {}
        });
        let rows = taken.map_err(|reason| body.invalid(reason))?;
        if assignments.count > MOST_ASSIGNMENTS {
            return Err(body.invalid("an object has too many assignments"));
        }
        let counted = values.as_ref().is_some_and(ValuesReading::is_counted);
        let full = *read == FurtherRead::Settings && rows == MOST_SETTINGS;
        if full && !counted && !pages.leads_on() {
            return Err(body.invalid("its last page is full: there may be more"));
        }
    }
    if *read == FurtherRead::Assignments {
        let text = assignments.into_text();
        if !parse::is_readable(&text) {
            return Err(GraphErrorKind::TooLarge.into());
        }
        row.assignments = Some(text);
    }
    if let Some(mut reading) = values {
        match presentations::read(graph, version, row, &mut lacking).await {
            Ok(()) => {
                lacking.into_iter().for_each(|value| reading.add(value));
                row.values = Some(reading.finish().map_err(GraphErrorKind::invalid)?);
            }
            // The links came all the same.
            Err(error) if !error.is_fatal() && !error.is_outage() => row.values_error = Some(error),
            Err(error) => return Err(error),
        }
    }
    relations.of(&row.observed.observation.external_id, &mut row.related);
    row.related.cut |= relations.cut;
    Ok(())
}

fn item(
    read: &FurtherRead,
    mut object: Value,
    values: Option<ValuesReading>,
    row: &mut PartialRow,
) -> Result<(), &'static str> {
    let collection = row.observed.collection;
    if collection.values == Some(ValuesAt::Scripts)
        && let Some(mut values) = values.clone()
    {
        values.add(object.clone());
        row.values = Some(values.finish()?);
    }
    if *read == FurtherRead::Script {
        return Ok(());
    }
    if matches!(read, FurtherRead::Certificates { .. }) {
        certificates::of_details(&object, &mut row.related);
        return Ok(());
    }
    if collection.assignments() == Assignments::ExpandItem {
        let mut texts = AssignmentTexts::default();
        let assignments = whole(&mut object, "assignments")?;
        assignments.iter().for_each(|one| texts.push(one));
        row.assignments = Some(texts.into_text());
    }
    let related = |one: Related| collection.related.contains(&one);
    if related(Related::PolicySetItems) {
        let items = whole(&mut object, "items")?;
        policy_sets::of_items(&items, &mut row.related);
        if let Some(mut values) = values {
            items.into_iter().for_each(|item| values.add(item));
            row.values = Some(values.finish()?);
        }
    }
    if related(Related::RoleAssignment) {
        roles::of_assignment(&object, &mut row.related);
    }
    if related(Related::App) {
        let tags = object
            .get("roleScopeTagIds")
            .and_then(Value::as_array)
            .ok_or("an app has no scope tags")?;
        row.observed.observation.scope_tags = Some(tags_of(tags));
        scoped_by(object.get("roleScopeTagIds"), &mut row.related);
        let categories = whole(&mut object, "categories")?;
        apps::of_categories(&categories, &mut row.related);
    }
    Ok(())
}

/// An expanded collection. Graph cuts it when it is long; then what is there is not all.
fn whole(object: &mut Value, member: &str) -> Result<Vec<Value>, &'static str> {
    if parse::leads_on(object, &format!("{member}@odata.nextLink")) {
        return Err("an expanded collection is cut");
    }
    match object.get_mut(member).map(Value::take) {
        Some(Value::Array(values)) => Ok(values),
        _ => Err("what was to be expanded is missing"),
    }
}
