//! What keeps a query from taking too much: time, samples, memory; and the flag that stops it.

mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use ledger::{Ledger, ProcessBudget, Reservation};

use crate::error::EvalError;

/// Tells a running query to stop. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the query at its next check, at most a few milliseconds of work away.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Limits of one query.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Samples in memory at once, as Prometheus counts them; 0 for no limit.
    pub max_samples: u64,
    /// What the query holds of memory, and may hold. Shared with the storage, which counts what it keeps for the query.
    pub memory: Arc<Ledger>,
    /// When the query is given up.
    pub deadline: Option<Instant>,
    /// The flag that stops it.
    pub cancel: Cancel,
}

impl Limits {
    /// Errors when the query is to stop.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        const WHERE: &str = "expression evaluation";
        if self.cancel.is_cancelled() {
            return Err(EvalError::Cancelled(WHERE));
        }
        if self.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(EvalError::Timeout(WHERE));
        }
        Ok(())
    }
}
