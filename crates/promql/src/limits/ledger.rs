//! Who holds how many bytes: an account per query, one for the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::EvalError;

/// The bytes that all queries of a process may hold together.
#[derive(Debug)]
pub struct ProcessBudget {
    max_bytes: u64,
    used: AtomicU64,
}

impl ProcessBudget {
    /// A budget of that many bytes.
    pub fn new(max_bytes: u64) -> Arc<Self> {
        Arc::new(Self { max_bytes, used: AtomicU64::new(0) })
    }

    /// The bytes held now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// The account of one query. Counts the chunks that selects hold, decoded samples, columns and results; what a label set weighs is
/// counted with its column.
#[derive(Debug, Default)]
pub struct Ledger {
    max_bytes: u64,
    used: AtomicU64,
    peak: AtomicU64,
    process: Option<Arc<ProcessBudget>>,
}

impl Ledger {
    /// An account of at most so many bytes (0 for no limit), which also count in the budget of the process.
    pub fn new(max_bytes: u64, process: Option<Arc<ProcessBudget>>) -> Arc<Self> {
        Arc::new(Self { max_bytes, used: AtomicU64::new(0), peak: AtomicU64::new(0), process })
    }

    /// The most bytes held at once.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> Result<(), EvalError> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(used, Ordering::Relaxed);
        if self.max_bytes > 0 && used > self.max_bytes {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(EvalError::QueryMemory { max_bytes: self.max_bytes });
        }
        if let Some(process) = &self.process {
            let total = process.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
            if total > process.max_bytes {
                process.used.fetch_sub(bytes, Ordering::Relaxed);
                self.used.fetch_sub(bytes, Ordering::Relaxed);
                return Err(EvalError::ProcessMemory { max_bytes: process.max_bytes, query_bytes: used });
            }
        }
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(process) = &self.process {
            process.used.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

/// Bytes taken from a ledger; given back on drop.
#[derive(Debug)]
pub struct Reservation {
    ledger: Arc<Ledger>,
    bytes: u64,
}

impl Reservation {
    /// Nothing yet.
    pub fn new(ledger: &Arc<Ledger>) -> Self {
        Self { ledger: ledger.clone(), bytes: 0 }
    }

    /// Takes more.
    pub fn grow(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.ledger.take(bytes as u64)?;
        self.bytes += bytes as u64;
        Ok(())
    }

    /// Sets what is held.
    pub fn set(&mut self, bytes: usize) -> Result<(), EvalError> {
        let bytes = bytes as u64;
        if bytes > self.bytes {
            self.ledger.take(bytes - self.bytes)?;
        } else {
            self.ledger.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.ledger.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_budgets_hold_and_everything_is_given_back() {
        let process = ProcessBudget::new(150);
        let (a, b) = (Ledger::new(100, Some(process.clone())), Ledger::new(0, Some(process.clone())));
        let (mut first, mut second) = (Reservation::new(&a), Reservation::new(&b));
        first.grow(100).unwrap();
        assert!(matches!(first.grow(1), Err(EvalError::QueryMemory { max_bytes: 100 })));
        second.grow(50).unwrap();
        assert!(matches!(second.grow(1), Err(EvalError::ProcessMemory { .. })));
        first.set(20).unwrap();
        second.grow(1).unwrap();
        assert_eq!(process.used(), 71);
        drop((first, second));
        assert_eq!((process.used(), a.peak()), (0, 101));
    }
}
