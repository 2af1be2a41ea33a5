//! The rows of a page, as far as they concern the inventory.

use std::collections::BTreeMap;

use atlas_domain::failure::{RowDefect, RowProblem};
use atlas_domain::policy_types::PolicyTypeKey;
use serde_json::Value;

use crate::collections::Shape;
use crate::plan::ListPlan;
use crate::request::link::segment;
use crate::request::parse::{RawRow, Row, open, open_object, problem};
use crate::row::context::RowContext;
use crate::row::observe::{NoUsableId, ObservedRow, is_usable_id, left_out, observe};

/// The member of a policy's row that its settings come in.
const SETTINGS: &str = "settings";

/// Rows of one page that are described; the others are counted.
const MOST_PROBLEMS: usize = 1_000;

/// A page, as far as it concerns the inventory.
#[derive(Debug, Default)]
pub(crate) struct PageRead {
    pub(crate) observed: Vec<ObservedRow>,
    /// Policy types that took a row of a kind that is not known, once for each row.
    pub(crate) unknown: Vec<PolicyTypeKey>,
    /// Ids of rows that no wanted policy type claims.
    pub(crate) others: Vec<String>,
    /// The first [`MOST_PROBLEMS`] rows that were altered or left out.
    pub(crate) problems: Vec<Problem>,
    /// How many more there are, by the policy type that they belong to.
    pub(crate) further: BTreeMap<Option<PolicyTypeKey>, u64>,
    /// Objects that the inventory leaves out.
    pub(crate) left_out: Vec<(PolicyTypeKey, String)>,
    /// All rows of the page, also those that no wanted policy type claims.
    pub(crate) rows: u64,
    pub(crate) next: Option<String>,
}

/// A row that is not given out as it was sent. Its position is that on its page, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The policy type that it belongs to. Without one it may belong to any of its list.
    pub(crate) policy_type: Option<PolicyTypeKey>,
    pub(crate) row: RowProblem,
}

/// The ids on a page of a parent collection.
#[derive(Debug)]
pub(crate) struct ParentsRead {
    pub(crate) ids: Vec<String>,
    /// Rows that have no id that could be used.
    pub(crate) problems: Vec<RowProblem>,
    pub(crate) rows: u64,
    pub(crate) next: Option<String>,
}

impl PageRead {
    fn of(rows: usize, next: Option<String>) -> Self {
        Self {
            rows: u64::try_from(rows).unwrap_or(u64::MAX),
            next,
            ..Self::default()
        }
    }

    /// Reads the row at `place`, from 0.
    fn take(
        &mut self,
        plan: &ListPlan,
        context: RowContext<'_>,
        place: usize,
        row: Result<Row, RowDefect>,
    ) {
        let Row {
            value,
            defect,
            altered,
            alone: _alone,
        } = match row {
            Ok(row) => row,
            Err(defect) => return self.complain(None, place, None, defect),
        };
        if altered.iter().any(|member| plan.routes_by(member)) {
            return self.complain(None, place, None, RowDefect::Unreadable);
        }
        let id = value.get(&plan.collection().id).and_then(Value::as_str);
        let id = id.map(str::to_owned);
        self.left_out.extend(left_out(plan, &value));
        let routed = plan.routes(&value);
        match observe(plan, context, value) {
            Ok(None) => self.others.extend(id),
            Err(NoUsableId { policy_type }) => {
                // What has no id may have lost more than that.
                self.complain(routed.then_some(policy_type), place, None, RowDefect::NoId);
            }
            Ok(Some(row)) => {
                let policy_type = row.observation.policy_type;
                // It may be another object's id now.
                let singleton = row.collection.shape() == Shape::Singleton;
                if !singleton && altered.contains(&row.collection.id) {
                    return self.complain(Some(policy_type), place, None, RowDefect::NoId);
                }
                if let Some(defect) = defect {
                    let id = row.observation.external_id.clone();
                    self.complain(Some(policy_type), place, Some(id), defect);
                }
                if row.unknown {
                    self.unknown.push(policy_type);
                }
                self.observed.push(row);
            }
        }
    }

    fn complain(
        &mut self,
        policy_type: Option<PolicyTypeKey>,
        place: usize,
        id: Option<String>,
        defect: RowDefect,
    ) {
        if self.problems.len() < MOST_PROBLEMS {
            let row = problem(place, id, defect);
            self.problems.push(Problem { policy_type, row });
        } else {
            *self.further.entry(policy_type).or_default() += 1;
        }
    }
}

/// Reads a page of a list.
pub(crate) fn list(
    plan: &ListPlan,
    context: RowContext<'_>,
    body: &[u8],
) -> Result<PageRead, &'static str> {
    let page = open(body)?;
    let mut read = PageRead::of(page.rows.len(), page.next);
    for (place, row) in page.rows.iter().enumerate() {
        read.take(plan, context, place, read_row(context, row));
    }
    Ok(read)
}

/// Reads a row. Where its settings come with it and it is too large or not as it should be, they may be
/// the reason: without them it may be a good row, whose settings are read by themselves.
fn read_row(context: RowContext<'_>, raw: &RawRow<'_>) -> Result<Row, RowDefect> {
    let row = raw.read();
    let is_good = |row: &Result<Row, RowDefect>| row.as_ref().is_ok_and(|row| row.defect.is_none());
    if !context.with_settings || is_good(&row) {
        return row;
    }
    // A heavy row holds up every other one until it is dropped.
    drop(row);
    let without = raw.without(SETTINGS).map(|row| row.read());
    without.filter(is_good).unwrap_or_else(|| raw.read())
}

/// Reads a singleton: the body is the one row.
pub(crate) fn singleton(plan: &ListPlan, body: &[u8]) -> Result<PageRead, &'static str> {
    let row = open_object(body)?;
    let mut read = PageRead::of(1, None);
    read.take(plan, RowContext::default(), 0, Ok(row));
    Ok(read)
}

/// Reads the ids of a parent collection.
pub(crate) fn parents(body: &[u8]) -> Result<ParentsRead, &'static str> {
    let page = open(body)?;
    let mut read = ParentsRead {
        ids: Vec::with_capacity(page.rows.len()),
        problems: Vec::new(),
        rows: u64::try_from(page.rows.len()).unwrap_or(u64::MAX),
        next: page.next,
    };
    for (place, raw) in page.rows.iter().enumerate() {
        match parent(raw) {
            Ok(id) => read.ids.push(id),
            Err(defect) => read.problems.push(problem(place, None, defect)),
        }
    }
    Ok(read)
}

/// The id of a parent. What else is wrong with it concerns its own list.
fn parent(raw: &RawRow<'_>) -> Result<String, RowDefect> {
    let row = raw.read()?;
    let id = row.value.get("id").and_then(Value::as_str);
    let usable = |id: &&str| is_usable_id(id) && segment(id).is_some();
    let id = id.filter(|id| usable(id) && !row.altered.contains("id"));
    id.map(str::to_owned).ok_or(RowDefect::NoId)
}

#[cfg(test)]
mod tests;
