//! One read, measured at one connection of an API that has one connection to the database.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::cases::{Case, HUNDREDTH, ROWS_OF_A_PAGE};
use super::places::Places;
use super::{Installation, Options};
use crate::http::{Connection, Response};
use crate::times::Times;

/// The call on which each statement has been run often enough that PostgreSQL may have taken a
/// generic plan for it.
const SETTLED: usize = 10;
/// How often all calls are made, by an API of their own each time. The median is what counts: a
/// machine that is shared stops now and then, and that is no property of a read.
pub(super) const ROUNDS: usize = 3;
/// A read that takes so long that its calls do not end in this time is measured once, with fewer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The way to the hundredth page is taken in fewer, longer pages.
const ROWS_OF_A_STRIDE: usize = 198;

/// What was measured. Times are medians of the rounds.
#[derive(Debug)]
pub(super) struct Measurement {
    pub(super) case: &'static Case,
    pub(super) name: String,
    /// The path of the list's first page, or of the detail.
    pub(super) first_page: String,
    /// Entries of the page, or one.
    pub(super) rows: usize,
    pub(super) bytes: usize,
    /// The first call of the connection to the database.
    pub(super) first: Duration,
    /// The tenth, when there was time for it.
    pub(super) tenth: Option<Duration>,
    /// Of all further calls; of all calls when there was no time for further ones.
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// How many calls there were, when there was no time for all of them.
    cut_short: Option<usize>,
    /// The status of the last answer that was not 200.
    refused: Option<u16>,
    /// The page that was reached on the way to the hundredth, when that was not it.
    short_of: Option<usize>,
}

/// All calls of one API.
#[derive(Debug)]
struct Round {
    took: Vec<Duration>,
    cut_short: bool,
    refused: Option<u16>,
    rows: usize,
    bytes: usize,
}

/// A read whose rounds are taken one at a time, between those of other reads: what disturbs a shared
/// machine often lasts for seconds, and would spoil rounds that follow each other.
#[derive(Debug)]
pub(super) struct Pending {
    case: &'static Case,
    name: String,
    first_page: String,
    path: String,
    /// The page that was reached on the way to the hundredth, when that was not it.
    short_of: Option<usize>,
    rounds: Vec<Round>,
}

impl Pending {
    /// Finds the page. `None` for a hundredth page of a list that has no second one.
    pub(super) fn find(
        installation: &Installation<'_>,
        places: &Places,
        case: &'static Case,
        page: usize,
        name: String,
    ) -> anyhow::Result<Option<Self>> {
        let first_page = places.fill(case.path);
        let (path, reached) = if page == HUNDREDTH {
            let Some(found) = walk(installation, &first_page)? else {
                return Ok(None);
            };
            found
        } else {
            (first_page.clone(), page)
        };
        Ok(Some(Self {
            case,
            name,
            first_page,
            path,
            short_of: (reached != page).then_some(reached),
            rounds: Vec::new(),
        }))
    }

    /// The read with its page.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Starts an API for it and calls, unless its calls did not end in their time before.
    pub(super) fn measure(
        &mut self,
        installation: &Installation<'_>,
        options: &Options,
    ) -> anyhow::Result<()> {
        if !self.rounds.first().is_some_and(|round| round.cut_short) {
            let round = Round::take(installation, &self.path, options)?;
            self.rounds.push(round);
        }
        Ok(())
    }

    /// The medians of its rounds.
    pub(super) fn finish(self) -> anyhow::Result<Measurement> {
        let rounds = self.rounds;
        let first = rounds.first().context("no round")?;
        Ok(Measurement {
            case: self.case,
            name: self.name,
            first_page: self.first_page,
            rows: first.rows,
            bytes: first.bytes,
            first: median(&rounds, |round| Ok(round.took[0]))?,
            tenth: (first.took.len() >= SETTLED)
                .then(|| median(&rounds, |round| Ok(round.took[SETTLED - 1])))
                .transpose()?,
            p50: median(&rounds, |round| round.settled()?.p50())?,
            p99: median(&rounds, |round| round.settled()?.p99())?,
            cut_short: first.cut_short.then_some(first.took.len()),
            refused: rounds.iter().find_map(|round| round.refused),
            short_of: self.short_of,
        })
    }
}

impl Measurement {
    /// The 99th percentile to the limit.
    pub(super) fn ratio(&self) -> f64 {
        self.p99.as_secs_f64() / self.case.budget.limit().as_secs_f64()
    }

    /// The longest of what the limit holds for.
    pub(super) fn worst(&self) -> Duration {
        self.p99.max(self.first).max(self.tenth.unwrap_or_default())
    }

    /// Whether it took longer than it may, or was not answered.
    pub(super) fn exceeds(&self) -> bool {
        self.worst() > self.case.budget.limit() || self.refused.is_some()
    }

    /// What limits what the figures say, and what was refused; empty for most.
    pub(super) fn remarks(&self) -> String {
        let mut remarks = String::new();
        if let Some(page) = self.short_of {
            remarks.push_str(&format!(" (page {page} is the last that was reached)"));
        }
        if let Some(calls) = self.cut_short {
            remarks.push_str(&format!(" ({calls} calls in the time)"));
        }
        if let Some(status) = self.refused {
            remarks.push_str(&format!(" (answered {status})"));
        }
        remarks
    }
}

impl Round {
    /// Starts an API and calls.
    fn take(
        installation: &Installation<'_>,
        path: &str,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let api = installation.fresh_api()?;
        let mut connection = Connection::open(api.address())?;
        let wanted = SETTLED + usize::try_from(options.calls)?;
        let began = Instant::now();
        let (mut took, mut refused, mut last) = (Vec::new(), None, None);
        while took.len() < wanted && (took.is_empty() || began.elapsed() < PATIENCE) {
            installation.interrupt.check()?;
            let called = Instant::now();
            let answer = connection.send("GET", path, Some(&installation.token), "")?;
            took.push(called.elapsed());
            if answer.status != 200 {
                refused = Some(answer.status);
            }
            last = Some(answer);
        }
        let answer = last.context("no call")?;
        Ok(Self {
            cut_short: took.len() < wanted,
            took,
            refused,
            rows: rows(&answer),
            bytes: answer.body.len(),
        })
    }

    /// Of the calls after the tenth; of all calls when there are no others.
    fn settled(&self) -> anyhow::Result<Times> {
        let further = self.took.get(SETTLED..).filter(|calls| !calls.is_empty());
        Times::of(further.unwrap_or(&self.took))
    }
}

fn median(
    rounds: &[Round],
    time: impl Fn(&Round) -> anyhow::Result<Duration>,
) -> anyhow::Result<Duration> {
    let mut times = rounds
        .iter()
        .map(time)
        .collect::<anyhow::Result<Vec<_>>>()?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// The path of the hundredth page, or of the last page before it that there is, or that was reached in
/// time; with its number.
fn walk(
    installation: &Installation<'_>,
    first_page: &str,
) -> anyhow::Result<Option<(String, usize)>> {
    let api = installation.fresh_api()?;
    let mut connection = Connection::open(api.address())?;
    let separator = if first_page.contains('?') { '&' } else { '?' };
    let strides = (HUNDREDTH - 1) * ROWS_OF_A_PAGE / ROWS_OF_A_STRIDE;
    let (mut cursor, mut passed) = (None::<String>, 0);
    let began = Instant::now();
    while passed < strides && began.elapsed() < PATIENCE {
        installation.interrupt.check()?;
        let after = cursor.as_ref().map(|cursor| format!("&cursor={cursor}"));
        let path = format!(
            "{first_page}{separator}limit={ROWS_OF_A_STRIDE}{}",
            after.unwrap_or_default()
        );
        let page = connection.send("GET", &path, Some(&installation.token), "")?;
        if page.status != 200 {
            break;
        }
        let Some(next) = page.json()?["next_cursor"].as_str().map(str::to_owned) else {
            break;
        };
        (cursor, passed) = (Some(next), passed + 1);
    }
    let number = passed * ROWS_OF_A_STRIDE / ROWS_OF_A_PAGE + 1;
    Ok(cursor.map(|cursor| (format!("{first_page}{separator}cursor={cursor}"), number)))
}

fn rows(answer: &Response) -> usize {
    let parsed = serde_json::from_slice::<Value>(&answer.body).ok();
    let items = parsed.as_ref().and_then(|body| body["items"].as_array());
    items.map_or(1, Vec::len)
}
