//! Lets so many Series calls run at once; the others wait their turn.

use std::{sync::Arc, time::Instant};

use prometheus::{Counter, Gauge, Histogram, Registry};
use storeapi::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::Maker;

const WAIT_SECONDS: [f64; 16] =
    [0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0, 240.0, 360.0, 720.0];

/// The gate.
#[derive(Debug)]
pub(crate) struct Gate {
    turns: Option<Arc<Semaphore>>,
    wait: Histogram,
    total: Counter,
    in_flight: Gauge,
}

/// A turn, given back when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
    in_flight: Gauge,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

impl Gate {
    /// A gate for `limit` at once; 0 lets everybody through.
    pub(crate) fn new(limit: usize, registry: &Registry) -> prometheus::Result<Self> {
        let make = Maker(registry);
        let name = |name: &str| format!("thanos_bucket_store_series_gate_queries_{name}");
        make.gauge(&name("max"), "Series calls that may run at once.")?.set(limit as f64);
        Ok(Gate {
            turns: (limit > 0).then(|| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)))),
            wait: make.histogram(
                &name("duration_seconds"),
                "Seconds that Series calls waited for their turn.",
                &WAIT_SECONDS,
            )?,
            total: make.counter(&name("total"), "Series calls that came to the gate.")?,
            in_flight: make.gauge(&name("in_flight"), "Series calls that have their turn.")?,
        })
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        self.total.inc();
        let start = Instant::now();
        let permit = match &self.turns {
            None => None,
            Some(turns) => {
                let permit = Arc::clone(turns).acquire_owned().await;
                Some(permit.map_err(|_| Error::cancelled().context("failed to wait for turn"))?)
            }
        };
        self.wait.observe(start.elapsed().as_secs_f64());
        self.in_flight.inc();
        Ok(Turn { _permit: permit, in_flight: self.in_flight.clone() })
    }
}
