//! Queries from expression to result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::annotations::Annotations;
use crate::ast::{AtModifier, Expr, RangeModifier};
use crate::error::EvalError;
use crate::eval;
use crate::limits::Limits;
use crate::parse::{ParseOptions, parse_expr};
pub use crate::plan::rules::Rules;
use crate::plan::{self, BuildOptions, ExplainNode, Grid, Plan};
use crate::source::{Queryable, SelectParams};
use crate::stats::QueryStats;
use crate::value::Value;
use crate::value_type::ValueType;

/// Prometheus's default of [`EngineOptions::lookback_delta`].
pub const DEFAULT_LOOKBACK_DELTA: Duration = Duration::from_secs(300);

/// The step of a subquery that has none, by its range; both in ms.
pub type SubqueryStep = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// How an engine evaluates. The defaults are those of a plain Prometheus.
#[derive(Clone)]
pub struct EngineOptions {
    /// How far back an instant selector looks for a sample.
    pub lookback_delta: Duration,
    /// The step of subqueries without one.
    pub default_subquery_step: SubqueryStep,
    /// Which parts of the language are switched on.
    pub parse: ParseOptions,
    /// Whether `@` is allowed.
    pub enable_at_modifier: bool,
    /// Whether negative offsets are allowed.
    pub enable_negative_offset: bool,
    /// Drop metric names at the end of the evaluation only (`promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
    /// Tell counters by `__type__` instead of the name (`type-and-unit-labels`).
    pub type_and_unit_labels: bool,
    /// Use start timestamps in rates (`use-start-timestamps`).
    pub use_start_timestamps: bool,
    /// Where series are decoded; none for the calling thread.
    pub pool: Option<Arc<rayon::ThreadPool>>,
    /// Which rewrites are made to plans.
    pub rules: Rules,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback_delta: DEFAULT_LOOKBACK_DELTA,
            default_subquery_step: Arc::new(|_| 60_000),
            parse: ParseOptions::default(),
            enable_at_modifier: true,
            enable_negative_offset: true,
            delayed_name_removal: false,
            type_and_unit_labels: false,
            use_start_timestamps: false,
            pool: None,
            rules: Rules::default(),
        }
    }
}

impl std::fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("lookback_delta", &self.lookback_delta)
            .field("delayed_name_removal", &self.delayed_name_removal)
            .field("type_and_unit_labels", &self.type_and_unit_labels)
            .field("use_start_timestamps", &self.use_start_timestamps)
            .finish_non_exhaustive()
    }
}

/// The times of a query, ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryParams {
    /// The first step, or the time of an instant query.
    pub start: i64,
    /// No step is later.
    pub end: i64,
    /// Distance of steps; 0 of an instant query.
    pub step: i64,
    /// Replaces the engine's lookback delta where it is positive.
    pub lookback_delta: i64,
    /// Count samples per step.
    pub per_step_stats: bool,
    /// Measure each operator.
    pub analyze: bool,
}

impl QueryParams {
    /// An instant query at `t`.
    pub fn instant(t: i64) -> Self {
        Self::range(t, t, 0)
    }

    /// A range query.
    pub fn range(start: i64, end: i64, step: i64) -> Self {
        Self { start, end, step, lookback_delta: 0, per_step_stats: false, analyze: false }
    }

    /// Whether it is an instant query.
    pub fn is_instant(&self) -> bool {
        self.start == self.end && self.step == 0
    }
}

/// Plans queries.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    options: Arc<EngineOptions>,
}

impl Engine {
    /// An engine with the given options.
    pub fn new(options: EngineOptions) -> Self {
        Self { options: Arc::new(options) }
    }

    /// The options.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Parses and plans a query.
    pub fn query(&self, text: &str, params: QueryParams) -> Result<Query, EvalError> {
        let expr = parse_expr(text, &self.options.parse).map_err(|e| EvalError::Parse(e.to_string()))?;
        self.prepare(expr, params)
    }

    /// Plans an expression. Errors where the expression cannot be evaluated with these parameters and options.
    pub fn prepare(&self, expr: Expr, params: QueryParams) -> Result<Query, EvalError> {
        self.prepare_joined(expr, params, &[])
    }

    /// As [`Self::prepare`], for a source that joins the replicas which `replica_labels` tell apart: these labels can be matched, but no
    /// series has them, so that what one operand's matcher says of them does not hold for another operand.
    pub fn prepare_joined(
        &self,
        expr: Expr,
        params: QueryParams,
        replica_labels: &[String],
    ) -> Result<Query, EvalError> {
        let started = Instant::now();
        let options = &*self.options;
        check_switches(&expr, options)?;
        let ty = expr.value_type();
        if !params.is_instant() && ty != ValueType::Vector && ty != ValueType::Scalar {
            let text = format!(
                "invalid expression type {:?} for range query, must be Scalar or instant Vector",
                ty.documented()
            );
            return Err(EvalError::Invalid(text));
        }
        let lookback = match params.lookback_delta {
            ms if ms > 0 => ms,
            _ => i64::try_from(options.lookback_delta.as_millis()).unwrap_or(i64::MAX),
        };
        let build = BuildOptions {
            start: params.start,
            end: params.end,
            step: params.step,
            lookback,
            rules: options.rules,
            replica_labels,
            default_subquery_step: &*options.default_subquery_step,
        };
        let plan = plan::build(&expr, build)?;
        Ok(Query { options: self.options.clone(), expr, plan, params, lookback, prepare: started.elapsed() })
    }
}

/// `@` and negative offsets may be switched off.
fn check_switches(expr: &Expr, options: &EngineOptions) -> Result<(), EvalError> {
    if options.enable_at_modifier && options.enable_negative_offset {
        return Ok(());
    }
    let mut found = None;
    let mut check = |at: Option<AtModifier>, offset: i64| {
        if at.is_some() && !options.enable_at_modifier {
            found.get_or_insert("@ modifier is disabled");
        } else if offset < 0 && !options.enable_negative_offset {
            found.get_or_insert("negative offset is disabled");
        }
    };
    expr.walk(&mut |e| match e {
        Expr::VectorSelector(v) => check(v.at, v.offset.0),
        Expr::MatrixSelector(m) => check(m.selector.at, m.selector.offset.0),
        Expr::Subquery(s) => check(s.at, s.offset.0),
        _ => {}
    });
    found.map_or(Ok(()), |text| Err(EvalError::Invalid(text.into())))
}

/// A planned query. It can be run more than once.
#[derive(Clone, Debug)]
pub struct Query {
    options: Arc<EngineOptions>,
    expr: Expr,
    plan: Plan,
    params: QueryParams,
    /// ms
    lookback: i64,
    prepare: Duration,
}

/// What a query gave.
#[derive(Debug)]
pub struct QueryResult {
    /// The value, or why there is none.
    pub value: Result<Value, EvalError>,
    /// Warnings and infos, also of a query that failed.
    pub annotations: Annotations,
    /// What it took.
    pub stats: QueryStats,
}

impl Query {
    /// The expression.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// The parameters.
    pub fn params(&self) -> &QueryParams {
        &self.params
    }

    /// How far back an instant selector looks, ms.
    pub fn lookback(&self) -> i64 {
        self.lookback
    }

    /// The selects that the query will make, each once; [`Queryable::select`] is called with these very values. `info()` makes
    /// further ones while it runs, for they depend on data.
    pub fn selects(&self) -> &[SelectParams] {
        &self.plan.selects
    }

    /// The earliest and latest time of any select (ms, closed); zeros if there are none.
    pub fn time_range(&self) -> (i64, i64) {
        let min = self.plan.selects.iter().map(|s| s.mint).min();
        let max = self.plan.selects.iter().map(|s| s.maxt).max();
        (min.unwrap_or(0), max.unwrap_or(0))
    }

    /// The tree of operators.
    pub fn explain(&self) -> ExplainNode {
        self.plan.explain()
    }

    /// Evaluates the query. Blocks; meant for a worker thread.
    pub fn exec(&self, source: &dyn Queryable, limits: &Limits) -> QueryResult {
        // Evaluation descends the plan on the stack; a plan may be as high as the parser allows.
        const SHALLOW: usize = 48;
        if self.plan.depth <= SHALLOW {
            return self.exec_here(source, limits);
        }
        std::thread::scope(|scope| {
            let stack = self.plan.depth * 64 * 1024;
            let run = std::thread::Builder::new()
                .name("promql-deep".into())
                .stack_size(stack)
                .spawn_scoped(scope, || self.exec_here(source, limits));
            match run.map(|handle| handle.join()) {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(e) => QueryResult {
                    value: Err(EvalError::execution(format!("start a thread for a deep query: {e}"))),
                    annotations: Annotations::new(),
                    stats: QueryStats::default(),
                },
            }
        })
    }

    fn exec_here(&self, source: &dyn Queryable, limits: &Limits) -> QueryResult {
        let step = self.params.step.max(1);
        let run = eval::Run {
            plan: &self.plan,
            options: &self.options,
            grid: Grid::new(self.params.start, self.params.end, step),
            instant: self.params.is_instant(),
            lookback: self.lookback,
            per_step_stats: self.params.per_step_stats,
            analyze: self.params.analyze,
            ty: self.expr.value_type(),
        };
        let mut result = eval::run(&run, source, limits);
        result.stats.timings.prepare = self.prepare;
        result
    }
}

/// Whether a range modifier is one of the experimental ones that look beyond the range.
pub(crate) fn looks_beyond(modifier: RangeModifier) -> bool {
    modifier != RangeModifier::None
}
