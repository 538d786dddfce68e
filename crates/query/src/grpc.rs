//! The Query API over gRPC, which queriers above this one call, and the gRPC services of the querier.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use model::histogram::{CounterResetHint, FloatHistogram};
use model::labels::Labels;
use promql::engine::QueryParams;
use promql::value::{SampleValue, Value};
use proto::labels_to_proto;
use proto::matchers_from_proto;
use proto::prometheus_copy::{self as prom, TimeSeries, histogram};
use proto::thanos::query_server::{Query, QueryServer};
use proto::thanos::{
    EngineType, QueryRangeRequest, QueryRangeResponse, QueryRequest, QueryResponse, QueryStats, ShardInfo,
    StoreMatchers, TimeSeriesBatch, query_range_response, query_response,
};
use storeapi::PartialResponse;
use tonic::{Code, Request, Response, Status};

use crate::api::{QueryApi, QueryOptions, now_ms};
use crate::config::EngineName;
use crate::http::respond::ApiError;

/// Serves `thanos.Query`.
pub(crate) struct QueryService(Arc<QueryApi>);

/// The gRPC service of the query API.
pub(crate) fn service(api: Arc<QueryApi>) -> QueryServer<QueryService> {
    QueryServer::new(QueryService(api))
        .max_decoding_message_size(storeapi::grpc::MAX_MESSAGE_SIZE)
        .max_encoding_message_size(storeapi::grpc::MAX_MESSAGE_SIZE)
}

/// One part of an answer, of either call.
enum Part {
    Warning(String),
    Series(TimeSeries),
    Batch(Vec<TimeSeries>),
    Stats(QueryStats),
}

impl From<Part> for QueryResponse {
    fn from(part: Part) -> Self {
        use query_response::Result;
        QueryResponse {
            result: Some(match part {
                Part::Warning(text) => Result::Warnings(text),
                Part::Series(series) => Result::Timeseries(series),
                Part::Batch(series) => Result::TimeseriesBatch(TimeSeriesBatch { series }),
                Part::Stats(stats) => Result::Stats(stats),
            }),
        }
    }
}

impl From<Part> for QueryRangeResponse {
    fn from(part: Part) -> Self {
        use query_range_response::Result;
        QueryRangeResponse {
            result: Some(match part {
                Part::Warning(text) => Result::Warnings(text),
                Part::Series(series) => Result::Timeseries(series),
                Part::Batch(series) => Result::TimeseriesBatch(TimeSeriesBatch { series }),
                Part::Stats(stats) => Result::Stats(stats),
            }),
        }
    }
}

type Parts<R> = BoxStream<'static, Result<R, Status>>;

/// The options that both requests carry.
struct Common {
    timeout_seconds: i64,
    max_resolution_seconds: i64,
    replica_labels: Vec<String>,
    store_matchers: Vec<StoreMatchers>,
    deduplicate: bool,
    partial_response: bool,
    shard_info: Option<ShardInfo>,
    lookback_delta_seconds: i64,
    engine: i32,
    tenant: Option<String>,
}

fn seconds(seconds: i64) -> Option<Duration> {
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

impl Common {
    fn options(self, api: &QueryApi) -> Result<QueryOptions, Status> {
        let mut store_matchers = Vec::new();
        for matchers in &self.store_matchers {
            let matchers = matchers_from_proto(&matchers.label_matchers);
            store_matchers.push(matchers.map_err(|error| Status::invalid_argument(error.to_string()))?);
        }
        let max_resolution_ms = match self.max_resolution_seconds {
            0 => api.config.instant_max_source_resolution.as_secs() as i64 * 1000,
            seconds => seconds.saturating_mul(1000),
        };
        Ok(QueryOptions {
            deduplicate: self.deduplicate,
            replica_labels: if self.replica_labels.is_empty() {
                api.config.replica_labels.clone()
            } else {
                self.replica_labels
            },
            store_matchers,
            partial_response: if self.partial_response {
                PartialResponse::Warn
            } else {
                PartialResponse::Abort
            },
            max_resolution_ms,
            shard_info: self.shard_info.map(Into::into),
            lookback_delta: seconds(self.lookback_delta_seconds),
            timeout: seconds(self.timeout_seconds),
            tenant: self.tenant,
            engine: match EngineType::try_from(self.engine) {
                Ok(EngineType::Default) => api.config.default_engine,
                Ok(EngineType::Prometheus) => EngineName::Prometheus,
                Ok(EngineType::Thanos) => EngineName::Thanos,
                Err(_) => return Err(Status::invalid_argument("invalid engine parameter")),
            },
            fanout: None,
        })
    }
}

impl QueryService {
    async fn answer<R: From<Part> + Send + 'static>(
        &self,
        text: &str,
        params: QueryParams,
        options: QueryOptions,
        batch_size: i64,
    ) -> Result<Response<Parts<R>>, Status> {
        let api = &self.0;
        let invalid = |error: ApiError| Status::new(Code::Unknown, error.message);
        let expr = promql::parse::parse_expr(text, &api.config.parse_options)
            .map_err(|error| Status::new(Code::Unknown, error.to_string()))?;
        let query = api.prepare(expr, params, &options).map_err(invalid)?;
        let evaluated =
            api.evaluate(query, &options).await.map_err(|error| Status::aborted(error.message))?;
        let mut parts: Vec<Part> = Vec::new();
        let value = match evaluated.result.value {
            Ok(value) => value,
            // An instant query that may be partial answers a failure as a warning, as Thanos does.
            Err(error) if params.is_instant() && options.partial_response == PartialResponse::Warn => {
                let part = R::from(Part::Warning(error.to_string()));
                return Ok(Response::new(stream::once(async { Ok(part) }).boxed()));
            }
            Err(error) => return Err(Status::aborted(error.to_string())),
        };
        let warnings: Vec<&str> =
            evaluated.result.annotations.iter().map(|annotation| annotation.text()).collect();
        if !warnings.is_empty() {
            parts.push(Part::Warning(warnings.join(", ")));
        }
        let mut series = time_series(value);
        match usize::try_from(batch_size) {
            Ok(size) if size > 1 => {
                while !series.is_empty() {
                    let rest = series.split_off(series.len().min(size));
                    parts.push(Part::Batch(std::mem::replace(&mut series, rest)));
                }
            }
            _ => parts.extend(series.into_iter().map(Part::Series)),
        }
        let samples = &evaluated.result.stats.samples;
        parts.push(Part::Stats(QueryStats {
            samples_total: samples.total_queryable as i64,
            peak_samples: samples.peak as i64,
        }));
        Ok(Response::new(stream::iter(parts.into_iter().map(|part| Ok(R::from(part)))).boxed()))
    }
}

fn time_series(value: Value) -> Vec<TimeSeries> {
    let series = |labels: &Labels| TimeSeries { labels: labels_to_proto(labels), ..TimeSeries::default() };
    match value {
        Value::Scalar { t, value } => {
            vec![TimeSeries { samples: vec![prom::Sample { value, timestamp: t }], ..TimeSeries::default() }]
        }
        Value::String { .. } => Vec::new(),
        Value::Vector(samples) => samples
            .iter()
            .map(|sample| {
                let mut one = series(&sample.labels);
                match &sample.value {
                    SampleValue::Float(value) => {
                        one.samples.push(prom::Sample { value: *value, timestamp: sample.t })
                    }
                    SampleValue::Histogram(histogram) => {
                        one.histograms.push(histogram_to_proto(histogram, sample.t))
                    }
                }
                one
            })
            .collect(),
        Value::Matrix(matrix) => matrix
            .iter()
            .map(|many| {
                let mut one = series(many.labels());
                one.samples =
                    many.floats().map(|(timestamp, value)| prom::Sample { value, timestamp }).collect();
                one.histograms =
                    many.histograms().map(|(t, histogram)| histogram_to_proto(histogram, t)).collect();
                one
            })
            .collect(),
    }
}

fn histogram_to_proto(from: &FloatHistogram, timestamp: i64) -> prom::Histogram {
    let spans = |spans: &[model::histogram::Span]| {
        spans.iter().map(|span| prom::BucketSpan { offset: span.offset, length: span.length }).collect()
    };
    let hint = match from.counter_reset_hint {
        CounterResetHint::Unknown => histogram::ResetHint::Unknown,
        CounterResetHint::CounterReset => histogram::ResetHint::Yes,
        CounterResetHint::NotCounterReset => histogram::ResetHint::No,
        CounterResetHint::Gauge => histogram::ResetHint::Gauge,
    };
    prom::Histogram {
        count: Some(histogram::Count::CountFloat(from.count)),
        sum: from.sum,
        schema: from.schema,
        zero_threshold: from.zero_threshold,
        zero_count: Some(histogram::ZeroCount::ZeroCountFloat(from.zero_count)),
        negative_spans: spans(&from.negative_spans),
        negative_counts: from.negative_buckets.clone(),
        positive_spans: spans(&from.positive_spans),
        positive_counts: from.positive_buckets.clone(),
        reset_hint: hint.into(),
        timestamp,
        custom_values: from.custom_values.clone(),
        ..prom::Histogram::default()
    }
}

#[tonic::async_trait]
impl Query for QueryService {
    type QueryStream = Parts<QueryResponse>;
    type QueryRangeStream = Parts<QueryRangeResponse>;

    async fn query(&self, request: Request<QueryRequest>) -> Result<Response<Self::QueryStream>, Status> {
        let tenant = storeapi::grpc::server::tenant_of(&request);
        let request = request.into_inner();
        let options = Common {
            timeout_seconds: request.timeout_seconds,
            max_resolution_seconds: request.max_resolution_seconds,
            replica_labels: request.replica_labels,
            store_matchers: request.store_matchers,
            deduplicate: request.enable_dedup,
            partial_response: request.enable_partial_response,
            shard_info: request.shard_info,
            lookback_delta_seconds: request.lookback_delta_seconds,
            engine: request.engine,
            tenant,
        }
        .options(&self.0)?;
        let t = if request.time_seconds == 0 { now_ms() } else { request.time_seconds.saturating_mul(1000) };
        self.answer(&request.query, QueryParams::instant(t), options, request.response_batch_size).await
    }

    async fn query_range(
        &self,
        request: Request<QueryRangeRequest>,
    ) -> Result<Response<Self::QueryRangeStream>, Status> {
        let tenant = storeapi::grpc::server::tenant_of(&request);
        let request = request.into_inner();
        let options = Common {
            timeout_seconds: request.timeout_seconds,
            max_resolution_seconds: request.max_resolution_seconds,
            replica_labels: request.replica_labels,
            store_matchers: request.store_matchers,
            deduplicate: request.enable_dedup,
            partial_response: request.enable_partial_response,
            shard_info: request.shard_info,
            lookback_delta_seconds: request.lookback_delta_seconds,
            engine: request.engine,
            tenant,
        }
        .options(&self.0)?;
        let ms = |seconds: i64| seconds.saturating_mul(1000);
        let (start, end) = (ms(request.start_time_seconds), ms(request.end_time_seconds));
        let step = ms(request.interval_seconds);
        if step <= 0 || end < start {
            return Err(Status::invalid_argument(
                "range query needs a positive step and an end not before its start",
            ));
        }
        self.answer(
            &request.query,
            QueryParams::range(start, end, step),
            options,
            request.response_batch_size,
        )
        .await
    }
}
