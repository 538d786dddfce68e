//! StoreAPI over a Prometheus: series by remote read, labels by the HTTP API.
//!
//! External labels are put over the labels of the series (they win), and matchers on them are answered here. Replica
//! labels are taken off when asked for. A large streamed answer is passed on while it comes. Chunks of a streamed answer are passed on as they are: slices of the frames they
//! came in.

mod frame;
mod order;
mod request;
mod sampled;
mod streamed;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use client::prometheus::{Error as ClientError, RemoteReadResponse};
use futures::{StreamExt, stream};
use prometheus::{Histogram, HistogramOpts, Registry};
use storeapi::{
    Error, ErrorKind, LabelNamesRequest, LabelNamesResponse, LabelValuesRequest, LabelValuesResponse, Series,
    SeriesLabels, SeriesRequest, SeriesStream, ShardMatcher, StoreApi, match_external_labels,
    truncate_to_limit,
};

use crate::peer::Peer;

/// The store of one Prometheus.
pub struct PrometheusStore {
    peer: Peer,
    frames: Histogram,
    /// Prometheus has sent series out of order.
    unsorted: Arc<AtomicBool>,
}

impl PrometheusStore {
    /// A store over `peer`.
    pub fn new(peer: Peer, registry: &Registry) -> Result<PrometheusStore, prometheus::Error> {
        let frames = Histogram::with_opts(
            HistogramOpts::new(
                "prometheus_store_received_frames",
                "Number of frames received per streamed response.",
            )
            .buckets(prometheus::exponential_buckets(10.0, 10.0, 5)?),
        )?;
        registry.register(Box::new(frames.clone()))?;
        Ok(PrometheusStore { peer, frames, unsorted: Arc::default() })
    }
}

/// Turns an error of a call to Prometheus into one of ours, by its status code.
pub(crate) fn api_error(error: ClientError) -> Error {
    let kind = match error.status_code() {
        Some(400) => ErrorKind::InvalidArgument,
        Some(404) => ErrorKind::NotFound,
        Some(503) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, error)
}

#[async_trait]
impl StoreApi for PrometheusStore {
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
        let external = self.peer.labels();
        let Some(matchers) = match_external_labels(&request.matchers, &external) else {
            return Ok(stream::empty().boxed());
        };
        if matchers.is_empty() {
            return Err(Error::invalid_argument("no matchers specified (excluding external labels)"));
        }
        // Not more than there is. This holds the limit of --min-time as well.
        let mint = request.min_time.max(self.peer.range().0);
        if mint > request.max_time {
            return Ok(stream::empty().boxed());
        }
        let labels = SeriesLabels::new(&external, &request.without_replica_labels);
        let client = self.peer.client();
        if request.skip_chunks {
            let limit = u64::try_from(request.limit).unwrap_or(0);
            let found = client.series(&matchers, mint, request.max_time, limit).await.map_err(api_error)?;
            // As in Thanos, a call for labels alone is answered for all shards.
            let announced = found.iter().map(|found| labels.apply(found));
            let mut series: Vec<_> = announced.map(|labels| Series { labels, chunks: Vec::new() }).collect();
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            // Without replica labels two may have become one.
            series.dedup_by(|a, b| a.labels == b.labels);
            return Ok(streamed::sorted(series, request.limit));
        }
        let shard = ShardMatcher::new(request.shard_info.as_ref());
        let query = request::read_request(&matchers, mint, request.max_time);
        match client.remote_read(&query).await.map_err(read_error)? {
            RemoteReadResponse::Streamed(frames) => {
                let request = streamed::Request {
                    peer: self.peer.clone(),
                    external,
                    labels,
                    removed: request.without_replica_labels,
                    shard,
                    range: (mint, request.max_time),
                    limit: request.limit,
                    unsorted: self.unsorted.clone(),
                };
                streamed::series(frame::Reader::new(frames, self.frames.clone()), request).await
            }
            RemoteReadResponse::Sampled(message) => {
                // Encoding is long work, but only servers without streaming make it necessary, which are old.
                let series = tokio::task::spawn_blocking(move || sampled::series(&message, &labels, &shard))
                    .await
                    .map_err(|e| Error::internal(format!("encode sampled answer of Prometheus: {e}")))??;
                Ok(streamed::sorted(series, request.limit))
            }
        }
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        let external = self.peer.labels();
        let Some(matchers) = match_external_labels(&request.matchers, &external) else {
            return Ok(LabelNamesResponse::default());
        };
        let limit = u64::try_from(request.limit).unwrap_or(0);
        let client = self.peer.client();
        let mut names = if matchers.is_empty() || self.peer.label_calls_take_matchers() {
            client.label_names(&matchers, request.start, request.end, limit).await.map_err(api_error)?
        } else {
            // No limit here: the limited series might not have all names.
            let series = client.series(&matchers, request.start, request.end, 0).await.map_err(api_error)?;
            series.iter().flat_map(|labels| labels.iter().map(|(name, _)| name.to_string())).collect()
        };
        names.sort_unstable();
        names.dedup();
        truncate_to_limit(&mut names, request.limit);
        // The limit is that of Prometheus's names; the external ones come on top.
        if !names.is_empty() {
            names.extend(external.iter().map(|(name, _)| name.to_string()));
        }
        names.retain(|name| !request.without_replica_labels.contains(name));
        names.sort_unstable();
        names.dedup();
        Ok(LabelNamesResponse { names, ..Default::default() })
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        if request.label.is_empty() {
            return Err(Error::invalid_argument("label name parameter cannot be empty"));
        }
        if request.without_replica_labels.contains(&request.label) {
            return Ok(LabelValuesResponse::default());
        }
        let external = self.peer.labels();
        let Some(matchers) = match_external_labels(&request.matchers, &external) else {
            return Ok(LabelValuesResponse::default());
        };
        let limit = u64::try_from(request.limit).unwrap_or(0);
        let client = self.peer.client();
        if let Some(value) = external.get(&request.label) {
            // Every series has it, so all that matters is whether there is one.
            let found = matchers.is_empty()
                || !client
                    .series(&matchers, request.start, request.end, 1)
                    .await
                    .map_err(api_error)?
                    .is_empty();
            let values = if found { vec![value.to_string()] } else { Vec::new() };
            return Ok(LabelValuesResponse { values, ..Default::default() });
        }
        let mut values = if matchers.is_empty() || self.peer.label_calls_take_matchers() {
            let values = client.label_values(&request.label, &matchers, request.start, request.end, limit);
            values.await.map_err(api_error)?
        } else {
            let series = client.series(&matchers, request.start, request.end, 0).await.map_err(api_error)?;
            series.iter().filter_map(|labels| labels.get(&request.label)).map(str::to_string).collect()
        };
        values.sort_unstable();
        values.dedup();
        truncate_to_limit(&mut values, request.limit);
        Ok(LabelValuesResponse { values, ..Default::default() })
    }
}

/// Errors of remote read have no status of their own in Thanos.
fn read_error(error: ClientError) -> Error {
    let error = match error {
        ClientError::Status { code, body } => {
            Error::new(ErrorKind::Unknown, format!("request failed with code {code}; msg {body}"))
        }
        other => Error::new(ErrorKind::Unknown, other),
    };
    error.context("query Prometheus")
}
