//! Reading what a list does not tell of its rows.
//!
//! For each page, what its rows lack is read in batches and put into their observations before the
//! page is given out. What belongs to all rows of a list, such as how apps replace each other, is
//! read once. A read that fails leaves its set untold: what was known of it before still stands,
//! and the policy type's result says that something is missing.

mod ask;
mod knowledge;
mod reply;

use std::collections::BTreeMap;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::inventory::content::{
    assignments_hash, assignments_of, former_assignments_of, has_former_form,
};
use atlas_domain::inventory::link::{LinkSet, LinkSource};
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::PolicyTypeKey;
use serde_json::Value;

use crate::client::TenantGraph;
use crate::collections::Collection;
use crate::error::{GraphError, GraphErrorKind};
use crate::plan::ListPlan;
use crate::request::batch::SubRequest;
use crate::row::links::{self, Gathered};
use crate::row::redact::withhold;
pub(crate) use ask::{Ask, asks};
use knowledge::Knowledge;

/// Reads that are sent and held at once.
const AT_ONCE: usize = 160;

/// After so many failures of one kind of read, one after the other, it is not tried again in this
/// list: it will not work for the others.
const MOST_FAILURES: u32 = 20;

/// A row that a wanted policy type claims.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) observation: Observation,
    /// Its id as Graph writes it, for addresses.
    pub(crate) id: String,
    pub(crate) collection: &'static Collection,
    /// What has to be read for it besides.
    pub(crate) asks: Vec<Ask>,
    /// Whether it tells links that are not kept.
    pub(crate) cut: bool,
}

/// What is lacking of the objects of one policy type, when a list was read to its end all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// Objects some of whose assignments or links were not told.
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
    incomplete: BTreeMap<PolicyTypeKey, Incomplete>,
}

/// What of a page's reads found no object, by the row's place, and how many found one, by kind.
#[derive(Default)]
struct Absences {
    absent: Vec<(usize, Ask, GraphError)>,
    answered: BTreeMap<&'static str, u32>,
}

/// A row while it is completed.
struct Row {
    sighting: Sighting,
    assignments: Option<Vec<Value>>,
    related: Gathered,
    error: Option<GraphError>,
    related_failed: bool,
}

impl Enricher {
    pub(crate) fn new(graph: TenantGraph, plan: ListPlan) -> Self {
        Self {
            graph,
            plan,
            knowledge: Knowledge::default(),
            exhausted: None,
            failures: BTreeMap::new(),
            incomplete: BTreeMap::new(),
        }
    }

    pub(crate) const fn incomplete(&self) -> &BTreeMap<PolicyTypeKey, Incomplete> {
        &self.incomplete
    }

    /// Reads what the rows of a page lack.
    ///
    /// # Errors
    /// Only what stops every request of the tenant.
    pub(crate) async fn complete(
        &mut self,
        sightings: Vec<Sighting>,
    ) -> Result<Vec<Observation>, GraphError> {
        if !self.plan.dependencies() || sightings.is_empty() {
            return Ok(sightings.into_iter().map(|one| one.observation).collect());
        }
        self.knowledge.learn(&self.graph, &self.plan).await?;
        let mut rows: Vec<Row> = sightings.into_iter().map(Row::new).collect();
        let mut reads = Vec::new();
        for (at, row) in rows.iter_mut().enumerate() {
            self.knowledge.tell(row);
            let asks = std::mem::take(&mut row.sighting.asks);
            reads.extend(
                asks.into_iter()
                    .filter(|ask| self.knowledge.leaves_open(ask))
                    .map(|ask| (at, ask)),
            );
        }
        let mut absences = Absences::default();
        for reads in reads.chunks(AT_ONCE) {
            self.read(reads, &mut rows, &mut absences).await?;
        }
        self.judge(absences, &mut rows);
        Ok(rows.into_iter().map(|row| self.finish(row)).collect())
    }

    async fn read(
        &mut self,
        reads: &[(usize, Ask)],
        rows: &mut [Row],
        absences: &mut Absences,
    ) -> Result<(), GraphError> {
        let (mut sent, mut requests) = (Vec::new(), Vec::new());
        for (at, ask) in reads {
            let row = &mut rows[*at];
            if let Some(error) = self.hopeless(ask) {
                row.fail(ask, error);
                continue;
            }
            let id = &row.sighting.id;
            match ask.url(row.sighting.collection, id) {
                Some(url) => {
                    sent.push((*at, ask));
                    requests.push(SubRequest::object(url));
                }
                None => row.fail(ask, odd_id()),
            }
        }
        if requests.is_empty() {
            return Ok(());
        }
        let version = self.plan.collection().version();
        let answers = self.graph.batch(version, requests).await?;
        for ((at, ask), answer) in sent.into_iter().zip(answers) {
            let row = &mut rows[at];
            let taken = match answer {
                Ok(body) => {
                    reply::take(&self.graph, version, &self.knowledge, ask, body, row).await
                }
                Err(error) => Err(error),
            };
            match taken {
                Ok(()) => {
                    self.failures.remove(ask.word());
                    *absences.answered.entry(ask.word()).or_default() += 1;
                }
                Err(error) if error.kind == GraphErrorKind::ObjectNotFound => {
                    absences.absent.push((at, ask.clone(), error));
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    self.note(ask, &error);
                    row.fail(ask, error);
                }
            }
        }
        Ok(())
    }

    /// An object that was deleted since it was listed is left as the list told it; the next sync
    /// sees that it is gone. Where more of a page's reads of one kind find nothing than something,
    /// it is the read that is not there.
    fn judge(&mut self, absences: Absences, rows: &mut [Row]) {
        let Absences { absent, answered } = absences;
        let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
        for (_, ask, _) in &absent {
            *counts.entry(ask.word()).or_default() += 1;
        }
        for (at, ask, error) in absent {
            let word = ask.word();
            let found = answered.get(word).copied().unwrap_or_default();
            if counts[word] > found.max(1) {
                self.note(&ask, &error);
                rows[at].fail(&ask, error);
            } else {
                rows[at].leave_untold(&ask);
            }
        }
    }

    /// Why the read is not worth sending.
    fn hopeless(&self, ask: &Ask) -> Option<GraphError> {
        let failed = self.failures.get(ask.word());
        self.exhausted.clone().or_else(|| {
            let (_, error) = failed.filter(|(count, _)| *count >= MOST_FAILURES)?;
            error.clone()
        })
    }

    fn note(&mut self, ask: &Ask, error: &GraphError) {
        if matches!(
            error.kind,
            GraphErrorKind::Throttled { .. } | GraphErrorKind::Unreachable { .. }
        ) {
            self.exhausted = Some(error.clone());
        }
        let (count, last) = self.failures.entry(ask.word()).or_default();
        if *count == 0 {
            tracing::warn!(
                path = self.plan.path(),
                read = ask.word(),
                error = %Causes(&error),
                "what belongs to an object could not be read"
            );
        }
        *count += 1;
        *last = Some(error.clone());
    }

    fn finish(&mut self, row: Row) -> Observation {
        let Row {
            sighting,
            assignments,
            related,
            error,
            related_failed,
        } = row;
        let mut observation = sighting.observation;
        let key = observation.policy_type;
        let mut cut = sighting.cut;
        if let Some(mut assignments) = assignments {
            let former: Vec<Option<Value>> = assignments.iter_mut().map(withhold).collect();
            let former = former.iter().any(Option::is_some).then(|| {
                let all = former.into_iter().zip(&assignments);
                all.map(|(former, now)| former.unwrap_or_else(|| now.clone()))
                    .collect::<Vec<Value>>()
            });
            let told = Told {
                assignments: &assignments,
                former: former.as_deref(),
            };
            cut |= set_assignments(&mut observation, &told, true);
        }
        if !sighting.collection.related.is_empty() && !related_failed {
            cut |= related.cut;
            let set = LinkSet::new(LinkSource::Related, related.links);
            observation.links.push(set);
        }
        let failure = error
            .map(|error| not_read(&error, key))
            .or_else(|| cut.then(too_much));
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

/// All assignments of an object, without secrets.
pub(crate) struct Told<'a> {
    pub(crate) assignments: &'a [Value],
    /// What versions before would have kept of them, where that may be something else.
    pub(crate) former: Option<&'a [Value]>,
}

/// Puts the assignments into an observation. Gives whether links of theirs are not kept.
pub(crate) fn set_assignments(
    observation: &mut Observation,
    told: &Told<'_>,
    dependencies: bool,
) -> bool {
    let assignments = assignments_of(told.assignments);
    let hash = assignments_hash(&assignments);
    observation.assignment_count = Some(i32::try_from(assignments.len()).unwrap_or(i32::MAX));
    observation.assignments_hash = Some(hash);
    if told.former.is_some() || told.assignments.iter().any(has_former_form) {
        let former = former_assignments_of(told.former.unwrap_or(told.assignments));
        observation.former_assignments_hash =
            Some(assignments_hash(&former)).filter(|former| *former != hash);
    }
    let mut cut = false;
    if dependencies {
        let found = links::assignments::of(observation.policy_type, &assignments);
        cut = found.cut;
        let set = LinkSet::new(LinkSource::Assignments, found.links);
        observation.links.push(set);
    }
    observation.assignments = Some(JsonText::of(&assignments));
    cut
}

impl Row {
    fn new(sighting: Sighting) -> Self {
        Self {
            sighting,
            assignments: None,
            related: Gathered::default(),
            error: None,
            related_failed: false,
        }
    }

    /// Leaves untold what the read would have told.
    fn leave_untold(&mut self, ask: &Ask) {
        self.related_failed |= ask.is_related(self.sighting.collection);
    }

    /// Leaves untold what the read would have told, which is a failure.
    fn fail(&mut self, ask: &Ask, error: GraphError) {
        self.leave_untold(ask);
        self.error.get_or_insert(error);
    }
}

fn odd_id() -> GraphError {
    GraphErrorKind::invalid("an object's id cannot stand in a path").into()
}

fn not_read(error: &GraphError, key: PolicyTypeKey) -> Failure {
    let mut failure = error.failure(&[key]);
    failure.detail = format!(
        "Assignments or links of some objects could not be read; what was known of them stands. {}",
        failure.detail
    );
    failure
}

fn too_much() -> Failure {
    Failure::permanent(
        FailureCode::GRAPH_INVALID_RESPONSE,
        "Some objects tell more links than are kept, or links to ids that cannot be ids.",
    )
}
