//! Which blocks a job is working on, so that the queues (compaction, downsampling, retention) keep out of each other's way.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use ulid::Ulid;

/// The blocks in use.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    held: Arc<Mutex<FxHashSet<Ulid>>>,
}

/// Blocks that are in use until this is dropped.
#[derive(Debug)]
pub struct Lease {
    leases: Leases,
    ids: Vec<Ulid>,
}

impl Leases {
    /// Takes all of `ids`, or none when any of them is in use.
    pub fn take(&self, ids: &[Ulid]) -> Option<Lease> {
        let mut held = self.held.lock();
        if ids.iter().any(|id| held.contains(id)) {
            return None;
        }
        held.extend(ids.iter().copied());
        Some(Lease { leases: self.clone(), ids: ids.to_vec() })
    }

    /// Is a job working on the block?
    pub fn is_held(&self, id: Ulid) -> bool {
        self.held.lock().contains(&id)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.leases.held.lock();
        for id in &self.ids {
            held.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_leased_once_and_all_or_none() {
        let leases = Leases::default();
        let first = leases.take(&[Ulid(1), Ulid(2)]).expect("free");
        assert!(leases.take(&[Ulid(2), Ulid(3)]).is_none());
        assert!(!leases.is_held(Ulid(3)));
        drop(first);
        assert!(leases.take(&[Ulid(2), Ulid(3)]).is_some());
    }
}
