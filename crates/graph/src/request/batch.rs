//! Many small reads in one request.
//!
//! `POST /{version}/$batch` carries up to twenty reads. Graph charges, throttles and refuses each
//! of them by itself and answers them in any order; the envelope is a success nevertheless
//! (Microsoft Graph documentation, "Combine multiple HTTP requests using JSON batching").

mod envelope;
mod outcome;
mod read;

use std::time::Duration;

use futures::{StreamExt as _, stream};

use crate::client::TenantGraph;
use crate::error::{GraphError, GraphErrorKind};
use crate::request::backoff::Patience;
use crate::request::body::Body;
use crate::request::call::{AddressKind, Call};
use crate::request::link::VersionRoot;
use crate::request::pacer::Charge;
use crate::request::sent::Sent;
use envelope::SubReply;
use outcome::{ReadOutcome, Throttle};
use read::Waiting;

pub(crate) use envelope::LARGEST;
pub use read::SubRequest;

/// A read that may succeed in another envelope.
struct Failed<'a> {
    read: Waiting<'a>,
    error: GraphError,
    after: Option<Duration>,
    throttle: Option<Throttle>,
}

type Answers = Vec<(usize, Result<Body, GraphError>)>;

impl TenantGraph {
    /// Sends reads in envelopes, several at once, and gives their bodies in the order of the
    /// requests. Reads that failed for a reason that may pass are sent again, in an envelope of
    /// their own after the longest wait that any of them was asked for. A body that is a page of a
    /// list may have more pages: [`TenantGraph::pages`].
    ///
    /// # Errors
    /// Only what stops every request of the tenant ([`GraphError::is_fatal`]). The error of one
    /// read is that read's result.
    pub async fn batch(
        &self,
        version: &str,
        requests: Vec<SubRequest>,
    ) -> Result<Vec<Result<Body, GraphError>>, GraphError> {
        let root = VersionRoot::new(&self.graph, version);
        let waiting: Vec<Waiting<'_>> = requests
            .iter()
            .enumerate()
            .map(|(place, request)| Waiting {
                place,
                request,
                charge: Charge::of_sub_request(&request.url),
                attempts: 0,
                limited: 0,
                renewed: false,
            })
            .collect();
        let mut answers: Answers = Vec::with_capacity(requests.len());
        // Made before the stream: a closure that the stream calls would not be known to be `Send` for
        // every lifetime, and callers could not be spawned.
        let settling: Vec<_> = self
            .chunks(waiting)
            .into_iter()
            .map(|chunk| self.settle(&root, chunk))
            .collect();
        let mut chunks = stream::iter(settling).buffer_unordered(self.http.options().concurrency);
        while let Some(settled) = chunks.next().await {
            answers.extend(settled?);
        }
        answers.sort_unstable_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// Cuts the reads into envelopes, none of which asks more of a service than it allows at once.
    fn chunks<'a>(&self, waiting: Vec<Waiting<'a>>) -> Vec<Vec<Waiting<'a>>> {
        let mut chunks: Vec<Vec<Waiting<'a>>> = Vec::new();
        for one in waiting {
            let room = chunks.last_mut().filter(|chunk| {
                let used: u32 = chunk
                    .iter()
                    .map(|other| other.charge)
                    .filter(|other| other.bucket == one.charge.bucket)
                    .map(|other| other.units)
                    .sum();
                chunk.len() < LARGEST
                    && used + one.charge.units <= self.pacer.capacity(one.charge.bucket)
            });
            match room {
                Some(chunk) => chunk.push(one),
                None => chunks.push(vec![one]),
            }
        }
        chunks
    }

    /// Sends the reads of one envelope until each has its answer.
    async fn settle(
        &self,
        root: &VersionRoot,
        waiting: Vec<Waiting<'_>>,
    ) -> Result<Answers, GraphError> {
        let mut answers = Vec::with_capacity(waiting.len());
        let mut patience = self.http.patience();
        let mut envelopes = vec![waiting];
        while let Some(mut waiting) = envelopes.pop() {
            let token = self.access_token().await?;
            let (sent, replies) = match self.exchange_envelope(root, &waiting, &mut patience).await
            {
                Ok(replies) => replies,
                Err(error) if error.is_fatal() => return Err(error),
                // Too much together; each by itself may not be.
                Err(error) if error.kind == GraphErrorKind::TooLarge && waiting.len() > 1 => {
                    let rest = waiting.split_off(waiting.len() / 2);
                    envelopes.extend([rest, waiting]);
                    continue;
                }
                Err(error) => {
                    answers.extend(waiting.iter().map(|one| (one.place, Err(error.clone()))));
                    continue;
                }
            };
            let (mut failed, mut refused) = (Vec::new(), None);
            let before = answers.len();
            for (mut read, reply) in waiting.into_iter().zip(replies) {
                read.attempts += 1;
                self.http.traffic().sent(read.charge.bucket.word());
                let outcome = self.outcome(&read, reply, &sent);
                if let ReadOutcome::Failed { tries, .. } = outcome {
                    read.limited += u32::from(tries < u32::MAX);
                }
                if outcome.shows_an_accepted_token() {
                    self.accept(&token);
                }
                match outcome {
                    ReadOutcome::Settled(answer) => answers.push((read.place, answer)),
                    ReadOutcome::Failed { error, tries, .. } if read.limited >= tries => {
                        answers.push((read.place, Err(error)));
                    }
                    ReadOutcome::Failed {
                        error,
                        after,
                        throttle,
                        ..
                    } => failed.push(Failed {
                        read,
                        error,
                        after,
                        throttle,
                    }),
                    ReadOutcome::Unauthenticated { claims, answer } => {
                        let code = answer.error_code.as_deref();
                        let renewable = !read.renewed
                            && self.is_worth_renewing(&token, code, claims.as_deref());
                        let error = GraphError::answered(GraphErrorKind::EndpointRefused, answer);
                        if renewable {
                            refused = refused.or(Some(claims));
                            read.renewed = true;
                            failed.push(Failed {
                                read,
                                error,
                                after: Some(Duration::ZERO),
                                throttle: None,
                            });
                        } else {
                            answers.push((read.place, Err(error)));
                        }
                    }
                }
            }
            if answers.len() > before {
                patience.progressed();
            }
            if let Some(claims) = refused {
                self.discard(&token, claims).await;
            }
            let again = self.wait_for_all(&mut patience, failed, &mut answers).await;
            if !again.is_empty() {
                envelopes.push(again);
            }
        }
        Ok(answers)
    }

    /// Waits for the longest wait that a failed read was asked for. Returns the reads that may be sent
    /// again; when the longest wait is used up, the errors of the others become their answers.
    async fn wait_for_all<'a>(
        &self,
        patience: &mut Patience,
        failed: Vec<Failed<'a>>,
        answers: &mut Answers,
    ) -> Vec<Waiting<'a>> {
        if failed.is_empty() {
            return Vec::new();
        }
        let asked = failed.iter().filter_map(|one| one.after).max();
        let wait = self.http.wait(patience, asked);
        let mut throttled = false;
        for one in &failed {
            if let Some(throttle) = one.throttle {
                self.pause(&[one.read.charge], throttle.application, wait);
                throttled = true;
            }
        }
        // The envelope waits for the pause by itself.
        let charges: Vec<Charge> = failed.iter().map(|one| one.read.charge).collect();
        let silent = self.silence.exceeds(&charges, self.http.options().max_wait);
        if silent || !(throttled || patience.spend(wait)) {
            let waits = patience.waits();
            answers.extend(failed.into_iter().map(|one| {
                let mut error = one.error;
                match &mut error.kind {
                    GraphErrorKind::Throttled {
                        retry_after,
                        waits: used,
                    } => (*retry_after, *used) = (wait, waits),
                    GraphErrorKind::Unavailable { waits: used, .. } => *used = waits,
                    _ => {}
                }
                (one.read.place, Err(error))
            }));
            return Vec::new();
        }
        tracing::debug!(reads = failed.len(), ?wait, "sending failed reads again");
        if !throttled {
            tokio::time::sleep(wait).await;
        }
        failed.into_iter().map(|one| one.read).collect()
    }

    /// The replies in the order of the reads; `None` where the envelope has none.
    async fn exchange_envelope(
        &self,
        root: &VersionRoot,
        waiting: &[Waiting<'_>],
        patience: &mut Patience,
    ) -> Result<(Sent, Vec<Option<SubReply>>), GraphError> {
        let body = envelope::write(waiting.iter().map(|one| one.request.url.as_str()));
        let url = root.address("/$batch", "");
        let charges = together(waiting);
        let call = Call {
            body: Some(&body),
            ..Call::get(&url, AddressKind::First, &charges)
        };
        let answered = self
            .call(&call, patience, |body| envelope::read(&body, waiting.len()))
            .await?;
        // Only an object can be absent.
        let (answer, replies) = answered.map_or_else(
            || (None, Vec::new()),
            |answered| (answered.answer.client_request_id, answered.value),
        );
        let sent = Sent::to(url.path(), answer.unwrap_or_default());
        Ok((sent, replies))
    }
}

/// What the reads use up together, by bucket.
fn together(waiting: &[Waiting<'_>]) -> Vec<Charge> {
    let mut charges: Vec<Charge> = Vec::new();
    for Charge { bucket, units } in waiting.iter().map(|one| one.charge) {
        match charges.iter_mut().find(|known| known.bucket == bucket) {
            Some(known) => known.units += units,
            None => charges.push(Charge { bucket, units }),
        }
    }
    charges
}
