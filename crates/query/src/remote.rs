//! Distributed mode: parts of a query are left to the queriers that are among the endpoints, over the Query API.
//!
//! [`promql::distribute`] says what may be left to whom. A query stays here as a whole where it could see other data than the
//! queriers would: some endpoint serves StoreAPI but no Query API, replicas are not joined, stores are picked, or a shard is asked for.

mod engines;
mod histogram;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use promql::distribute::{Distributed, LeafValue, Part, RemoteSample, distribute, left_out_a_group};
use promql::engine::Query;
use prost::Message as _;
use proto::labels_from_proto;
use proto::prometheus_copy::TimeSeries;
use proto::thanos::{QueryRangeRequest, QueryRequest, QueryStats};
use storeapi::grpc::QueryAnswer;
use storeapi::{CallFigures, Error, ErrorKind, PartialResponse, RequestContext};

use crate::api::{QueryApi, QueryOptions};
use crate::config::{EngineName, QueryMode};

use engines::Engines;

/// Series per message asked for.
const BATCH: i64 = 64;
const SECOND_MS: i64 = 1000;

/// A query with what is left to others.
pub(crate) struct RemoteQuery {
    /// What is evaluated here.
    pub(crate) query: Query,
    distributed: Distributed,
    engines: Engines,
}

/// What the others answered.
#[derive(Default)]
pub(crate) struct Answers {
    /// The values of the leaves, in their order.
    pub(crate) leaves: Vec<LeafValue>,
    pub(crate) warnings: Vec<String>,
    /// Samples that they looked at, all together.
    pub(crate) samples: u64,
    /// The most that one of them held.
    pub(crate) peak_samples: u64,
    /// What each did for which leaf, where the options ask for it.
    pub(crate) calls: Vec<(usize, CallFigures)>,
}

/// Why there are no answers.
pub(crate) enum NoAnswers {
    /// Some querier cannot evaluate what it was asked, or its answer does not tell enough; the query is to be evaluated here.
    Refused { address: String, error: Error },
    /// The query failed.
    Failed(String),
}

impl QueryApi {
    /// Whether parts of queries with these options may be left to others.
    pub(crate) fn is_distributed(&self, options: &QueryOptions) -> bool {
        self.config.mode == QueryMode::Distributed && options.engine == EngineName::Thanos
    }

    /// Splits a query; `None` where all of it is evaluated here.
    pub(crate) fn split(&self, query: &Query, options: &QueryOptions) -> Option<RemoteQuery> {
        let whole = options.deduplicate && options.shard_info.is_none() && options.store_matchers.is_empty();
        if !self.is_distributed(options) || !whole || query.lookback() % SECOND_MS != 0 {
            return None;
        }
        let engines = Engines::of(&self.endpoints, &self.config, &options.replica_labels)?;
        let distributed = distribute(
            query.expr(),
            query.params(),
            query.lookback(),
            self.engine.options(),
            engines.descriptions(),
        )?;
        let rest = self
            .engine
            .prepare_joined(distributed.expr.clone(), *query.params(), options.joined_labels())
            .ok()?;
        Some(RemoteQuery { query: rest, distributed, engines })
    }

    /// Asks the queriers for all leaves at once.
    pub(crate) async fn ask(
        &self,
        remote: &RemoteQuery,
        options: &QueryOptions,
        timeout: Duration,
    ) -> Result<Answers, NoAnswers> {
        let max_bytes = match self.config.max_query_bytes {
            0 => self.config.max_total_bytes,
            bytes => bytes,
        };
        let asking = Asking { remote, options, timeout, max_bytes };
        let parts = remote.distributed.leaves.iter().enumerate();
        let parts = parts.flat_map(|(leaf, value)| value.parts.iter().map(move |part| (leaf, part)));
        let answered = try_join_all(parts.map(|(leaf, part)| async move {
            let begun = Instant::now();
            let answer = asking.ask(part).await?;
            Ok::<_, NoAnswers>((leaf, part, answer, begun.elapsed()))
        }));
        let mut answers = Answers {
            leaves: vec![LeafValue::default(); remote.distributed.leaves.len()],
            ..Answers::default()
        };
        for (leaf, part, answer, took) in answered.await? {
            let address = remote.engines.address(part.engine);
            if options.fanout.is_some() {
                answers.calls.push((leaf, answer.figures(address, took)));
            }
            if let Some(text) = answer.warnings.iter().find(|text| left_out_a_group(text)) {
                let error = Error::new(ErrorKind::Unknown, text);
                return Err(NoAnswers::Refused { address: address.to_owned(), error });
            }
            let warnings = answer.warnings.into_iter();
            answers.warnings.extend(warnings.map(|text| format!("remote query warning ({address}): {text}")));
            answers.samples += u64::try_from(answer.stats.samples_total).unwrap_or(0);
            answers.peak_samples =
                answers.peak_samples.max(u64::try_from(answer.stats.peak_samples).unwrap_or(0));
            for series in answer.series {
                add(&mut answers.leaves[leaf], part, series).map_err(|broken| {
                    NoAnswers::Failed(format!("remote exec error ({address}): {broken}"))
                })?;
            }
            answers.warnings.extend(answer.failed);
        }
        Ok(answers)
    }
}

/// Takes a series of an answer into the value of its leaf.
fn add(leaf: &mut LeafValue, part: &Part, series: TimeSeries) -> Result<(), String> {
    let labels = labels_from_proto(&series.labels);
    // An instant query's time is that of the step, whatever the answer says.
    let time = |t: i64| if part.step == 0 { part.start } else { t };
    let mut histograms = Vec::with_capacity(series.histograms.len());
    for h in &series.histograms {
        let histogram = histogram::from_proto(h)
            .ok_or_else(|| format!("series {labels} has a broken histogram at {}", h.timestamp))?;
        histograms.push((time(h.timestamp), RemoteSample::Histogram(Arc::new(histogram))));
    }
    let floats = series.samples.into_iter().map(|s| (time(s.timestamp), RemoteSample::Float(s.value)));
    leaf.add(&part.owned, labels, floats.chain(histograms));
    Ok(())
}

/// An answer, and the warning that stands for one that failed.
#[derive(Default)]
struct Partial {
    series: Vec<TimeSeries>,
    warnings: Vec<String>,
    stats: QueryStats,
    failed: Option<String>,
}

impl Partial {
    fn figures(&self, address: &str, took: Duration) -> CallFigures {
        let samples = self.series.iter().map(|series| series.samples.len() + series.histograms.len());
        CallFigures {
            address: address.to_owned(),
            took,
            bytes: self.series.iter().map(|series| series.encoded_len() as u64).sum(),
            series: self.series.len() as u64,
            samples: samples.sum::<usize>() as u64,
            error: self.failed.clone(),
            ..CallFigures::default()
        }
    }
}

#[derive(Clone, Copy)]
struct Asking<'a> {
    remote: &'a RemoteQuery,
    options: &'a QueryOptions,
    timeout: Duration,
    max_bytes: u64,
}

impl Asking<'_> {
    async fn ask(&self, part: &Part) -> Result<Partial, NoAnswers> {
        let address = self.remote.engines.address(part.engine);
        let answer = match tokio::time::timeout(self.timeout, self.call(part)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(ErrorKind::DeadlineExceeded, "context deadline exceeded")),
        };
        match answer {
            // A failed instant query comes as a warning alone, as in Thanos.
            Ok(QueryAnswer { series, warnings, stats })
                if part.step == 0
                    && series.is_empty()
                    && stats == QueryStats::default()
                    && !warnings.is_empty() =>
            {
                let error = Error::new(ErrorKind::Aborted, warnings.join(", "));
                Err(NoAnswers::Refused { address: address.to_owned(), error })
            }
            Ok(QueryAnswer { series, warnings, stats }) => {
                Ok(Partial { series, warnings, stats, failed: None })
            }
            Err(error) if is_refusal(&error) => {
                Err(NoAnswers::Refused { address: address.to_owned(), error })
            }
            Err(error) if self.options.partial_response == PartialResponse::Warn => {
                let failed = Some(format!("remote query error ({address}): {error}"));
                Ok(Partial { failed, ..Partial::default() })
            }
            Err(error) => Err(NoAnswers::Failed(format!("remote exec error ({address}): {error}"))),
        }
    }

    async fn call(&self, part: &Part) -> Result<QueryAnswer, Error> {
        let options = self.options;
        let context = RequestContext { tenant: options.tenant.clone(), ..RequestContext::default() };
        let seconds = |ms: i64| ms / SECOND_MS;
        let querier = self.remote.engines.querier(part.engine);
        // At least a second, for 0 means no limit of the asker.
        let timeout_seconds = i64::try_from(self.timeout.as_secs()).unwrap_or(i64::MAX).max(1);
        let max_resolution_seconds = seconds(options.max_resolution_ms);
        let lookback_delta_seconds = seconds(self.remote.query.lookback());
        let enable_partial_response = options.partial_response == PartialResponse::Warn;
        if part.step == 0 {
            let request = QueryRequest {
                query: part.query.clone(),
                time_seconds: seconds(part.start),
                timeout_seconds,
                max_resolution_seconds,
                replica_labels: options.replica_labels.clone(),
                enable_dedup: true,
                enable_partial_response,
                lookback_delta_seconds,
                response_batch_size: BATCH,
                ..QueryRequest::default()
            };
            return querier.query(request, &context, self.max_bytes).await;
        }
        let request = QueryRangeRequest {
            query: part.query.clone(),
            start_time_seconds: seconds(part.start),
            end_time_seconds: seconds(part.end),
            interval_seconds: seconds(part.step),
            timeout_seconds,
            max_resolution_seconds,
            replica_labels: options.replica_labels.clone(),
            enable_dedup: true,
            enable_partial_response,
            lookback_delta_seconds,
            response_batch_size: BATCH,
            ..QueryRangeRequest::default()
        };
        querier.query_range(request, &context, self.max_bytes).await
    }
}

/// Whether a querier answers that it does not know the call or the language of the query, or that the query itself fails (`Aborted`).
/// Evaluated here, the query either works or fails with its own error; a partial answer would hide that.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unimplemented | ErrorKind::Unknown | ErrorKind::InvalidArgument | ErrorKind::Aborted
    )
}
