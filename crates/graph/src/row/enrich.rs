//! Reading what a list does not carry of its rows.
//!
//! For each page, what its rows lack is read in batches and put into their observations before the
//! page is given out: assignments, links and values. What belongs to all rows of a list, such as how
//! apps replace each other, is read once. A read that fails leaves its set unknown: what was known of it before still stands,
//! and the policy type's result says that something is missing.

mod knowledge;
mod partial_row;
mod presentations;
mod reply;

use std::collections::BTreeMap;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::inventory::Observation;
use atlas_domain::inventory::link::{LinkSet, LinkSource};
use atlas_domain::policy_types::PolicyTypeKey;
use futures::future::join;
use serde_json::Value;

use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind};
use crate::known_values::ValuesRead;
use crate::plan::ListPlan;
use crate::request::batch::{LARGEST, SubRequest};
use crate::request::parse;
use crate::request::room::{AnswerKind, NoRoom, Room};
use crate::row::assignments::{RowAssignments, set_assignments};
use crate::row::further_read::FurtherRead;
use crate::row::observe::ObservedRow;
use crate::row::redact::redact_secrets;
use crate::row::values::RowValues;
use knowledge::{AT_ONCE, Knowledge};
use partial_row::PartialRow;

/// After so many failures of one kind of read, one after the other, it is not tried again in this
/// list: it will not work for the others.
const MOST_FAILURES: u32 = 20;

/// What is lacking of the objects of one policy type, when a list was read to its end all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// Objects some of whose assignments, links or values could not be read.
    pub objects: u64,
    /// Why, for the first of them.
    pub error: Failure,
}

/// Completes the pages of one list.
#[derive(Debug)]
pub(crate) struct Enricher {
    graph: TenantGraph,
    plan: ListPlan,
    knowledge: Knowledge,
    /// Graph is not ready for more reads of this kind.
    exhausted: Option<GraphError>,
    failures: BTreeMap<&'static str, (u32, Option<GraphError>)>,
    /// Whether Graph expands no presentation values within the values of templates.
    presented_apart: bool,
    incomplete: BTreeMap<PolicyTypeKey, Incomplete>,
    values_read: BTreeMap<PolicyTypeKey, ValuesRead>,
    /// Of what was read beside the page at hand, and is not in its observations yet.
    kept: Room,
    kept_bytes: usize,
}

/// What of a page's reads found no object, by the row's place, and how many found one, by kind.
#[derive(Default)]
struct Absences {
    absent: Vec<(usize, FurtherRead, GraphError)>,
    answered: BTreeMap<&'static str, u32>,
}

impl Enricher {
    pub(crate) fn new(graph: TenantGraph, plan: ListPlan) -> Self {
        Self {
            kept: graph.http.rooms.empty(AnswerKind::Other),
            kept_bytes: 0,
            graph,
            plan,
            knowledge: Knowledge::default(),
            exhausted: None,
            failures: BTreeMap::new(),
            presented_apart: false,
            incomplete: BTreeMap::new(),
            values_read: BTreeMap::new(),
        }
    }

    pub(crate) const fn incomplete(&self) -> &BTreeMap<PolicyTypeKey, Incomplete> {
        &self.incomplete
    }

    pub(crate) const fn values_read(&self) -> &BTreeMap<PolicyTypeKey, ValuesRead> {
        &self.values_read
    }

    /// Awaits a page while what is read once for all rows of the list is read, unless it was before.
    ///
    /// # Errors
    /// Those of the page, and of the other reads only what stops every request of the tenant.
    pub(crate) async fn beside<T>(
        &mut self,
        page: impl Future<Output = Result<T, GraphError>>,
    ) -> Result<T, GraphError> {
        if !self.plan.dependencies() {
            return page.await;
        }
        let learning = self.knowledge.learn(&self.graph, &self.plan);
        // Boxed: they are large.
        let (page, learned) = Box::pin(join(page, learning)).await;
        learned.and(page)
    }

    /// Reads what the rows of a page lack, after [`Self::beside`].
    ///
    /// # Errors
    /// Only what stops every request of the tenant.
    pub(crate) async fn complete(
        &mut self,
        rows: Vec<ObservedRow>,
    ) -> Result<Vec<Observation>, GraphError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows: Vec<PartialRow> = rows.into_iter().map(PartialRow::new).collect();
        let mut reads = Vec::new();
        for (at, row) in rows.iter_mut().enumerate() {
            self.knowledge.put_into(row);
            // Their links were read with the values, and stand as those do.
            let known = matches!(row.observed.values, RowValues::Known);
            row.related_failed |= known && row.observed.collection.links_with_values();
            let further = std::mem::take(&mut row.observed.further_reads);
            reads.extend(
                further
                    .into_iter()
                    .filter(|read| self.knowledge.leaves_open(read))
                    .map(|read| (at, read)),
            );
        }
        self.kept = self.graph.http.rooms.empty(AnswerKind::Other);
        self.kept_bytes = 0;
        let mut absences = Absences::default();
        let mut large = Vec::new();
        for reads in reads.chunks(AT_ONCE) {
            large.extend(self.read(reads, &mut rows, &mut absences, true).await?);
        }
        // Those that were refused as they were asked, and those that were too large: fewer at a time
        // leave each more of the room.
        for reads in large.chunks(LARGEST) {
            self.read(reads, &mut rows, &mut absences, false).await?;
        }
        self.judge(absences, &mut rows);
        Ok(rows.into_iter().map(|row| self.finish(row)).collect())
    }

    /// Sends these reads and puts their answers into the rows. Where they may be sent `again`, those
    /// are returned whose answers were too large beside the others, or that Graph answers in another
    /// form only.
    async fn read(
        &mut self,
        reads: &[(usize, FurtherRead)],
        rows: &mut [PartialRow],
        absences: &mut Absences,
        again: bool,
    ) -> Result<Vec<(usize, FurtherRead)>, GraphError> {
        let mut large = Vec::new();
        let (mut sent, mut requests) = (Vec::new(), Vec::new());
        for (at, read) in reads {
            let row = &mut rows[*at];
            if let Some(error) = self.hopeless(read) {
                row.fail(read, error);
                continue;
            }
            let read = self.form_of(read);
            let id = &row.observed.id;
            match read.url(row.observed.collection, id) {
                Some(url) => {
                    sent.push((*at, read));
                    requests.push(SubRequest::object(url));
                }
                None => row.fail(&read, odd_id()),
            }
        }
        if requests.is_empty() {
            return Ok(large);
        }
        let version = self.plan.collection().version();
        let answers = self.graph.batch(version, requests).await?;
        for ((at, read), answer) in sent.into_iter().zip(answers) {
            let read = &read;
            let row = &mut rows[at];
            let before = row.bytes();
            let taken = match answer {
                Ok(body) => {
                    reply::take(&self.graph, version, &self.knowledge, read, body, row).await
                }
                Err(error) => Err(error),
            };
            let taken = taken.and_then(|()| self.keep(read, row, before));
            match taken {
                Ok(()) => {
                    self.failures.remove(read.word());
                    *absences.answered.entry(read.word()).or_default() += 1;
                }
                Err(error) if error.kind == GraphErrorKind::ObjectNotFound => {
                    absences.absent.push((at, read.clone(), error));
                }
                Err(error) if error.kind == GraphErrorKind::TooLarge && again => {
                    large.push((at, read.clone()));
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) if again && self.is_refused_form(read, &error) => {
                    large.push((at, self.form_of(read)));
                }
                Err(error) => {
                    self.note(read, &error);
                    row.fail(read, error);
                }
            }
        }
        Ok(large)
    }

    /// Takes room for what was just put into a row that had so many bytes `before`.
    fn keep(
        &mut self,
        read: &FurtherRead,
        row: &mut PartialRow,
        before: usize,
    ) -> Result<(), GraphError> {
        let bytes = row.bytes().saturating_sub(before);
        self.kept_bytes += bytes;
        self.kept.grow_to(self.kept_bytes).map_err(|NoRoom| {
            self.kept_bytes -= bytes;
            row.take_back(read);
            GraphErrorKind::TooLarge.into()
        })
    }

    /// The read in the form that Graph is known to answer.
    fn form_of(&self, read: &FurtherRead) -> FurtherRead {
        match read {
            FurtherRead::DefinitionValues { presented } => FurtherRead::DefinitionValues {
                presented: *presented && !self.presented_apart,
            },
            read => read.clone(),
        }
    }

    /// Whether the form of a read was refused, and another one remains. It is not tried again then.
    fn is_refused_form(&mut self, read: &FurtherRead, error: &GraphError) -> bool {
        let form = *read == (FurtherRead::DefinitionValues { presented: true });
        let refused = matches!(error.kind, GraphErrorKind::Rejected { .. });
        self.presented_apart |= form && refused;
        form && refused
    }

    /// An object that was deleted since it was listed is left as the list had it; the next sync
    /// sees that it is gone. Where more of a page's reads of one kind find nothing than something,
    /// it is the read that is not there.
    fn judge(&mut self, absences: Absences, rows: &mut [PartialRow]) {
        let Absences { absent, answered } = absences;
        let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
        for (_, read, _) in &absent {
            *counts.entry(read.word()).or_default() += 1;
        }
        for (at, read, error) in absent {
            let word = read.word();
            let found = answered.get(word).copied().unwrap_or_default();
            if counts[word] > found.max(1) {
                self.note(&read, &error);
                rows[at].fail(&read, error);
            } else {
                rows[at].leave_unknown(&read);
            }
        }
    }

    /// Why the read is not sent: an earlier one was throttled or got no answer, or too many reads of
    /// its kind failed.
    fn hopeless(&self, read: &FurtherRead) -> Option<GraphError> {
        let failed = self.failures.get(read.word());
        self.exhausted.clone().or_else(|| {
            let (_, error) = failed.filter(|(count, _)| *count >= MOST_FAILURES)?;
            error.clone()
        })
    }

    fn note(&mut self, read: &FurtherRead, error: &GraphError) {
        if error.is_outage() {
            self.exhausted = Some(error.clone());
        }
        let (count, last) = self.failures.entry(read.word()).or_default();
        if *count == 0 {
            tracing::warn!(
                path = self.plan.path(),
                read = read.word(),
                error = %Causes(&error),
                "what belongs to an object could not be read"
            );
        }
        *count += 1;
        *last = Some(error.clone());
    }

    fn finish(&mut self, row: PartialRow) -> Observation {
        let PartialRow {
            observed,
            assignments,
            related,
            values,
            error,
            values_error,
            related_failed,
        } = row;
        let dependencies = self.plan.dependencies();
        let mut observation = observed.observation;
        let key = observation.policy_type;
        let mut cut = observed.cut;
        let put = |mut assignments: Vec<Value>| {
            let former: Vec<Option<Value>> = assignments.iter_mut().map(redact_secrets).collect();
            let former = former.iter().any(Option::is_some).then(|| {
                let all = former.into_iter().zip(&assignments);
                all.map(|(former, now)| former.unwrap_or_else(|| now.clone()))
                    .collect::<Vec<Value>>()
            });
            let read = RowAssignments {
                assignments: &assignments,
                former: former.as_deref(),
            };
            set_assignments(&mut observation, &read, true)
        };
        if let Some(text) = assignments.filter(|_| dependencies) {
            cut |= parse::with_elements(&text, put).unwrap_or(true);
        }
        observation.values = match observed.values {
            RowValues::Read(values) => Some(values),
            _ => values,
        };
        if observation.values.is_some() {
            let read = self.values_read.entry(key).or_default();
            read.verified += u64::from(observed.stood);
            read.new += u64::from(!observed.stood);
        }
        let with_related = dependencies && !related_failed;
        // Values that stand keep their links from being read: they stand only with all of these.
        if observed.collection.links_with_values() && (!with_related || related.cut) {
            observation.values_mark = None;
        }
        if with_related && !observed.collection.related.is_empty() {
            cut |= related.cut;
            let set = LinkSet::new(LinkSource::Related, related.links);
            observation.links.push(set);
        }
        let failure = not_read(error, values_error, key).or_else(|| cut.then(too_much));
        if let Some(error) = failure {
            let of_type = self
                .incomplete
                .entry(key)
                .or_insert(Incomplete { objects: 0, error });
            of_type.objects += 1;
        }
        observation
    }
}

fn odd_id() -> GraphError {
    GraphErrorKind::invalid("an object's id cannot stand in a path").into()
}

fn not_read(
    error: Option<GraphError>,
    of_values: Option<GraphError>,
    key: PolicyTypeKey,
) -> Option<Failure> {
    let what = match (&error, &of_values) {
        (Some(_), Some(_)) => "Assignments, links or values",
        (Some(_), None) => "Assignments or links",
        (None, _) => "Values",
    };
    let mut failure = error.or(of_values)?.failure(&[key]);
    failure.detail = format!(
        "{what} of some objects could not be read; what was known of them stands. {}",
        failure.detail
    );
    Some(failure)
}

fn too_much() -> Failure {
    Failure::permanent(
        FailureCode::GRAPH_INVALID_RESPONSE,
        "Some objects have more links than are stored, or links to ids that are not valid.",
    )
}
