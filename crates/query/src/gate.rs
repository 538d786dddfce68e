//! A gate that lets so many in at once, with Thanos's metrics.

use std::sync::Arc;
use std::time::Instant;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A gate. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    max: usize,
    permits: Arc<Semaphore>,
    in_flight: IntGauge,
    total: IntCounter,
    duration: Histogram,
}

/// One who is in; leaves on drop.
pub struct Entered {
    _permit: OwnedSemaphorePermit,
    in_flight: IntGauge,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

impl Gate {
    /// A gate for `max` (at least one). Metric names begin with `prefix` and name `what`.
    pub fn new(max: usize, prefix: &str, what: &str, registry: &Registry) -> Result<Self, prometheus::Error> {
        let name = |suffix: &str| format!("{prefix}gate_{what}_{suffix}");
        let limit = IntGauge::new(name("max"), format!("Most {what} at once."))?;
        let in_flight = IntGauge::new(name("in_flight"), format!("{what} in flight."))?;
        let total = IntCounter::new(name("total"), format!("{what} that were let in."))?;
        let buckets =
            vec![0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0, 240.0, 360.0, 720.0];
        let help = format!("How long {what} waited at the gate, in seconds.");
        let duration =
            Histogram::with_opts(HistogramOpts::new(name("duration_seconds"), help).buckets(buckets))?;
        limit.set(max as i64);
        registry.register(Box::new(limit))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(total.clone()))?;
        registry.register(Box::new(duration.clone()))?;
        Ok(Gate { max, permits: Arc::new(Semaphore::new(max.max(1))), in_flight, total, duration })
    }

    /// Another gate for as many, counted in the same metrics.
    pub fn another(&self) -> Self {
        Gate { permits: Arc::new(Semaphore::new(self.max.max(1))), ..self.clone() }
    }

    /// Waits for a turn.
    pub async fn enter(&self) -> Entered {
        let waiting = Instant::now();
        let permit = self.permits.clone().acquire_owned().await.expect("the gate is never closed");
        self.duration.observe(waiting.elapsed().as_secs_f64());
        self.in_flight.inc();
        self.total.inc();
        Entered { _permit: permit, in_flight: self.in_flight.clone() }
    }
}
