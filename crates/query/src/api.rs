//! The query API: what the HTTP and gRPC handlers call. Decides what is asked of stores and runs evaluations.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::matcher::Matcher;
use prometheus::{Histogram, HistogramOpts, Registry, exponential_buckets};
use promql::EvalError;
use promql::annotations::Annotation;
use promql::ast::Expr;
use promql::distribute::WithLeaves;
use promql::engine::{Engine, EngineOptions, Query, QueryParams, QueryResult};
use promql::limits::{Cancel, Ledger, Limits, ProcessBudget};
use promql::parse::parse_expr;
use promql::source::SelectParams;
use storeapi::endpoint::EndpointSet;
use storeapi::{PartialResponse, RequestContext, ShardInfo, StoreApi};

use crate::active::ActiveQueries;
use crate::config::{EngineName, QueryConfig};
use crate::engine_metrics::EngineMetrics;
use crate::fanout::Fanout;
use crate::gate::Gate;
use crate::http::respond::{ApiError, ApiErrorKind};
use crate::remote::{Answers, NoAnswers};
use crate::select::{
    FanoutDetail, Fanouts, SelectContext, SelectOptions, SelectStats, SelectTasks, Standing, StoreQueryable,
};
use crate::telemetry::QueryTelemetry;

/// What one query asks for, beside its expression and times.
#[derive(Clone, Debug, Default)]
pub struct QueryOptions {
    /// Whether replicas are joined.
    pub deduplicate: bool,
    /// Labels that tell replicas apart.
    pub replica_labels: Vec<String>,
    /// Lists of matchers on a store's `__address__`; one of them must match.
    pub store_matchers: Vec<Vec<Matcher>>,
    /// What to do when a part of the stores fails.
    pub partial_response: PartialResponse,
    /// Coarsest resolution that will do, ms.
    pub max_resolution_ms: i64,
    /// The shard wanted.
    pub shard_info: Option<ShardInfo>,
    /// Lookback delta; `None` for the configured one.
    pub lookback_delta: Option<Duration>,
    /// Shortens the configured timeout.
    pub timeout: Option<Duration>,
    /// Tenant.
    pub tenant: Option<String>,
    /// The engine asked for.
    pub engine: EngineName,
    /// What is to be told of the stores' answers.
    pub fanout: Option<FanoutDetail>,
}

impl QueryOptions {
    /// The labels by which replicas are joined: none without deduplication.
    pub(crate) fn joined_labels(&self) -> &[String] {
        if self.deduplicate { &self.replica_labels } else { &[] }
    }

    /// What the selects of the query share.
    pub fn select_options(&self) -> SelectOptions {
        SelectOptions {
            replica_labels: self.joined_labels().to_vec(),
            max_resolution_ms: self.max_resolution_ms,
            partial_response: self.partial_response,
            shard_info: self.shard_info.clone(),
            context: RequestContext {
                tenant: self.tenant.clone(),
                store_matchers: self.store_matchers.clone(),
                ..RequestContext::default()
            },
            fanout: self.fanout,
        }
    }
}

/// A query that was evaluated.
pub struct Evaluated {
    /// Its outcome.
    pub result: QueryResult,
    /// What the selects brought.
    pub stats: Arc<SelectStats>,
    /// What the stores did, where the options ask for it.
    pub fanouts: Arc<Fanouts>,
    /// How long it took, waiting at the gate left out.
    pub took: Duration,
}

/// The query API. Built once, shared by all handlers.
pub struct QueryApi {
    pub(crate) config: QueryConfig,
    pub(crate) engine: Engine,
    engine_metrics: EngineMetrics,
    /// What all queries together may hold.
    budget: Option<Arc<ProcessBudget>>,
    pub(crate) selects: SelectContext,
    pub(crate) gate: Gate,
    active: Option<ActiveQueries>,
    pub(crate) endpoints: EndpointSet,
    pub(crate) fanout: Fanout,
    pub(crate) telemetry: QueryTelemetry,
    pub(crate) requested_range: Histogram,
    pub(crate) started: SystemTime,
}

impl QueryApi {
    /// Puts the API together over a store (the proxy) and the endpoints behind it.
    pub fn new(
        config: QueryConfig,
        store: Arc<dyn StoreApi>,
        endpoints: EndpointSet,
        registry: &Registry,
    ) -> Result<Self, BuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(config.evaluation_threads)
            .thread_name(|number| format!("eval-{number}"))
            .build()?;
        let subquery_step = i64::try_from(config.default_evaluation_interval.as_millis()).unwrap_or(i64::MAX);
        let mut options = EngineOptions {
            default_subquery_step: Arc::new(move |_| subquery_step),
            delayed_name_removal: config.delayed_name_removal,
            type_and_unit_labels: config.type_and_unit_labels,
            use_start_timestamps: config.use_start_timestamps,
            pool: Some(Arc::new(pool)),
            ..EngineOptions::default()
        };
        if !config.lookback_delta.is_zero() {
            options.lookback_delta = config.lookback_delta;
        }
        let selects = SelectContext {
            store,
            gate: Gate::new(
                config.max_concurrent_selects,
                "thanos_query_concurrent_selects_",
                "selects",
                registry,
            )?,
            timeout: config.timeout,
            deduplication: config.deduplication,
            standing: Standing::default(),
        };
        let gate = Gate::new(config.max_concurrent, "thanos_query_concurrent_", "queries", registry)?;
        let active = match &config.active_query_path {
            Some(folder) => Some(ActiveQueries::open(folder, config.max_concurrent.max(1))?),
            None => None,
        };
        let requested_range = Histogram::with_opts(
            HistogramOpts::new(
                "thanos_query_range_requested_timespan_duration_seconds",
                "Time spans that range queries asked for, in seconds.",
            )
            .buckets(exponential_buckets(15.0 * 60.0, 2.0, 12)?),
        )?;
        registry.register(Box::new(requested_range.clone()))?;
        Ok(QueryApi {
            engine: Engine::new(options),
            engine_metrics: EngineMetrics::new(registry)?,
            budget: (config.max_total_bytes > 0).then(|| ProcessBudget::new(config.max_total_bytes)),
            selects,
            gate,
            active,
            fanout: Fanout::new(
                endpoints.clone(),
                config.selector_labels.clone(),
                config.replica_labels.clone(),
            ),
            endpoints,
            telemetry: QueryTelemetry::new(&config.telemetry, registry)?,
            requested_range,
            started: SystemTime::now(),
            config,
        })
    }

    /// Parses an expression and keeps it to the tenant when that is enforced.
    pub fn parse(&self, text: &str, tenant: &str) -> Result<Expr, ApiError> {
        let mut expr = parse_expr(text, &self.config.parse_options).map_err(ApiError::bad_data)?;
        self.config.tenancy.enforce_expr(tenant, &mut expr);
        Ok(expr)
    }

    /// Plans an expression.
    pub fn prepare(
        &self,
        expr: Expr,
        mut params: QueryParams,
        options: &QueryOptions,
    ) -> Result<Query, ApiError> {
        let lookback = options
            .lookback_delta
            .unwrap_or_else(|| self.config.lookback_delta_for(options.max_resolution_ms));
        params.lookback_delta = i64::try_from(lookback.as_millis()).unwrap_or(i64::MAX);
        if self.is_distributed(options) && params.step % 1000 == 0 {
            // The Query API knows whole seconds only; Thanos cuts the times as well.
            params.start -= params.start.rem_euclid(1000);
            params.end -= params.end.rem_euclid(1000);
        }
        self.engine
            .prepare_joined(expr, params, options.joined_labels())
            .map_err(|error| evaluation_error(&error))
    }

    /// Evaluates a query off the async threads. Dropping the future cancels the evaluation and its selects.
    pub async fn evaluate(&self, query: Query, options: &QueryOptions) -> Result<Evaluated, ApiError> {
        let timeout = options.timeout.map_or(self.config.timeout, |asked| asked.min(self.config.timeout));
        let deadline = Instant::now() + timeout;
        let _turn = tokio::time::timeout(timeout, self.gate.enter())
            .await
            .map_err(|_| ApiError::execution("context deadline exceeded"))?;
        let begun = Instant::now();
        let _running = self.engine_metrics.begin(options.engine, self.is_distributed(options));
        let text = query.expr().to_string();
        let _active = self.active.as_ref().map(|active| active.enter(&text));
        let limits = Limits {
            max_samples: self.config.max_samples,
            memory: Ledger::new(self.config.max_query_bytes, self.budget.clone()),
            deadline: Some(deadline),
            cancel: Cancel::new(),
        };
        let (query, remote, source) = self.source(query, options, &limits).await?;
        let stats = source.storage().stats().clone();
        let fanouts = source.storage().fanouts().clone();
        let cancel = CancelOnDrop { evaluation: limits.cancel.clone(), selects: source.storage().tasks() };
        let evaluation = tokio::task::spawn_blocking(move || query.exec(&source, &limits));
        let mut result =
            evaluation.await.map_err(|error| ApiError::internal(format!("evaluate query: {error}")))?;
        drop(cancel);
        for (leaf, figures) in remote.calls {
            fanouts.add_leaf(leaf, figures);
        }
        result.annotations.extend(remote.warnings.into_iter().map(Annotation::storage_warning));
        result.stats.samples.total_queryable += remote.samples;
        result.stats.samples.peak = result.stats.samples.peak.max(remote.peak_samples);
        self.engine_metrics.observe(options.engine, &result.stats);
        if let Err(
            error @ (EvalError::QueryMemory { .. }
            | EvalError::ProcessMemory { .. }
            | EvalError::TooManySamples),
        ) = &result.value
        {
            tracing::warn!(query = text, %error, "query was ended at a limit");
        }
        Ok(Evaluated { result, stats, fanouts, took: begun.elapsed() })
    }
}

impl QueryApi {
    /// What a query reads: the selects over the stores, started, and what other queriers computed. Gives the query that is left to
    /// evaluate.
    async fn source(
        &self,
        query: Query,
        options: &QueryOptions,
        limits: &Limits,
    ) -> Result<(Query, Answers, WithLeaves<StoreQueryable>), ApiError> {
        let left =
            || limits.deadline.map_or(self.config.timeout, |at| at.saturating_duration_since(Instant::now()));
        let over = |error: EvalError| evaluation_error(&error);
        let selects = |query: &Query| {
            let mut context = self.selects.clone();
            context.gate = context.gate.another();
            context.timeout = left();
            let stored: Vec<SelectParams> =
                query.selects().iter().filter(|select| select.remote.is_none()).cloned().collect();
            StoreQueryable::prefetch(
                context,
                options.select_options(),
                &stored,
                query.time_range(),
                limits.memory.clone(),
            )
        };
        let Some(split) = self.split(&query, options) else {
            let source = WithLeaves::new(selects(&query), Vec::new(), &limits.memory).map_err(over)?;
            return Ok((query, Answers::default(), source));
        };
        let stored = selects(&split.query);
        match self.ask(&split, options, left()).await {
            Ok(mut answers) => {
                let leaves = std::mem::take(&mut answers.leaves);
                let source = WithLeaves::new(stored, leaves, &limits.memory).map_err(over)?;
                Ok((split.query, answers, source))
            }
            Err(NoAnswers::Refused { address, error }) => {
                tracing::warn!(
                    address,
                    %error,
                    query = %query.expr(),
                    "the answer of a querier cannot be used, the query is evaluated here instead"
                );
                drop(stored);
                let source = WithLeaves::new(selects(&query), Vec::new(), &limits.memory).map_err(over)?;
                Ok((query, Answers::default(), source))
            }
            Err(NoAnswers::Failed(text)) => Err(ApiError::execution(text)),
        }
    }
}

/// Ends an evaluation whose waiter went away, and the selects it may be waiting for.
struct CancelOnDrop {
    evaluation: Cancel,
    selects: SelectTasks,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.evaluation.cancel();
        self.selects.abort();
    }
}

/// An evaluation's error as an API error.
pub(crate) fn evaluation_error(error: &EvalError) -> ApiError {
    let kind = match error {
        EvalError::Timeout(_) => ApiErrorKind::Timeout,
        EvalError::Cancelled(_) => ApiErrorKind::Canceled,
        EvalError::Invalid(_) | EvalError::Parse(_) => ApiErrorKind::BadData,
        _ => ApiErrorKind::Execution,
    };
    ApiError { kind, message: error.to_string() }
}

/// Now, ms since the epoch.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Why the querier cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A metric is registered twice.
    #[error("register metrics of the querier: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The evaluation threads cannot be started.
    #[error("start evaluation threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The log of running queries cannot be kept.
    #[error("{0}")]
    ActiveQueries(#[from] std::io::Error),
    /// A setting that this build does not support.
    #[error("{0}")]
    Unsupported(String),
}
