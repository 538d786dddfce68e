//! Requests between their plain and their wire form.

use proto::thanos;
use proto::{matchers_from_proto, matchers_to_proto};

use crate::Error;
use crate::api::*;

impl PartialResponse {
    /// Reads the two fields that say the same; the older flag only ever disables.
    pub fn from_proto(disabled: bool, strategy: i32) -> Self {
        let abort = strategy == i32::from(thanos::PartialResponseStrategy::Abort);
        if disabled || abort { PartialResponse::Abort } else { PartialResponse::Warn }
    }

    /// The wire form's flag and strategy.
    pub fn to_proto(self) -> (bool, i32) {
        match self {
            PartialResponse::Warn => (false, thanos::PartialResponseStrategy::Warn.into()),
            PartialResponse::Abort => (true, thanos::PartialResponseStrategy::Abort.into()),
        }
    }
}

impl Aggr {
    fn from_proto(number: i32) -> Result<Self, Error> {
        Ok(match thanos::Aggr::try_from(number) {
            Ok(thanos::Aggr::Raw) => Aggr::Raw,
            Ok(thanos::Aggr::Count) => Aggr::Count,
            Ok(thanos::Aggr::Sum) => Aggr::Sum,
            Ok(thanos::Aggr::Min) => Aggr::Min,
            Ok(thanos::Aggr::Max) => Aggr::Max,
            Ok(thanos::Aggr::Counter) => Aggr::Counter,
            Err(_) => return Err(Error::invalid_argument(format!("unknown aggregate {number}"))),
        })
    }

    fn to_proto(self) -> i32 {
        match self {
            Aggr::Raw => thanos::Aggr::Raw,
            Aggr::Count => thanos::Aggr::Count,
            Aggr::Sum => thanos::Aggr::Sum,
            Aggr::Min => thanos::Aggr::Min,
            Aggr::Max => thanos::Aggr::Max,
            Aggr::Counter => thanos::Aggr::Counter,
        }
        .into()
    }
}

impl From<thanos::ShardInfo> for ShardInfo {
    fn from(wire: thanos::ShardInfo) -> Self {
        ShardInfo { index: wire.shard_index, total: wire.total_shards, by: wire.by, labels: wire.labels }
    }
}

impl From<ShardInfo> for thanos::ShardInfo {
    fn from(plain: ShardInfo) -> Self {
        thanos::ShardInfo {
            shard_index: plain.index,
            total_shards: plain.total,
            by: plain.by,
            labels: plain.labels,
        }
    }
}

impl From<thanos::QueryHints> for QueryHints {
    fn from(wire: thanos::QueryHints) -> Self {
        QueryHints {
            step_ms: wire.step_millis,
            func: wire.func.map(|func| func.name),
            grouping: wire.grouping.map(|grouping| (grouping.by, grouping.labels)),
            range_ms: wire.range.map(|range| range.millis),
            projection_labels: wire.projection_labels,
            projection_include: wire.projection_include,
            series_hash_label_name: wire.series_hash_label_name,
        }
    }
}

impl From<QueryHints> for thanos::QueryHints {
    fn from(plain: QueryHints) -> Self {
        thanos::QueryHints {
            step_millis: plain.step_ms,
            func: plain.func.map(|name| thanos::Func { name }),
            grouping: plain.grouping.map(|(by, labels)| thanos::Grouping { by, labels }),
            range: plain.range_ms.map(|millis| thanos::Range { millis }),
            projection_labels: plain.projection_labels,
            projection_include: plain.projection_include,
            series_hash_label_name: plain.series_hash_label_name,
        }
    }
}

fn matchers(wire: &[thanos::LabelMatcher]) -> Result<Vec<model::matcher::Matcher>, Error> {
    matchers_from_proto(wire).map_err(Error::invalid_argument)
}

impl SeriesRequest {
    /// Reads the wire form; bad matchers and unknown aggregates are invalid arguments.
    pub fn from_proto(wire: thanos::SeriesRequest) -> Result<Self, Error> {
        Ok(SeriesRequest {
            min_time: wire.min_time,
            max_time: wire.max_time,
            matchers: matchers(&wire.matchers)?,
            max_resolution_window: wire.max_resolution_window,
            aggregates: wire
                .aggregates
                .iter()
                .map(|number| Aggr::from_proto(*number))
                .collect::<Result<_, _>>()?,
            partial_response: PartialResponse::from_proto(
                wire.partial_response_disabled,
                wire.partial_response_strategy,
            ),
            skip_chunks: wire.skip_chunks,
            hints: wire.hints,
            step: wire.step,
            range: wire.range,
            query_hints: wire.query_hints.map(QueryHints::from),
            shard_info: wire.shard_info.map(ShardInfo::from),
            without_replica_labels: wire.without_replica_labels,
            limit: wire.limit,
            response_batch_size: wire.response_batch_size,
            context: RequestContext::default(),
        })
    }

    /// The wire form. The context travels as metadata or not at all.
    pub fn into_proto(self) -> thanos::SeriesRequest {
        let (partial_response_disabled, partial_response_strategy) = self.partial_response.to_proto();
        thanos::SeriesRequest {
            min_time: self.min_time,
            max_time: self.max_time,
            matchers: matchers_to_proto(&self.matchers),
            max_resolution_window: self.max_resolution_window,
            aggregates: self.aggregates.into_iter().map(Aggr::to_proto).collect(),
            partial_response_disabled,
            partial_response_strategy,
            skip_chunks: self.skip_chunks,
            hints: self.hints,
            step: self.step,
            range: self.range,
            query_hints: self.query_hints.map(Into::into),
            shard_info: self.shard_info.map(Into::into),
            without_replica_labels: self.without_replica_labels,
            limit: self.limit,
            response_batch_size: self.response_batch_size,
        }
    }
}

impl LabelNamesRequest {
    /// Reads the wire form; bad matchers are invalid arguments.
    pub fn from_proto(wire: thanos::LabelNamesRequest) -> Result<Self, Error> {
        Ok(LabelNamesRequest {
            start: wire.start,
            end: wire.end,
            matchers: matchers(&wire.matchers)?,
            partial_response: PartialResponse::from_proto(
                wire.partial_response_disabled,
                wire.partial_response_strategy,
            ),
            without_replica_labels: wire.without_replica_labels,
            limit: wire.limit,
            hints: wire.hints,
            context: RequestContext::default(),
        })
    }

    /// The wire form.
    pub fn into_proto(self) -> thanos::LabelNamesRequest {
        let (partial_response_disabled, partial_response_strategy) = self.partial_response.to_proto();
        thanos::LabelNamesRequest {
            partial_response_disabled,
            partial_response_strategy,
            start: self.start,
            end: self.end,
            hints: self.hints,
            matchers: matchers_to_proto(&self.matchers),
            without_replica_labels: self.without_replica_labels,
            limit: self.limit,
        }
    }
}

impl LabelValuesRequest {
    /// Reads the wire form; bad matchers are invalid arguments.
    pub fn from_proto(wire: thanos::LabelValuesRequest) -> Result<Self, Error> {
        Ok(LabelValuesRequest {
            label: wire.label,
            start: wire.start,
            end: wire.end,
            matchers: matchers(&wire.matchers)?,
            partial_response: PartialResponse::from_proto(
                wire.partial_response_disabled,
                wire.partial_response_strategy,
            ),
            without_replica_labels: wire.without_replica_labels,
            limit: wire.limit,
            hints: wire.hints,
            context: RequestContext::default(),
        })
    }

    /// The wire form.
    pub fn into_proto(self) -> thanos::LabelValuesRequest {
        let (partial_response_disabled, partial_response_strategy) = self.partial_response.to_proto();
        thanos::LabelValuesRequest {
            label: self.label,
            partial_response_disabled,
            partial_response_strategy,
            start: self.start,
            end: self.end,
            hints: self.hints,
            matchers: matchers_to_proto(&self.matchers),
            without_replica_labels: self.without_replica_labels,
            limit: self.limit,
        }
    }
}

impl From<thanos::LabelNamesResponse> for LabelNamesResponse {
    fn from(wire: thanos::LabelNamesResponse) -> Self {
        LabelNamesResponse { names: wire.names, warnings: wire.warnings, hints: wire.hints }
    }
}

impl From<LabelNamesResponse> for thanos::LabelNamesResponse {
    fn from(plain: LabelNamesResponse) -> Self {
        thanos::LabelNamesResponse { names: plain.names, warnings: plain.warnings, hints: plain.hints }
    }
}

impl From<thanos::LabelValuesResponse> for LabelValuesResponse {
    fn from(wire: thanos::LabelValuesResponse) -> Self {
        LabelValuesResponse { values: wire.values, warnings: wire.warnings, hints: wire.hints }
    }
}

impl From<LabelValuesResponse> for thanos::LabelValuesResponse {
    fn from(plain: LabelValuesResponse) -> Self {
        thanos::LabelValuesResponse { values: plain.values, warnings: plain.warnings, hints: plain.hints }
    }
}
