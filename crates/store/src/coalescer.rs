//! Requests that arrive while statements are under way share the next one. A request that is alone
//! waits for no other.

use std::collections::VecDeque;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

/// Answers requests in batches.
pub struct Coalescer<Q, A>(Arc<Shared<Q, A>>);

struct Shared<Q, A> {
    most: usize,
    at_once: usize,
    answer: Box<dyn Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync>,
    queue: Mutex<Queue<Q, A>>,
}

struct Queue<Q, A> {
    /// One for each caller that waits, so that no bound is needed.
    requests: VecDeque<Asked<Q, A>>,
    /// Tasks that answer.
    tasks: usize,
}

type Asked<Q, A> = (Q, oneshot::Sender<A>);

impl<Q, A> Coalescer<Q, A>
where
    Q: Send + 'static,
    A: Send + 'static,
{
    /// Passes up to `most` requests at once to `answer`, which returns as many answers in the same
    /// order. Up to `at_once` batches are answered side by side.
    #[must_use]
    pub fn new<F>(
        most: usize,
        at_once: usize,
        answer: impl Fn(Vec<Q>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let queue = Queue {
            requests: VecDeque::new(),
            tasks: 0,
        };
        Self(Arc::new(Shared {
            most,
            at_once: at_once.max(1),
            answer: Box::new(move |requests| answer(requests).boxed()),
            queue: Mutex::new(queue),
        }))
    }

    /// The answer to one request. `None` when `answer` panicked. Must be called within a Tokio runtime.
    /// A request whose caller was dropped before its turn is not passed on.
    pub async fn ask(&self, request: Q) -> Option<A> {
        let (caller, answer) = oneshot::channel();
        if self.0.begins((request, caller)) {
            // A task of its own: the caller may be dropped, and others wait for the same answers.
            let task = Task {
                shared: self.0.clone(),
                ended: false,
            };
            tokio::spawn(task.answer_all());
        }
        answer.await.ok()
    }
}

impl<Q, A> Shared<Q, A> {
    /// Takes a request, and says whether another task is to answer.
    fn begins(&self, asked: Asked<Q, A>) -> bool {
        let mut queue = self.queue();
        queue.requests.push_back(asked);
        let begins = queue.tasks < self.at_once;
        queue.tasks += usize::from(begins);
        begins
    }

    /// The next requests whose callers wait. None of them: this task ends, and is not counted any more.
    fn next_batch(&self) -> Option<(Vec<Q>, Vec<oneshot::Sender<A>>)> {
        let mut queue = self.queue();
        let (mut requests, mut callers) = (Vec::new(), Vec::new());
        while requests.len() < self.most
            && let Some((request, caller)) = queue.requests.pop_front()
        {
            if !caller.is_closed() {
                requests.push(request);
                callers.push(caller);
            }
        }
        if requests.is_empty() {
            queue.tasks -= 1;
            return None;
        }
        Some((requests, callers))
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Q, A>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers batch after batch until nobody waits.
struct Task<Q, A> {
    shared: Arc<Shared<Q, A>>,
    ended: bool,
}

impl<Q, A> Task<Q, A> {
    async fn answer_all(mut self) {
        loop {
            // Callers whose requests shared a batch often make their next ones together: let all of
            // them do so before the first of these is answered alone.
            tokio::task::yield_now().await;
            let Some((requests, callers)) = self.shared.next_batch() else {
                self.ended = true;
                return;
            };
            // After a panic, which the panic hook logs, the callers of this batch alone go without.
            let answers = AssertUnwindSafe(async { (self.shared.answer)(requests).await });
            let answers = answers.catch_unwind().await.unwrap_or_default();
            for (caller, answer) in callers.into_iter().zip(answers) {
                // A caller that was dropped needs no answer.
                let _ = caller.send(answer);
            }
        }
    }
}

impl<Q, A> Drop for Task<Q, A> {
    /// A runtime that ends drops its tasks: who waits for an answer would then wait for nobody.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut queue = self.shared.queue();
        queue.tasks -= 1;
        if queue.tasks == 0 {
            queue.requests.clear();
        }
    }
}

impl<Q, A> fmt::Debug for Coalescer<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalescer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    /// Counts its batches, and answers each when it is let through.
    struct Gate {
        coalescer: Arc<Coalescer<usize, usize>>,
        gate: Arc<Semaphore>,
        calls: Arc<AtomicUsize>,
    }

    impl Gate {
        fn new(most: usize, at_once: usize) -> Self {
            let gate = Arc::new(Semaphore::new(0));
            let calls = Arc::new(AtomicUsize::new(0));
            let coalescer = {
                let (gate, calls) = (gate.clone(), calls.clone());
                Coalescer::new(most, at_once, move |requests: Vec<usize>| {
                    let (gate, calls) = (gate.clone(), calls.clone());
                    async move {
                        calls.fetch_add(1, Ordering::SeqCst);
                        gate.acquire().await.unwrap().forget();
                        requests.into_iter().map(|n| n * 10).collect()
                    }
                })
            };
            Self {
                coalescer: Arc::new(coalescer),
                gate,
                calls,
            }
        }

        fn ask(&self, n: usize) -> tokio::task::JoinHandle<Option<usize>> {
            let coalescer = self.coalescer.clone();
            tokio::spawn(async move { coalescer.ask(n).await })
        }

        async fn until_called(&self, times: usize) {
            while self.calls.load(Ordering::SeqCst) < times {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn requests_during_a_batch_share_the_next_one_and_each_gets_its_own_answer() {
        let gate = Gate::new(8, 1);
        let first = gate.ask(0);
        gate.until_called(1).await;
        let others: Vec<_> = (1..=8).map(|n| (n, gate.ask(n))).collect();
        tokio::task::yield_now().await;
        gate.gate.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(0));
        for (n, other) in others {
            assert_eq!(other.await.unwrap(), Some(n * 10));
        }
        assert_eq!(gate.calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_batch_begins_beside_another_one_while_fewer_are_under_way_than_may_be() {
        let gate = Gate::new(8, 2);
        let mut asked = vec![gate.ask(0)];
        gate.until_called(1).await;
        asked.push(gate.ask(1));
        gate.until_called(2).await;
        asked.extend([gate.ask(2), gate.ask(3)]);
        tokio::task::yield_now().await;
        gate.gate.add_permits(3);
        for (n, asked) in asked.into_iter().enumerate() {
            assert_eq!(asked.await.unwrap(), Some(n * 10));
        }
        assert_eq!(gate.calls.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_caller_that_is_dropped_takes_nobody_along_and_its_request_is_not_passed_on() {
        let gate = Gate::new(1, 1);
        let first = gate.ask(0);
        gate.until_called(1).await;
        let (dropped, last) = (gate.ask(1), gate.ask(2));
        tokio::task::yield_now().await;
        first.abort();
        dropped.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(dropped.await.unwrap_err().is_cancelled());
        gate.gate.add_permits(2);
        assert_eq!(last.await.unwrap(), Some(20));
        assert_eq!(gate.calls.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_runtime_that_ends_leaves_no_caller_of_another_one_waiting() {
        let gate = Gate::new(8, 1);
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
        };
        let (ending, staying) = (runtime(), runtime());
        ending.block_on(async {
            gate.ask(0);
            gate.until_called(1).await;
        });
        let waits = {
            let _entered = staying.enter();
            gate.ask(1)
        };
        staying.block_on(tokio::task::yield_now());
        drop(ending);
        assert_eq!(staying.block_on(waits).unwrap(), None);
        gate.gate.add_permits(1);
        let answer = staying.block_on(async { gate.ask(2).await.unwrap() });
        assert_eq!(answer, Some(20));
    }

    #[tokio::test]
    async fn a_panic_while_answering_leaves_its_callers_alone_without_an_answer() {
        let coalescer = Coalescer::new(1, 1, |requests: Vec<bool>| async move {
            assert!(requests[0], "a defect");
            requests
        });
        assert_eq!(coalescer.ask(false).await, None);
        assert_eq!(coalescer.ask(true).await, Some(true));
    }
}
