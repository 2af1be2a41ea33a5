//! Taking a response body apart.
//!
//! A page's rows are cut out of the body as text first and read one at a time, so that a page of a
//! thousand large policies is never in memory as a tree. What is wrong with one row costs that row.

pub(crate) mod cut;
mod envelope;
mod row;

use std::borrow::Cow;

use std::collections::BTreeMap;

use atlas_domain::failure::{RowDefect, RowProblem};
use atlas_domain::policy_types::PolicyTypeKey;
use serde::Deserialize;
use serde_json::Value;

use crate::collections::Shape;
use crate::list::link::segment;
use crate::plan::ListPlan;
use crate::row::enrich::Sighting;
use crate::row::observe::{NoUsableId, Seen, Setting, is_usable_id, left_out, observe};
pub(crate) use envelope::open;
use envelope::open_object;
pub(crate) use row::{RawRow, Row};

/// Rows of one page that are described; the others are counted.
const MOST_PROBLEMS: usize = 1_000;

/// A page, as far as it concerns the inventory.
#[derive(Debug, Default)]
pub(crate) struct PageRead {
    pub(crate) sightings: Vec<Sighting>,
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
        setting: Setting<'_>,
        place: usize,
        row: Result<Row, RowDefect>,
    ) {
        let Row {
            value,
            defect,
            altered,
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
        match observe(plan, setting, value) {
            Ok(None) => self.others.extend(id),
            Err(NoUsableId { policy_type }) => {
                // What has no id may have lost more than that.
                self.complain(routed.then_some(policy_type), place, None, RowDefect::NoId);
            }
            Ok(Some(Seen { sighting, unknown })) => {
                let policy_type = sighting.observation.policy_type;
                // It may be another object's id now.
                let singleton = sighting.collection.shape() == Shape::Singleton;
                if !singleton && altered.contains(&sighting.collection.id) {
                    return self.complain(Some(policy_type), place, None, RowDefect::NoId);
                }
                if let Some(defect) = defect {
                    let id = sighting.observation.external_id.clone();
                    self.complain(Some(policy_type), place, Some(id), defect);
                }
                if unknown {
                    self.unknown.push(policy_type);
                }
                self.sightings.push(sighting);
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

/// A problem of the row at `place`, from 0.
pub(crate) fn problem(place: usize, id: Option<String>, defect: RowDefect) -> RowProblem {
    RowProblem {
        position: u64::try_from(place).ok().map(|place| place + 1),
        id,
        defect,
    }
}

/// Reads a page of a list.
pub(crate) fn list(
    plan: &ListPlan,
    setting: Setting<'_>,
    body: &[u8],
) -> Result<PageRead, &'static str> {
    let page = open(body)?;
    let mut read = PageRead::of(page.rows.len(), page.next);
    for (place, row) in page.rows.iter().enumerate() {
        read.take(plan, setting, place, row.read());
    }
    Ok(read)
}

/// Reads a singleton: the body is the one row.
pub(crate) fn singleton(plan: &ListPlan, body: &[u8]) -> Result<PageRead, &'static str> {
    let row = open_object(body)?;
    let mut read = PageRead::of(1, None);
    read.take(plan, Setting::default(), 0, Ok(row));
    Ok(read)
}

/// Reads an object that is asked for by itself. One that cannot be read as it was sent is refused:
/// what it refers to would be another object, or missing.
pub(crate) fn object(body: &[u8]) -> Result<Value, &'static str> {
    whole(open_object(body)?).map_err(|_| "it has values that cannot be read as they were sent")
}

/// Gives each row of a page to `take`, one at a time, and returns how many there are. Rows that
/// cannot be read as they were sent are refused with their page, for the reason that [`object`] has.
pub(crate) fn each(body: &[u8], take: &mut impl FnMut(Value)) -> Result<usize, &'static str> {
    let page = open(body)?;
    for row in &page.rows {
        let row = row.read().and_then(whole);
        take(row.map_err(|_| "a row cannot be read as it was sent")?);
    }
    Ok(page.rows.len())
}

fn whole(row: Row) -> Result<Value, RowDefect> {
    row.defect.map_or(Ok(row.value), Err)
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

/// What distinguishes a row from the others of its list: its id, or all of it when it has none.
pub(crate) fn mark<'a>(row: &'a RawRow<'_>) -> Cow<'a, str> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }

    serde_json::from_str::<Id<'_>>(row.text()).map_or(Cow::Borrowed(row.text()), |row| row.id)
}

/// Whether an object has a link to the rest of what was expanded on it.
pub(crate) fn leads_on(object: &Value, link: &str) -> bool {
    object
        .get(link)
        .is_some_and(|link| !link.is_null() && link.as_str() != Some(""))
}

#[cfg(test)]
mod tests;
