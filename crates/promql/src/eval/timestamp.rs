//! `timestamp` and `start_timestamp`.

use model::labels::Labels;
use model::series::SampleBuffer;

use super::select::{Worker, instant_samples};
use super::{EvalSeries, Evaluator, Scope, Sink, merge};
use crate::ast::FunctionId;
use crate::column::{CellRef, Column};
use crate::error::EvalError;
use crate::plan::{Call, Kind, Selector};

impl Evaluator<'_> {
    pub(super) fn timestamp(
        &self,
        call: &Call,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let starts = call.func == FunctionId::StartTimestamp;
        let Kind::Selector(selector) = &call.args[0].kind else {
            // Values that were computed have the time of the step, and no start.
            let grid = scope.grid;
            let replace = &mut |c: &mut Column| {
                let mut out = Column::default();
                if !starts {
                    c.iter().for_each(|(step, _): (usize, CellRef<'_>)| {
                        out.push_float(step, grid.at(step) as f64 / 1000.0)
                    });
                }
                *c = out;
                Ok(())
            };
            return self.map_columns(&call.args[0], scope, replace, sink);
        };
        // With `@` the offset is not applied, as in Prometheus.
        let selector =
            &Selector { offset: if selector.at.is_some() { 0 } else { selector.offset }, ..selector.clone() };
        let delayed = self.options.delayed_name_removal;
        let have_starts = self.options.use_start_timestamps;
        let per_series = |labels: &Labels, buffer: &mut SampleBuffer, worker: &mut Worker| {
            let mut column = Column::default();
            let mut held = 0;
            for (step, at) in instant_samples(buffer, selector, scope, self.lookback) {
                worker.counts.add(step, 1, 1);
                held += 1;
                if !starts {
                    column.push_float(step, buffer.timestamps[at] as f64 / 1000.0);
                } else if have_starts {
                    column.push_float(
                        step,
                        buffer.start_timestamps.get(at).copied().unwrap_or(0) as f64 / 1000.0,
                    );
                }
            }
            if column.is_empty() {
                return Ok(None);
            }
            self.add_samples(held)?;
            let labels = if delayed { labels.clone() } else { merge::without_metadata(labels) };
            Ok(Some(EvalSeries { labels, drop_name: true, column }))
        };
        let mut same = merge::SameSteps::default();
        self.for_each_series(selector, scope, &per_series, &mut |batch| {
            if !delayed {
                batch.iter().try_for_each(|s| same.check(s))?;
            }
            sink(batch)
        })
    }
}
