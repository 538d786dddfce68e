//! How far a long job is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counters that the working thread moves and that others read.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Sets how many series there are in all.
    pub fn set_total(&self, series: u64) {
        self.inner.total.store(series, Ordering::Relaxed);
    }

    /// Sets how many series are done.
    pub fn set_done(&self, series: u64) {
        self.inner.done.store(series, Ordering::Relaxed);
    }

    /// Series done and series in all.
    pub fn get(&self) -> (u64, u64) {
        (self.inner.done.load(Ordering::Relaxed), self.inner.total.load(Ordering::Relaxed))
    }

    /// Asks the working thread to stop.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::Relaxed);
    }

    /// Shall the working thread stop?
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::Relaxed)
    }

    /// Series per second since `started`, and the time left at that rate; `None` before anything is done.
    pub fn rate(&self, started: Instant, now: Instant) -> Option<(f64, Duration)> {
        let (done, total) = self.get();
        let seconds = now.saturating_duration_since(started).as_secs_f64();
        if done == 0 || seconds <= 0.0 {
            return None;
        }
        let rate = done as f64 / seconds;
        Some((
            rate,
            Duration::try_from_secs_f64(total.saturating_sub(done) as f64 / rate).unwrap_or(Duration::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_rate() {
        let progress = Progress::default();
        let start = Instant::now();
        assert!(progress.rate(start, start + Duration::from_secs(1)).is_none());
        progress.set_total(100);
        progress.set_done(25);
        let (rate, left) = progress.rate(start, start + Duration::from_secs(5)).expect("something is done");
        assert!((rate - 5.0).abs() < 1e-9 && (left.as_secs_f64() - 15.0).abs() < 1e-6);
    }
}
