//! Answering many callers with one statement: whoever asks while a statement is under way is
//! answered by the next one, together with all others who asked meanwhile. A caller who is alone
//! waits for nobody.

use std::fmt;

use tokio::sync::{mpsc, oneshot};

/// A desk where callers leave a question and wait for its answer.
pub struct Together<Q, A> {
    questions: mpsc::Sender<(Q, oneshot::Sender<A>)>,
}

impl<Q, A> Together<Q, A>
where
    Q: Send + 'static,
    A: Send + 'static,
{
    /// Opens a desk that gives up to `most` questions at once to `answer`, which gives as many
    /// answers in the same order. One call at a time is under way. It ends with the desk.
    #[must_use]
    pub fn open<F>(most: usize, mut answer: impl FnMut(Vec<Q>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Vec<A>> + Send,
    {
        let (questions, mut asked) = mpsc::channel::<(Q, oneshot::Sender<A>)>(most);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(most);
            while asked.recv_many(&mut batch, most).await > 0 {
                // Callers who were answered together come back together: those who are ready to ask
                // do so before the first of them is answered alone.
                tokio::task::yield_now().await;
                while batch.len() < most
                    && let Ok(question) = asked.try_recv()
                {
                    batch.push(question);
                }
                let (questions, callers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                for (caller, answer) in callers.into_iter().zip(answer(questions).await) {
                    // A caller who has gone needs no answer.
                    let _ = caller.send(answer);
                }
            }
        });
        Self { questions }
    }

    /// Asks, and waits for the answer. `None` when answering ended by a defect.
    pub async fn ask(&self, question: Q) -> Option<A> {
        let (caller, answer) = oneshot::channel();
        self.questions.send((question, caller)).await.ok()?;
        answer.await.ok()
    }
}

impl<Q, A> fmt::Debug for Together<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_asks_meanwhile_is_answered_together_and_each_gets_his_own_answer() {
        let gate = Arc::new(Semaphore::new(0));
        let calls = Arc::new(AtomicUsize::new(0));
        let desk = {
            let (gate, calls) = (gate.clone(), calls.clone());
            Arc::new(Together::open(8, move |questions: Vec<usize>| {
                let (gate, calls) = (gate.clone(), calls.clone());
                async move {
                    calls.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.unwrap().forget();
                    questions.into_iter().map(|n| n * 10).collect()
                }
            }))
        };
        let ask = |n: usize| {
            let desk = desk.clone();
            tokio::spawn(async move { (n, desk.ask(n).await) })
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
    async fn a_defect_while_answering_leaves_nobody_waiting() {
        let desk: Together<(), ()> = Together::open(1, |_| async { panic!("a defect") });
        assert_eq!(desk.ask(()).await, None);
        assert_eq!(desk.ask(()).await, None);
    }
}
