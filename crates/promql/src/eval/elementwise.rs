//! Functions of each value by itself.

use super::{EvalSeries, Evaluator, Scope, Sink, merge};
use crate::column::Column;
use crate::error::EvalError;
use crate::plan::Node;

impl Evaluator<'_> {
    /// Evaluates `node` and changes each series' column with `f`; names are dropped. Series without values are left out.
    pub(super) fn map_columns(
        &self,
        node: &Node,
        scope: Scope<'_>,
        f: &mut dyn FnMut(&mut Column) -> Result<(), EvalError>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        self.map_columns_dropping(node, scope, merge::without_metadata, f, sink)
    }

    /// As [`map_columns`](Self::map_columns), with another idea of what goes with the name.
    pub(super) fn map_columns_dropping(
        &self,
        node: &Node,
        scope: Scope<'_>,
        drop: fn(&model::labels::Labels) -> model::labels::Labels,
        f: &mut dyn FnMut(&mut Column) -> Result<(), EvalError>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let delayed = self.options.delayed_name_removal;
        let mut same = merge::SameSteps::default();
        self.stream(node, scope, &mut |mut batch: Vec<EvalSeries>| {
            for s in &mut batch {
                f(&mut s.column)?;
                s.drop_name = true;
                if !delayed {
                    s.labels = drop(&s.labels);
                }
            }
            batch.retain(|s| !s.column.is_empty());
            if !delayed {
                batch.iter().try_for_each(|s| same.check(s))?;
            }
            if batch.is_empty() { Ok(()) } else { sink(batch) }
        })
    }

    /// The sign before a vector.
    pub(super) fn negate(
        &self,
        inner: &Node,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let negate = &mut |column: &mut Column| {
            for v in column.floats.iter_mut().filter(|v| crate::column::present(**v)) {
                *v = -*v;
            }
            for slot in column.histograms.iter_mut().flatten() {
                let mut h = (**slot).clone();
                h.mul(-1.0);
                *slot = std::sync::Arc::new(h);
            }
            Ok(())
        };
        if self.options.delayed_name_removal {
            return self.map_columns(inner, scope, negate, sink);
        }
        let mut all = self.collect(inner, scope)?;
        for s in &mut all.series {
            negate(&mut s.column)?;
            s.drop_name = true;
            s.labels = merge::without_metadata(&s.labels);
        }
        sink(merge::merge_kinds(std::mem::take(&mut all.series), self.negates_all(inner))?)
    }
}
