//! How far the selects of a query run ahead of the engine.
//!
//! A store is often faster than the evaluation of what it sends. The select that is being read waits when [`MAX_AHEAD`] is queued, and
//! its stores then wait as well. The other ones never wait: streams share connections, and one that waited for a reader who is busy
//! elsewhere could keep that reader's own series from coming.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Bytes of encoded series that are queued of the select that is being read, before the last batch.
pub(super) const MAX_AHEAD: usize = 8 << 20;

/// What the selects of a query know of each other. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadAhead(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    selects: AtomicUsize,
    /// The number of the select that the engine reads; 0 before it reads any.
    read_now: AtomicUsize,
    /// Something was taken from a queue, or another select is read.
    changed: Notify,
}

/// What is queued of one select.
#[derive(Debug)]
pub(super) struct Queued {
    shared: Arc<Shared>,
    number: usize,
    bytes: AtomicUsize,
}

impl ReadAhead {
    /// The queue of another select.
    pub(super) fn queue(&self) -> Arc<Queued> {
        let number = self.0.selects.fetch_add(1, Ordering::SeqCst) + 1;
        Arc::new(Queued { shared: self.0.clone(), number, bytes: AtomicUsize::new(0) })
    }
}

impl Queued {
    /// Waits until more may be queued.
    pub(super) async fn room(&self) {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let read_now = self.shared.read_now.load(Ordering::SeqCst) == self.number;
            if !read_now || self.bytes.load(Ordering::SeqCst) < MAX_AHEAD {
                return;
            }
            changed.await;
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

    /// The engine is about to wait for this select.
    pub(super) fn is_read(&self) {
        if self.shared.read_now.swap(self.number, Ordering::SeqCst) != self.number {
            self.shared.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn only_the_select_that_is_read_waits() {
        let ahead = ReadAhead::default();
        let (a, b) = (ahead.queue(), ahead.queue());
        a.put(MAX_AHEAD);
        b.put(MAX_AHEAD);
        assert!(a.room().now_or_never().is_some(), "nothing is read yet");
        a.is_read();
        assert!(b.room().now_or_never().is_some());
        let mut room = std::pin::pin!(a.room());
        assert!(room.as_mut().now_or_never().is_none());
        a.take(1);
        assert!(room.now_or_never().is_some());
        a.put(1);
        let mut room = std::pin::pin!(a.room());
        assert!(room.as_mut().now_or_never().is_none());
        b.is_read();
        assert!(room.now_or_never().is_some(), "the reader waits elsewhere");
    }
}
