//! The rate limit of a web configuration: a bucket of `burst` tokens, refilled by one every `interval`.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// One request per `interval`, `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) burst: u32,
    pub(super) interval: Duration,
}

pub(super) struct Limiter {
    rate: Rate,
    state: Mutex<(f64, Instant)>,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::new((f64::from(rate.burst), Instant::now())) }
    }

    pub(super) fn allow(&self) -> bool {
        self.allow_at(Instant::now())
    }

    fn allow_at(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let refill = now.saturating_duration_since(state.1).as_secs_f64() / self.rate.interval.as_secs_f64();
        state.0 = (state.0 + refill).min(f64::from(self.rate.burst));
        state.1 = now;
        let allowed = state.0 >= 1.0;
        if allowed {
            state.0 -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_one_per_interval() {
        let limiter = Limiter::new(Rate { burst: 2, interval: Duration::from_secs(1) });
        let start = Instant::now();
        let allowed = |after: u64| limiter.allow_at(start + Duration::from_millis(after));
        assert!(allowed(0) && allowed(0) && !allowed(0));
        assert!(!allowed(500) && allowed(1100) && !allowed(1200));
    }
}
