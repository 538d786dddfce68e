//! How far the selects of a query run ahead of the engine.
//!
//! A store is often faster than the evaluation of what it sends. A select waits when [`MAX_AHEAD`] is queued of it, and its stores then
//! wait as well. The select that the engine reads always may: the engine is working, and comes back for more. The others stand still until
//! the engine is done with that one, and must not be what keeps it from coming:
//! - Streams share a connection, here and below the next querier, and what of one that stands still fills its window is missing in the
//!   connection's. So no more selects of all queries stand still than [`MAX_STANDING`]; the rest goes on being queued.
//! - A select that has not begun may wait for its turn, here or in a store, where the others hold theirs. So they stand still only while
//!   the one that is read has begun. (The first series of several stores come when each of them has sent one.)

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Bytes of encoded series that are queued of a select, before the last batch.
pub(super) const MAX_AHEAD: usize = 8 << 20;

/// Selects of all queries that stand still at once: few beside the streams whose windows a connection has room for, also when many
/// queriers ask by way of one.
const MAX_STANDING: usize = 64;

/// The selects of all queries that stand still without being read. Clones are the same.
#[derive(Clone, Debug)]
pub struct Standing(Arc<Semaphore>);

impl Default for Standing {
    fn default() -> Self {
        Standing(Arc::new(Semaphore::new(MAX_STANDING)))
    }
}

/// What the selects of a query know of each other. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct ReadAhead {
    shared: Arc<Shared>,
    standing: Standing,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something was taken from a queue, another select is read, or the one that is read has begun.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the select of each number has begun.
    begun: Vec<bool>,
    /// The number of the select that the engine reads; `None` before it reads any.
    read_now: Option<usize>,
}

/// What is queued of one select.
#[derive(Debug)]
pub(super) struct Queued {
    shared: Arc<Shared>,
    standing: Standing,
    number: usize,
    bytes: AtomicUsize,
}

/// How a select with a full queue stands to the one that is read.
enum Place {
    /// It is the one that is read.
    Read,
    /// Another one is read, which has begun.
    Behind,
    /// Nothing is read yet, or it has not begun.
    Free,
}

impl ReadAhead {
    pub(super) fn new(standing: Standing) -> Self {
        ReadAhead { shared: Arc::default(), standing }
    }

    /// The queue of another select.
    pub(super) fn queue(&self) -> Arc<Queued> {
        let begun = &mut self.shared.state.lock().begun;
        begun.push(false);
        let (shared, standing) = (self.shared.clone(), self.standing.clone());
        Arc::new(Queued { shared, standing, number: begun.len() - 1, bytes: AtomicUsize::new(0) })
    }
}

impl Queued {
    /// Waits until more may be queued.
    pub(super) async fn room(&self) {
        let mut turn: Option<OwnedSemaphorePermit> = None;
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.bytes.load(Ordering::SeqCst) < MAX_AHEAD {
                return;
            }
            match self.place() {
                Place::Free => return,
                Place::Read => turn = None,
                Place::Behind => {
                    turn = turn.or_else(|| self.standing.0.clone().try_acquire_owned().ok());
                    if turn.is_none() {
                        return;
                    }
                }
            }
            changed.await;
        }
    }

    fn place(&self) -> Place {
        let state = self.shared.state.lock();
        match state.read_now {
            Some(number) if number == self.number => Place::Read,
            Some(number) if state.begun[number] => Place::Behind,
            _ => Place::Free,
        }
    }

    /// So many bytes are queued.
    pub(super) fn put(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    /// So many bytes were taken.
    pub(super) fn take(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.shared.changed.notify_waiters();
    }

    /// The select has its turn everywhere: its first series came, or it has none.
    pub(super) fn has_begun(&self) {
        if !std::mem::replace(&mut self.shared.state.lock().begun[self.number], true) {
            self.shared.changed.notify_waiters();
        }
    }

    /// The engine is about to wait for this select.
    pub(super) fn is_read(&self) {
        if self.shared.state.lock().read_now.replace(self.number) != Some(self.number) {
            self.shared.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn full(ahead: &ReadAhead) -> Arc<Queued> {
        let queued = ahead.queue();
        queued.put(MAX_AHEAD);
        queued
    }

    fn waits(queued: &Queued) -> bool {
        queued.room().now_or_never().is_none()
    }

    #[test]
    fn selects_wait_behind_the_one_that_is_read_once_it_has_begun() {
        let ahead = ReadAhead::new(Standing::default());
        let (a, b) = (full(&ahead), full(&ahead));
        assert!(!waits(&a) && !waits(&b), "nothing is read yet");
        a.is_read();
        assert!(waits(&a) && !waits(&b), "b may hold the turn that a waits for");
        a.has_begun();
        assert!(waits(&a) && waits(&b));
        let mut room = std::pin::pin!(a.room());
        assert!(room.as_mut().now_or_never().is_none());
        a.take(1);
        assert!(room.now_or_never().is_some());
        a.put(1);
        let mut room = std::pin::pin!(a.room());
        assert!(room.as_mut().now_or_never().is_none());
        b.is_read();
        assert!(room.now_or_never().is_some(), "the reader waits elsewhere");
        b.has_begun();
        assert!(waits(&a) && waits(&b));
    }

    #[test]
    fn only_so_many_stand_still_as_leave_room_on_a_connection() {
        let standing = Standing::default();
        let query = || {
            let ahead = ReadAhead::new(standing.clone());
            let (read, other) = (full(&ahead), full(&ahead));
            read.has_begun();
            read.is_read();
            (read, other)
        };
        let queries: Vec<_> = (0..MAX_STANDING).map(|_| query()).collect();
        let mut rooms: Vec<_> = queries.iter().map(|(_, other)| Box::pin(other.room())).collect();
        assert!(rooms.iter_mut().all(|room| room.now_or_never().is_none()));
        let (read, other) = query();
        assert!(waits(&read), "the one that is read takes none of their places");
        assert!(!waits(&other));
        // One that is read gives its place back.
        queries[0].1.is_read();
        queries[0].1.has_begun();
        assert!(rooms[0].as_mut().now_or_never().is_none());
        assert!(waits(&other));
    }
}
