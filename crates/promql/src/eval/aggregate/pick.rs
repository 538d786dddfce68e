//! `topk`, `bottomk`, `limitk` and `limit_ratio`: some series of each group.

use super::super::{EvalSeries, Evaluator, Scope, Sink, quicksort};
use super::groups::Groups;
use super::values::Extent;
use crate::annotations::Annotation;
use crate::ast::AggregateOp as Op;
use crate::column::{Cell, Column, present};
use crate::error::EvalError;
use crate::math;
use crate::plan::{Aggregate, Node};

/// The greatest float that Prometheus takes for an integer.
const MAX_INT: f64 = 9_223_372_036_854_774_784.0;
const MIN_INT: f64 = -9_223_372_036_854_775_808.0;

/// A candidate: its value and the index of its series.
type Candidate = (f64, usize);

/// The heap of Go's `container/heap`: which of equal values is dropped rests on its very steps.
struct Heap {
    items: Vec<Candidate>,
    /// The least on top; else the greatest.
    least: bool,
}

impl Heap {
    fn less(&self, a: usize, b: usize) -> bool {
        let (x, y) = (self.items[a].0, self.items[b].0);
        // NaN is what goes first.
        x.is_nan() || if self.least { x < y } else { x > y }
    }

    fn push(&mut self, item: Candidate) {
        self.items.push(item);
        let mut at = self.items.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.less(at, parent) {
                break;
            }
            self.items.swap(parent, at);
            at = parent;
        }
    }

    /// Replaces the top.
    fn replace(&mut self, item: Candidate) {
        self.items[0] = item;
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= self.items.len() {
                break;
            }
            let right = left + 1;
            let child = if right < self.items.len() && self.less(right, left) { right } else { left };
            if !self.less(child, at) {
                break;
            }
            self.items.swap(at, child);
            at = child;
        }
    }

    /// The best first, NaN last.
    fn sort(&mut self) {
        let least = self.least;
        quicksort::sort(&mut self.items, &|a, b| b.0.is_nan() || if least { b.0 < a.0 } else { b.0 > a.0 });
    }
}

impl Evaluator<'_> {
    pub(super) fn pick(
        &self,
        a: &Aggregate,
        node: &Node,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let Some(param) = &a.param else {
            return Err(EvalError::execution(format!("{} is called without a parameter", a.op)));
        };
        let params = self.scalar(param, scope)?;
        let before = self.samples_now();
        let mut input = self.collect(&a.expr, scope)?;
        let mut groups = Groups::new(a);
        let group_of: Vec<usize> = input.series.iter().map(|s| groups.of(&s.labels)).collect();
        if !self.check_params(a.op, &params, param)? {
            return self.settle_samples(before, 0);
        }
        let mut picked =
            Picked { scope, columns: vec![Column::default(); input.series.len()], order: Vec::new() };
        let mut heaps: Vec<Option<Heap>> = Vec::new();
        for (step, value) in params.iter().enumerate().take(scope.grid.count) {
            self.limits.check()?;
            heaps.clear();
            heaps.resize_with(groups.len(), || None);
            match a.op {
                Op::LimitRatio => pick_ratio(*value, &input.series, &group_of, step, &mut heaps),
                op => {
                    let k = (math::to_i64(*value)).min(input.series.len() as i64);
                    if let Ok(k @ 1..) = usize::try_from(k) {
                        let ignored = pick_k(op, k, &input.series, &group_of, step, &mut heaps);
                        if ignored {
                            self.annotate(Annotation::histogram_ignored_in_aggregation(
                                op.as_str(),
                                node.pos,
                            ));
                        }
                    }
                }
            }
            for heap in heaps.iter_mut().flatten() {
                if matches!(a.op, Op::Topk | Op::Bottomk) && heap.items.len() > 1 {
                    heap.sort();
                }
                for (_, i) in &heap.items {
                    picked.add(step, *i, &input.series[*i]);
                }
            }
        }
        let series = picked.finish(std::mem::take(&mut input.series));
        self.settle_samples(before, super::super::sample_count(&series))?;
        if series.is_empty() { Ok(()) } else { sink(series) }
    }

    /// Whether there is anything to pick; errors and warnings for parameters that make no sense.
    fn check_params(&self, op: Op, params: &[f64], param: &Node) -> Result<bool, EvalError> {
        let Extent { least, most, any_nan } = Extent::of(params, param);
        if op == Op::LimitRatio {
            if most == 0.0 && least == 0.0 {
                return Ok(false);
            }
            if any_nan {
                return Err(EvalError::execution("Ratio value is NaN"));
            }
            if most > 1.0 {
                self.annotate(Annotation::invalid_ratio(most, 1.0, param.pos));
            }
            if least < -1.0 {
                self.annotate(Annotation::invalid_ratio(least, -1.0, param.pos));
            }
            return Ok(true);
        }
        if most < 1.0 {
            return Ok(false);
        }
        if any_nan {
            return Err(EvalError::execution("Parameter value is NaN"));
        }
        let text = |v: f64| model::value::format_float_g(v);
        if least <= MIN_INT {
            return Err(EvalError::Execution(format!("Scalar value {} underflows int64", text(least))));
        }
        if most >= MAX_INT {
            return Err(EvalError::Execution(format!("Scalar value {} overflows int64", text(most))));
        }
        Ok(true)
    }
}

/// Fills the heaps with the best `k` of each group, or any `k`; true if histograms were ignored.
fn pick_k(
    op: Op,
    k: usize,
    series: &[EvalSeries],
    group_of: &[usize],
    step: usize,
    heaps: &mut [Option<Heap>],
) -> bool {
    let mut ignored = false;
    for (i, s) in series.iter().enumerate() {
        let v = s.column.float(step);
        let is_float = present(v);
        if !is_float && s.column.histogram(step).is_none() {
            continue;
        }
        if !is_float && op != Op::Limitk {
            ignored = true;
            continue;
        }
        let value = if is_float { v } else { 0.0 };
        let heap =
            heaps[group_of[i]].get_or_insert_with(|| Heap { items: Vec::new(), least: op != Op::Bottomk });
        if heap.items.len() < k {
            heap.push((value, i));
        } else if op != Op::Limitk {
            let top = heap.items[0].0;
            let better = if op == Op::Topk { top < value } else { top > value };
            if better || (top.is_nan() && !value.is_nan()) {
                heap.replace((value, i));
            }
        }
    }
    ignored
}

/// Fills the heaps with the series whose place by hash is within the ratio; from the other end if it is negative.
fn pick_ratio(
    ratio: f64,
    series: &[EvalSeries],
    group_of: &[usize],
    step: usize,
    heaps: &mut [Option<Heap>],
) {
    if ratio == 0.0 {
        return;
    }
    let ratio = ratio.clamp(-1.0, 1.0);
    for (i, s) in series.iter().enumerate().filter(|(_, s)| s.column.is_present(step)) {
        let place = place_of(&s.labels);
        if (ratio >= 0.0 && place < ratio) || (ratio < 0.0 && place >= 1.0 + ratio) {
            let v = s.column.float(step);
            let value = if present(v) { v } else { 0.0 };
            heaps[group_of[i]]
                .get_or_insert_with(|| Heap { items: Vec::new(), least: true })
                .push((value, i));
        }
    }
}

/// The place of a series in `[0, 1)`: the hash that Prometheus, as it is built by default, gives labels — over each name and value
/// with its length. (Grouping and the wire have another one.)
fn place_of(labels: &model::labels::Labels) -> f64 {
    let mut bytes = Vec::with_capacity(128);
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        let len = text.len();
        match u8::try_from(len) {
            Ok(short) if short < 255 => bytes.push(short),
            _ => bytes.extend([255, len as u8, (len >> 8) as u8, (len >> 16) as u8]),
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    twox_hash::XxHash64::oneshot(0, &bytes) as f64 / u64::MAX as f64
}

/// What was picked: the columns of the input with only the picked values.
struct Picked<'a> {
    scope: Scope<'a>,
    columns: Vec<Column>,
    /// The order of an instant query's result.
    order: Vec<usize>,
}

impl Picked<'_> {
    fn add(&mut self, step: usize, i: usize, s: &EvalSeries) {
        let cell: Option<Cell> = s.column.get(step);
        if let Some(cell) = cell {
            self.columns[i].push(step, cell);
            if self.scope.grid.count == 1 {
                self.order.push(i);
            }
        }
    }

    fn finish(self, series: Vec<EvalSeries>) -> Vec<EvalSeries> {
        if self.scope.grid.count == 1 {
            return self
                .order
                .iter()
                .map(|i| EvalSeries { column: self.columns[*i].clone(), ..series[*i].clone() })
                .collect();
        }
        series
            .into_iter()
            .zip(self.columns)
            .filter(|(_, column)| !column.is_empty())
            .map(|(s, column)| EvalSeries { column, ..s })
            .collect()
    }
}
