//! `absent` and `absent_over_time`: one series where there is none.

use super::{EvalSeries, Evaluator, Scope, Sink};
use crate::column::{ABSENT, Column};
use crate::error::EvalError;
use crate::plan::Call;

impl Evaluator<'_> {
    pub(super) fn absent(&self, call: &Call, scope: Scope<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut seen = Seen::new(scope);
        let before = self.samples_now();
        self.stream(&call.args[0], scope, &mut |batch| {
            seen.add(&batch);
            Ok(())
        })?;
        // `absent` keeps no name to be dropped; its labels have none.
        self.emit_absent(call, seen, false, before, sink)
    }

    pub(super) fn absent_over_time(
        &self,
        call: &Call,
        at: usize,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let mut seen = Seen::new(scope);
        let before = self.samples_now();
        self.range_call(call, at, scope, &mut |batch| {
            seen.add(&batch);
            Ok(())
        })?;
        self.emit_absent(call, seen, true, before, sink)
    }

    fn emit_absent(
        &self,
        call: &Call,
        seen: Seen,
        drop_name: bool,
        before: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let missing = seen.0.iter().filter(|seen| !**seen).count();
        self.settle_samples(before, missing as u64)?;
        if missing == 0 {
            return Ok(());
        }
        let mut column = Column::constant(1.0, seen.0.len());
        for (v, _) in column.floats.iter_mut().zip(&seen.0).filter(|(_, seen)| **seen) {
            *v = ABSENT;
        }
        sink(vec![EvalSeries { labels: call.absent_labels.clone(), drop_name, column }])
    }
}

/// The steps at which there is something.
struct Seen(Vec<bool>);

impl Seen {
    fn new(scope: Scope<'_>) -> Self {
        Self(vec![false; scope.grid.count])
    }

    fn add(&mut self, batch: &[EvalSeries]) {
        for s in batch {
            s.column.iter().for_each(|(step, _)| self.0[step] = true);
        }
    }
}
