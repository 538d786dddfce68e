//! Evaluation of a plan.
//!
//! Series flow from the selects upwards in batches ([`Evaluator::stream`]): a batch is decoded and run through a range function on
//! the workers, and whoever stands above takes it — an aggregation adds it to its groups and forgets it, so that memory follows the
//! output. What needs all series at once ([`Evaluator::collect`]) gathers them first. Values are columns over the steps.

mod absent;
mod aggregate;
mod analysis;
mod binary;
mod call;
mod counts;
mod dates;
mod elementwise;
mod histogram_quantile;
mod info;
mod labels;
mod merge;
mod quicksort;
mod range;
mod select;
mod shared;
mod sort;
mod subquery;
mod timestamp;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use model::labels::Labels;
use model::quote::quote;

use crate::annotations::{Annotation, Annotations};
use crate::ast::FunctionId;
use crate::column::{Cell, Column};
use crate::engine::{EngineOptions, QueryResult};
use crate::error::EvalError;
use crate::limits::{Ledger, Limits, Reservation};
use crate::plan::{Call, Grid, Kind, Node, Plan, RangeNode};
use crate::source::Queryable;
use crate::stats::QueryStats;
use crate::value::{MatrixSeries, Sample, SampleValue, Value};
use crate::value_type::ValueType;
use analysis::Recorder;
pub(crate) use binary::scalar_op;
use counts::StepCounts;
use shared::Selects;

/// One series of an intermediate or final result.
#[derive(Clone, Debug)]
pub(crate) struct EvalSeries {
    pub(crate) labels: Labels,
    /// With delayed name removal: the name is to be dropped at the end.
    pub(crate) drop_name: bool,
    pub(crate) column: Column,
}

/// Takes batches of series.
pub(crate) type Sink<'s> = dyn FnMut(Vec<EvalSeries>) -> Result<(), EvalError> + 's;

/// All series of an expression, and what they hold of the memory budget.
pub(crate) struct Matrix {
    pub(crate) series: Vec<EvalSeries>,
    held: Reservation,
}

/// The steps at which something is evaluated, and where its samples are counted.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) grid: Grid,
    pub(crate) counts: &'a StepCounts,
}

/// What is to be run.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) options: &'a EngineOptions,
    pub(crate) grid: Grid,
    pub(crate) instant: bool,
    pub(crate) lookback: i64,
    pub(crate) per_step_stats: bool,
    pub(crate) analyze: bool,
    pub(crate) ty: ValueType,
}

/// Runs a plan.
pub(crate) fn run(run: &Run<'_>, source: &dyn Queryable, limits: &Limits) -> QueryResult {
    let started = Instant::now();
    // Where there is no room for so many, evaluation ends before it begins.
    let counts = StepCounts::new(run.grid, run.per_step_stats && run.grid.count <= 1 << 24);
    let evaluator = Evaluator {
        plan: run.plan,
        options: run.options,
        lookback: run.lookback,
        source,
        limits,
        ledger: limits.memory.clone(),
        samples: AtomicU64::new(0),
        peak_samples: AtomicU64::new(0),
        annotations: Mutex::new(Annotations::new()),
        selects: Selects::start(run.plan, source),
        recorder: run.analyze.then(Recorder::default),
    };
    let scope = Scope { grid: run.grid, counts: &counts };
    let mut stats = QueryStats { start: run.grid.start, step: run.grid.step, ..Default::default() };
    let evaluated = limits.check().and_then(|()| evaluator.top(run, scope));
    stats.timings.inner_eval = started.elapsed();
    let sorting = Instant::now();
    let value = evaluated.and_then(|(value, _held)| {
        limits.check()?;
        Ok(sorted(value))
    });
    stats.timings.result_sort = sorting.elapsed();
    counts.report(&mut stats.samples);
    stats.samples.peak = evaluator.peak_samples.load(Ordering::Relaxed);
    stats.peak_bytes = evaluator.ledger.peak();
    stats.analysis = evaluator.recorder.as_ref().map(|recorder| recorder.tree(run.plan));
    let annotations = evaluator.annotations.into_inner().unwrap_or_else(PoisonError::into_inner);
    QueryResult { value, annotations, stats }
}

fn sorted(mut value: Value) -> Value {
    if let Value::Matrix(series) = &mut value {
        series.sort_by(|a, b| a.labels().cmp(b.labels()));
    }
    value
}

/// The state of one evaluation.
pub(crate) struct Evaluator<'a> {
    plan: &'a Plan,
    options: &'a EngineOptions,
    /// ms
    lookback: i64,
    source: &'a dyn Queryable,
    limits: &'a Limits,
    ledger: Arc<Ledger>,
    /// Samples held now, as Prometheus counts them.
    samples: AtomicU64,
    peak_samples: AtomicU64,
    annotations: Mutex<Annotations>,
    selects: Selects,
    /// Measures operators, where that was asked for.
    recorder: Option<Recorder>,
}

impl Evaluator<'_> {
    /// Evaluates the whole query and shapes its value. The reservation keeps the result accounted until it is handed out.
    fn top(&self, run: &Run<'_>, scope: Scope<'_>) -> Result<(Value, Option<Reservation>), EvalError> {
        let t = scope.grid.start;
        let _room = self.room_for_steps(&scope.grid)?;
        match (&self.plan.root.kind, run.ty) {
            (Kind::Text(text), _) => return Ok((Value::String { t, value: text.clone() }, None)),
            (Kind::Range(range), _) => return Ok((Value::Matrix(self.top_range(range, scope)?), None)),
            (Kind::Invariant(inner), ValueType::String) => {
                if let Kind::Text(text) = &inner.kind {
                    return Ok((Value::String { t, value: text.clone() }, None));
                }
            }
            _ => {}
        }
        if run.ty == ValueType::Scalar {
            let values = self.scalar(&self.plan.root, scope)?;
            if run.instant {
                let value = values.first().copied().unwrap_or(f64::NAN);
                return Ok((Value::Scalar { t, value }, None));
            }
            let column = Column::from_floats(values);
            let series = if column.is_empty() {
                vec![]
            } else {
                vec![MatrixSeries::grid(Labels::empty(), t, scope.grid.step, column)]
            };
            return Ok((Value::Matrix(series), None));
        }
        let Matrix { series, held } = self.collect(&self.plan.root, scope)?;
        let series = self.finish_names(series)?;
        if run.instant {
            let mut vector: Vec<Sample> = Vec::with_capacity(series.len());
            for s in series {
                let value = match s.column.get(0) {
                    Some(Cell::Float(v)) => SampleValue::Float(v),
                    Some(Cell::Histogram(h)) => SampleValue::Histogram(h),
                    None => continue,
                };
                match vector.last_mut().filter(|last| last.labels == s.labels) {
                    // Of a float and a histogram there can only be one.
                    Some(last) => last.value = value,
                    None => vector.push(Sample { labels: s.labels, t, value }),
                }
            }
            return Ok((Value::Vector(vector), Some(held)));
        }
        let grid = scope.grid;
        let mut matrix: Vec<MatrixSeries> = Vec::with_capacity(series.len());
        for s in series {
            let series = MatrixSeries::grid(s.labels, grid.start, grid.step, s.column);
            match matrix.last_mut().filter(|last| last.labels() == series.labels()) {
                Some(last) => last.add_histograms(&series),
                None => matrix.push(series),
            }
        }
        Ok((Value::Matrix(matrix), Some(held)))
    }

    /// The node at the top, without what only passes its value on.
    fn top_node(&self) -> &Node {
        let mut node = &self.plan.root;
        while let Kind::Invariant(inner) | Kind::Plus(inner) = &node.kind {
            node = inner;
        }
        node
    }

    /// Whether it is this call whose value is that of the query.
    fn is_top(&self, call: &Call) -> bool {
        matches!(&self.top_node().kind, Kind::Call(top) if std::ptr::eq(&raw const **top, call))
    }

    /// Whether the value of the query is this with its sign changed.
    fn negates_all(&self, node: &Node) -> bool {
        matches!(&self.top_node().kind, Kind::Negate(inner) if std::ptr::eq(&raw const **inner, node))
    }

    /// A range selector or subquery as the whole query.
    fn top_range(&self, range: &RangeNode, scope: Scope<'_>) -> Result<Vec<MatrixSeries>, EvalError> {
        let series = self.range_vector(range, scope)?;
        if !self.options.delayed_name_removal {
            return Ok(series.into_iter().map(|(s, _)| s).collect());
        }
        let mut out: Vec<MatrixSeries> = Vec::with_capacity(series.len());
        for (s, drop_name) in series {
            let labels = if drop_name { merge::without_metadata(s.labels()) } else { s.labels().clone() };
            let (floats, histograms) =
                (s.floats().collect(), s.histograms().map(|(t, h)| (t, h.clone())).collect());
            out.push(MatrixSeries::raw(labels, floats, histograms));
        }
        merge::merge_raw(out)
    }

    /// Applies delayed name removal.
    fn finish_names(&self, mut series: Vec<EvalSeries>) -> Result<Vec<EvalSeries>, EvalError> {
        if self.options.delayed_name_removal {
            for s in series.iter_mut().filter(|s| s.drop_name) {
                s.labels = merge::without_metadata(&s.labels);
            }
        }
        match &self.top_node().kind {
            // These have merged what there is to merge.
            Kind::Negate(_) if !self.options.delayed_name_removal => Ok(series),
            Kind::Call(call)
                if !self.options.delayed_name_removal
                    && matches!(call.func, FunctionId::LabelReplace | FunctionId::LabelJoin) =>
            {
                Ok(series)
            }
            _ if self.options.delayed_name_removal => merge::merge_kinds(series, true),
            _ => merge::merge_same_labels(series),
        }
    }

    /// Evaluates an expression and hands its series on batch by batch, in Prometheus's order. The same labels may come again with
    /// values at other steps.
    fn stream(&self, node: &Node, scope: Scope<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        self.limits.check()?;
        if scope.grid.count == 0 {
            return Ok(());
        }
        self.measured(node, scope, sink, |sink| self.stream_node(node, scope, sink))
    }

    fn stream_node(&self, node: &Node, scope: Scope<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        match &node.kind {
            Kind::Selector(selector) => self.stream_selector(selector, node.pos, scope, sink),
            Kind::Aggregate(a) => self.aggregate(a, node, scope, sink),
            Kind::Binary(b) => self.binary(b, node, scope, sink),
            Kind::Call(c) => self.call(c, node, scope, sink),
            Kind::Plus(inner) => self.stream(inner, scope, sink),
            Kind::Negate(inner) => self.negate(inner, scope, sink),
            Kind::Invariant(inner) => self.invariant(inner, scope, sink),
            Kind::Number(_) => {
                let values = self.scalar(node, scope)?;
                sink(vec![EvalSeries {
                    labels: Labels::empty(),
                    drop_name: false,
                    column: Column::from_floats(values),
                }])
            }
            Kind::Text(_) | Kind::Range(_) => {
                Err(EvalError::execution(format!("cannot evaluate a {} here", node.ty.documented())))
            }
        }
    }

    /// All series of an expression.
    fn collect(&self, node: &Node, scope: Scope<'_>) -> Result<Matrix, EvalError> {
        let mut all = self.empty_matrix();
        self.stream(node, scope, &mut |batch| all.append(batch))?;
        Ok(all)
    }

    fn empty_matrix(&self) -> Matrix {
        Matrix { series: Vec::new(), held: Reservation::new(&self.ledger) }
    }

    /// The values of a scalar expression, one per step.
    fn scalar(&self, node: &Node, scope: Scope<'_>) -> Result<Vec<f64>, EvalError> {
        self.limits.check()?;
        self.measured_scalar(node, scope, || self.scalar_node(node, scope))
    }

    fn scalar_node(&self, node: &Node, scope: Scope<'_>) -> Result<Vec<f64>, EvalError> {
        let steps = scope.grid.count;
        match &node.kind {
            Kind::Number(v) => Ok(vec![*v; steps]),
            Kind::Plus(inner) => self.scalar(inner, scope),
            Kind::Negate(inner) => Ok(self.scalar(inner, scope)?.into_iter().map(|v| -v).collect()),
            Kind::Binary(b) => {
                let (mut left, right) = (self.scalar(&b.lhs, scope)?, self.scalar(&b.rhs, scope)?);
                if b.op.is_trim() && steps > 0 {
                    return Err(EvalError::Execution(format!(
                        "operator {} not allowed for Scalar operations",
                        quote(b.op.as_str())
                    )));
                }
                for (l, r) in left.iter_mut().zip(right) {
                    *l = scalar_op(b.op, *l, r);
                }
                Ok(left)
            }
            Kind::Call(c) => self.scalar_call(c, scope),
            Kind::Invariant(inner) => {
                let value = self.at_first_step(scope, |scope| self.scalar(inner, scope))?;
                Ok(vec![value.first().copied().unwrap_or(f64::NAN); steps])
            }
            _ => Err(EvalError::execution(format!("expected a scalar, got a {}", node.ty.documented()))),
        }
    }

    /// Evaluates what is the same at every step once, and repeats it.
    fn invariant(&self, inner: &Node, scope: Scope<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut all = self.at_first_step(scope, |scope| self.collect(inner, scope))?;
        let mut top = inner;
        while let Kind::Plus(inner) = &top.kind {
            top = inner;
        }
        // What merges whole series may give a float and a histogram at once, of which Prometheus cannot repeat one.
        let merges = match &top.kind {
            Kind::Negate(_) => true,
            Kind::Call(call) => matches!(call.func, FunctionId::LabelReplace | FunctionId::LabelJoin),
            _ => false,
        };
        if merges && !self.options.delayed_name_removal && merge::has_same_labels(&all.series) {
            return Err(EvalError::execution("unexpected number of samples"));
        }
        let steps = scope.grid.count;
        if steps > 1 {
            for s in &mut all.series {
                let mut column = match s.column.get(0) {
                    Some(Cell::Float(v)) => Column::constant(v, steps),
                    Some(Cell::Histogram(h)) => {
                        let mut column = Column::constant(crate::column::ABSENT, steps);
                        column.histograms = vec![Some(h); steps];
                        column
                    }
                    None => Column::default(),
                };
                std::mem::swap(&mut column, &mut s.column);
                self.add_samples(s.column.sample_count() - column.sample_count())?;
            }
            all.account()?;
        }
        sink(std::mem::take(&mut all.series))
    }

    /// Runs `f` at the first step only, and counts its samples for every step.
    fn at_first_step<T>(
        &self,
        scope: Scope<'_>,
        f: impl FnOnce(Scope<'_>) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        let grid = Grid::new(scope.grid.start, scope.grid.start, scope.grid.step);
        let counts = StepCounts::new(grid, false);
        let result = f(Scope { grid, counts: &counts })?;
        scope.counts.add_invariant(&counts);
        Ok(result)
    }

    /// Counts samples that are held from now on.
    fn add_samples(&self, n: u64) -> Result<(), EvalError> {
        let now = self.samples.fetch_add(n, Ordering::Relaxed) + n;
        self.peak_samples.fetch_max(now, Ordering::Relaxed);
        if self.limits.max_samples > 0 && now > self.limits.max_samples {
            return Err(EvalError::TooManySamples);
        }
        Ok(())
    }

    /// Makes sure that there is room for what is held for every step whatever is evaluated: counts, and the values of scalars. The
    /// range and step of a subquery may ask for billions.
    fn room_for_steps(&self, grid: &Grid) -> Result<Reservation, EvalError> {
        const MOST: usize = 1 << 31;
        const BYTES: usize = 32;
        if grid.count > MOST {
            return Err(EvalError::TooManySamples);
        }
        let mut room = Reservation::new(&self.ledger);
        room.grow(grid.count * BYTES)?;
        Ok(room)
    }

    /// The count of held samples, to go back to when an operation is over.
    fn samples_now(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// Ends an operation: its inputs are gone, its output stays.
    fn settle_samples(&self, before: u64, output: u64) -> Result<(), EvalError> {
        self.samples.store(before, Ordering::Relaxed);
        self.add_samples(output)
    }

    fn annotate(&self, annotation: Annotation) {
        self.annotations.lock().unwrap_or_else(PoisonError::into_inner).add(annotation);
    }

    fn annotate_all(&self, annotations: impl IntoIterator<Item = Annotation>) {
        self.annotations.lock().unwrap_or_else(PoisonError::into_inner).extend(annotations);
    }

    fn merge_notes(&self, annotations: Annotations) {
        self.annotations.lock().unwrap_or_else(PoisonError::into_inner).merge(annotations);
    }
}

impl Matrix {
    /// Adds series.
    fn append(&mut self, batch: Vec<EvalSeries>) -> Result<(), EvalError> {
        self.held.grow(batch.iter().map(EvalSeries::size).sum())?;
        if self.series.is_empty() {
            self.series = batch;
        } else {
            self.series.extend(batch);
        }
        Ok(())
    }

    /// Sets the reservation to what is held now.
    fn account(&mut self) -> Result<(), EvalError> {
        self.held.set(self.series.iter().map(EvalSeries::size).sum())
    }
}

impl EvalSeries {
    fn size(&self) -> usize {
        size_of::<Self>() + self.column.heap_size() + self.labels.heap_size()
    }
}

/// What the series hold in samples.
fn sample_count(series: &[EvalSeries]) -> u64 {
    series.iter().map(|s| s.column.sample_count()).sum()
}
