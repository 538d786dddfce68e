//! Sum and average over time of native histograms.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, HistogramError};

use super::{Env, Notes, Outcome, histogram};
use crate::annotations::{Annotation, HistogramOperation};

/// What came up while histograms were added.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) reset: bool,
    pub(crate) no_reset: bool,
    pub(crate) reconciled: bool,
}

impl Seen {
    pub(crate) fn hint(&mut self, hint: CounterResetHint) {
        self.reset |= hint == CounterResetHint::CounterReset;
        self.no_reset |= hint == CounterResetHint::NotCounterReset;
    }
}

/// The mean of histograms, by their compensated sum until that overflows, then by a running mean.
pub(crate) struct Mean {
    /// The sum, or the mean.
    value: FloatHistogram,
    compensation: Option<FloatHistogram>,
    running: bool,
    count: f64,
}

impl Mean {
    pub(crate) fn new(first: &FloatHistogram) -> Self {
        Self { value: first.copied(), compensation: None, running: false, count: 1.0 }
    }

    /// Adds a histogram; true if custom bounds were reconciled. After an error the mean is not to be used.
    pub(crate) fn add(&mut self, h: &FloatHistogram) -> Result<bool, HistogramError> {
        self.count += 1.0;
        if !self.running {
            let (mut sum, mut c) = (self.value.clone(), self.compensation.clone());
            let seen = sum.add_compensated(h, &mut c)?;
            if !sum.has_overflow() {
                (self.value, self.compensation) = (sum, c);
                return Ok(seen.bounds_reconciled);
            }
            self.running = true;
            self.value.div(self.count - 1.0);
            if let Some(c) = &mut self.compensation {
                c.div(self.count - 1.0);
            }
        }
        let q = (self.count - 1.0) / self.count;
        if let Some(c) = &mut self.compensation {
            c.mul(q);
        }
        let mut share = h.clone();
        share.div(self.count);
        self.value.mul(q);
        Ok(self.value.add_compensated(&share, &mut self.compensation)?.bounds_reconciled)
    }

    pub(crate) fn finish(mut self) -> FloatHistogram {
        if !self.running {
            self.value.div(self.count);
        }
        if let Some(mut c) = self.compensation {
            if !self.running {
                c.div(self.count);
            }
            // A compensation has the kind of what it belongs to, so that this cannot fail.
            let _ = self.value.add(&c);
        }
        self.value
    }
}

pub(super) fn sum(points: &[Arc<FloatHistogram>], env: &Env<'_>, notes: &mut Notes) -> Outcome {
    let mut seen = Seen::default();
    let result = add_all(points, &mut seen);
    finish(result, &seen, env, notes)
}

fn add_all(points: &[Arc<FloatHistogram>], seen: &mut Seen) -> Result<FloatHistogram, HistogramError> {
    let mut sum = points[0].copied();
    seen.hint(sum.counter_reset_hint);
    let mut compensation = None;
    for h in &points[1..] {
        seen.hint(h.counter_reset_hint);
        seen.reconciled |= sum.add_compensated(h, &mut compensation)?.bounds_reconciled;
    }
    if let Some(c) = compensation {
        seen.reconciled |= sum.add(&c)?.bounds_reconciled;
    }
    Ok(sum)
}

pub(super) fn avg(points: &[Arc<FloatHistogram>], env: &Env<'_>, notes: &mut Notes) -> Outcome {
    let mut seen = Seen::default();
    seen.hint(points[0].counter_reset_hint);
    let mut mean = Mean::new(&points[0]);
    for h in &points[1..] {
        seen.hint(h.counter_reset_hint);
        match mean.add(h) {
            Ok(reconciled) => seen.reconciled |= reconciled,
            Err(e) => return finish(Err(e), &seen, env, notes),
        }
    }
    finish(Ok(mean.finish()), &seen, env, notes)
}

fn finish(
    result: Result<FloatHistogram, HistogramError>,
    seen: &Seen,
    env: &Env<'_>,
    notes: &mut Notes,
) -> Outcome {
    match result {
        Err(e) => {
            super::note_incompatible(&e, env.metric(), env.pos, notes);
            Ok(None)
        }
        Ok(h) => {
            if seen.reset && seen.no_reset {
                notes.push(Annotation::histogram_counter_reset_collision(env.pos, HistogramOperation::Agg));
            }
            if seen.reconciled {
                notes.push(Annotation::mismatched_custom_buckets(env.pos, HistogramOperation::Agg));
            }
            histogram(h)
        }
    }
}
