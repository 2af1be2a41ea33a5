//! The memory that answers may take, over all tenants of a process.
//!
//! An answer takes room as it grows and keeps it until what was read of it is gone. Half of what is
//! allowed is for pages of lists, a quarter for what is read while a page is in memory, so that
//! neither can hold up the other, and a quarter for what is remembered of the objects of lists.
//!
//! Growing never waits. An answer that finds no room is given up, waits until there is room for the
//! largest, and is asked for again: whoever waits has no part of an answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::request::pacer::Place;

/// Room is given in pieces of so many bytes.
const PIECE: usize = 64 * 1024;

/// How long an answer that is needed for a page in memory waits for room. What it waits for may itself
/// wait for such an answer, so the wait has an end.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The memory that answers may take.
#[derive(Debug)]
pub(crate) struct Rooms {
    pages: Arc<Semaphore>,
    others: Arc<Semaphore>,
    keys: Arc<Semaphore>,
    largest_page: usize,
    largest_other: usize,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// A page of a list, asked for while nothing of its list is held.
    Page,
    /// Anything else.
    Other,
}

/// What one answer takes.
#[derive(Debug)]
pub(crate) struct Room {
    pool: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    /// So many bytes it may take.
    pub(crate) largest: usize,
}

/// The bytes of an answer, which keep its room until the last part of them is dropped.
struct Roomy {
    bytes: Vec<u8>,
    _room: Arc<Room>,
}

/// A page in memory: its place among those of the process, and its room.
#[derive(Debug)]
pub(crate) struct PageInMemory {
    pub(crate) _place: Place,
    pub(crate) _room: Arc<Room>,
}

/// There is no room at the moment.
#[derive(Debug)]
pub(crate) struct NoRoom;

impl Rooms {
    /// Room for so many bytes in all, of which one answer may take at most `largest`.
    pub(crate) fn new(bytes: usize, largest: usize) -> Self {
        let pool = |bytes: usize| Arc::new(Semaphore::new(pieces(bytes)));
        Self {
            pages: pool(bytes / 2),
            others: pool(bytes / 4),
            keys: pool(bytes / 4),
            largest_page: largest.min(bytes / 4),
            largest_other: largest.min(bytes / 8),
        }
    }

    /// For an answer of which nothing has come yet.
    pub(crate) fn empty(&self, kind: AnswerKind) -> Room {
        let (pool, largest) = match kind {
            AnswerKind::Page => (&self.pages, self.largest_page),
            AnswerKind::Other => (&self.others, self.largest_other),
        };
        Room {
            pool: Arc::clone(pool),
            held: None,
            largest,
        }
    }

    /// For what is remembered of a list.
    pub(crate) fn for_keys(&self) -> Room {
        Room {
            pool: Arc::clone(&self.keys),
            held: None,
            largest: usize::MAX,
        }
    }

    /// Room for the largest answer, when there is some.
    ///
    /// # Errors
    /// [`NoRoom`] for an answer that is no page, after some seconds.
    pub(crate) async fn whole(&self, kind: AnswerKind) -> Result<Room, NoRoom> {
        let mut room = self.empty(kind);
        let wanted = count(pieces(room.largest));
        let given = Arc::clone(&room.pool).acquire_many_owned(wanted);
        // The semaphores are never closed.
        room.held = match kind {
            AnswerKind::Page => given.await.ok(),
            AnswerKind::Other => match tokio::time::timeout(LONGEST_WAIT, given).await {
                Ok(given) => given.ok(),
                Err(_) => return Err(NoRoom),
            },
        };
        Ok(room)
    }
}

impl AsRef<[u8]> for Roomy {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Room {
    /// Bytes that keep this room.
    pub(crate) fn with(self: &Arc<Self>, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Roomy {
            bytes,
            _room: Arc::clone(self),
        })
    }

    /// For an answer that is small by its limit, and takes nothing from others.
    pub(crate) fn apart(largest: usize) -> Self {
        Self {
            pool: Arc::new(Semaphore::new(pieces(largest).min(Semaphore::MAX_PERMITS))),
            held: None,
            largest,
        }
    }

    /// Nothing of the same memory yet.
    pub(crate) fn another(&self) -> Self {
        Self {
            pool: Arc::clone(&self.pool),
            held: None,
            largest: self.largest,
        }
    }

    /// Takes room until there is some for so many bytes.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let held = self.held.as_ref().map_or(0, |held| held.num_permits());
        let lacking = pieces(bytes).saturating_sub(held);
        if lacking == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.pool)
            .try_acquire_many_owned(count(lacking))
            .map_err(|_| NoRoom)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// Gives back what is not needed for so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            drop(held.split(held.num_permits().saturating_sub(pieces(bytes))));
        }
    }
}

const fn pieces(bytes: usize) -> usize {
    bytes.div_ceil(PIECE)
}

fn count(pieces: usize) -> u32 {
    u32::try_from(pieces).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_gets_it_when_others_have_left() {
        let rooms = Rooms::new(8 * MIB, 32 * MIB);
        let mut one = rooms.empty(AnswerKind::Page);
        one.grow_to(one.largest).unwrap();
        assert_eq!(one.largest, 2 * MIB);
        let mut two = rooms.empty(AnswerKind::Page);
        two.grow_to(2 * MIB).unwrap();
        let mut three = rooms.empty(AnswerKind::Page);
        three.grow_to(1).unwrap_err();

        // What is read beside the pages has room of its own.
        rooms.empty(AnswerKind::Other).grow_to(MIB).unwrap();

        one.shrink_to(MIB);
        three.grow_to(MIB).unwrap();
        three.grow_to(MIB + 1).unwrap_err();
        drop(three);
        let mut whole = std::pin::pin!(rooms.whole(AnswerKind::Page));
        let waited = tokio::time::timeout(Duration::from_secs(60), whole.as_mut()).await;
        assert!(waited.is_err(), "one of two keeps half of what it needs");
        rooms.empty(AnswerKind::Page).grow_to(1).unwrap_err();
        drop(one);
        let whole = whole.await.unwrap();
        rooms.empty(AnswerKind::Page).grow_to(1).unwrap_err();
        drop(whole);
        rooms.empty(AnswerKind::Page).grow_to(2 * MIB).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_page_needs_does_not_wait_for_ever() {
        let rooms = Rooms::new(8 * MIB, 32 * MIB);
        let mut held = rooms.empty(AnswerKind::Other);
        held.grow_to(MIB).unwrap();
        let mut more = rooms.empty(AnswerKind::Other);
        more.grow_to(MIB).unwrap();
        rooms.whole(AnswerKind::Other).await.unwrap_err();
        drop(held);
        assert!(rooms.whole(AnswerKind::Other).await.is_ok());
    }
}
