//! Requests that arrive while a statement is under way share the next one. A request that is alone
//! waits for no other.

use std::fmt;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};

/// Answers requests in batches, one batch at a time.
pub struct Coalescer<Q, A> {
    requests: mpsc::Sender<(Q, oneshot::Sender<A>)>,
}

impl<Q, A> Coalescer<Q, A>
where
    Q: Send + 'static,
    A: Send + 'static,
{
    /// Passes up to `most` requests at once to `answer`, which returns as many answers in the same
    /// order. The task that calls it ends when the coalescer is dropped.
    #[must_use]
    pub fn new<F>(most: usize, mut answer: impl FnMut(Vec<Q>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Vec<A>> + Send,
    {
        let (requests, mut received) = mpsc::channel::<(Q, oneshot::Sender<A>)>(most);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(most);
            while received.recv_many(&mut batch, most).await > 0 {
                // Callers whose requests shared a batch often make their next ones together: let
                // all of them do so before the first of these is answered alone.
                tokio::task::yield_now().await;
                while batch.len() < most
                    && let Ok(request) = received.try_recv()
                {
                    batch.push(request);
                }
                let (requests, callers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                // After a panic, which the panic hook logs, the callers of this batch alone go without.
                let answers = AssertUnwindSafe(async { answer(requests).await });
                let answers = answers.catch_unwind().await.unwrap_or_default();
                for (caller, answer) in callers.into_iter().zip(answers) {
                    // A caller that was dropped needs no answer.
                    let _ = caller.send(answer);
                }
            }
        });
        Self { requests }
    }

    /// The answer to one request. `None` when `answer` panicked.
    pub async fn ask(&self, request: Q) -> Option<A> {
        let (caller, answer) = oneshot::channel();
        self.requests.send((request, caller)).await.ok()?;
        answer.await.ok()
    }
}

impl<Q, A> fmt::Debug for Coalescer<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalescer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn requests_during_a_batch_share_the_next_one_and_each_gets_its_own_answer() {
        let gate = Arc::new(Semaphore::new(0));
        let calls = Arc::new(AtomicUsize::new(0));
        let coalescer = {
            let (gate, calls) = (gate.clone(), calls.clone());
            Arc::new(Coalescer::new(8, move |requests: Vec<usize>| {
                let (gate, calls) = (gate.clone(), calls.clone());
                async move {
                    calls.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.unwrap().forget();
                    requests.into_iter().map(|n| n * 10).collect()
                }
            }))
        };
        let ask = |n: usize| {
            let coalescer = coalescer.clone();
            tokio::spawn(async move { (n, coalescer.ask(n).await) })
        };
        let first = ask(0);
        while calls.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (1..=8).map(ask).collect();
        tokio::task::yield_now().await;
        gate.add_permits(2);
        assert_eq!(first.await.unwrap(), (0, Some(0)));
        for other in others {
            let (n, answer) = other.await.unwrap();
            assert_eq!(answer, Some(n * 10));
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_panic_while_answering_leaves_its_callers_alone_without_an_answer() {
        let coalescer = Coalescer::new(1, |requests: Vec<bool>| async move {
            assert!(requests[0], "a defect");
            requests
        });
        assert_eq!(coalescer.ask(false).await, None);
        assert_eq!(coalescer.ask(true).await, Some(true));
    }
}
