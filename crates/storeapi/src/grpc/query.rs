//! The Query API of a remote querier.

use proto::prometheus_copy::TimeSeries;
use proto::thanos::query_client::QueryClient;
use proto::thanos::{QueryRangeRequest, QueryRequest, QueryStats, query_range_response, query_response};
use tonic::Streaming;

use super::MAX_MESSAGE_SIZE;
use super::client::{Remote, request_for};
use crate::{Error, RequestContext};

/// What a remote querier answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryAnswer {
    /// The series of the result.
    pub series: Vec<TimeSeries>,
    /// What went wrong without stopping it.
    pub warnings: Vec<String>,
    /// How much it read and held.
    pub stats: QueryStats,
}

/// One part of an answer.
enum Part {
    Warning(String),
    Series(Vec<TimeSeries>),
    Stats(QueryStats),
}

impl QueryAnswer {
    async fn gather<R>(
        mut parts: Streaming<R>,
        max_bytes: u64,
        read: impl Fn(R) -> Option<Part>,
    ) -> Result<Self, Error> {
        let mut answer = QueryAnswer::default();
        let mut bytes = 0;
        while let Some(part) = parts.message().await? {
            match read(part) {
                Some(Part::Warning(text)) => answer.warnings.push(text),
                Some(Part::Stats(stats)) => answer.stats = stats,
                Some(Part::Series(series)) => {
                    bytes += series.iter().map(size).sum::<u64>();
                    if max_bytes > 0 && bytes > max_bytes {
                        return Err(Error::resource_exhausted(format!(
                            "the answer of the remote querier is larger than the {max_bytes} bytes that a query may hold"
                        )));
                    }
                    answer.series.extend(series);
                }
                None => {}
            }
        }
        Ok(answer)
    }
}

/// About what a series holds in memory.
fn size(series: &TimeSeries) -> u64 {
    let labels: usize = series.labels.iter().map(|label| label.name.len() + label.value.len() + 48).sum();
    let histograms: usize =
        series.histograms.iter().map(|h| 200 + 8 * (h.positive_counts.len() + h.negative_counts.len())).sum();
    (labels + 16 * series.samples.len() + histograms) as u64
}

impl Remote {
    fn query_client(&self) -> QueryClient<client::grpc::Channel> {
        QueryClient::new(self.channel()).max_decoding_message_size(MAX_MESSAGE_SIZE)
    }

    /// Evaluates an instant query there. An answer of more than `max_bytes` is an error; 0 sets no limit.
    pub async fn query(
        &self,
        request: QueryRequest,
        context: &RequestContext,
        max_bytes: u64,
    ) -> Result<QueryAnswer, Error> {
        use query_response::Result as Answer;
        let parts = self.query_client().query(request_for(request, context)?).await?.into_inner();
        QueryAnswer::gather(parts, max_bytes, |part| {
            Some(match part.result? {
                Answer::Warnings(text) => Part::Warning(text),
                Answer::Timeseries(series) => Part::Series(vec![series]),
                Answer::TimeseriesBatch(batch) => Part::Series(batch.series),
                Answer::Stats(stats) => Part::Stats(stats),
            })
        })
        .await
    }

    /// The same for a range query.
    pub async fn query_range(
        &self,
        request: QueryRangeRequest,
        context: &RequestContext,
        max_bytes: u64,
    ) -> Result<QueryAnswer, Error> {
        use query_range_response::Result as Answer;
        let parts = self.query_client().query_range(request_for(request, context)?).await?.into_inner();
        QueryAnswer::gather(parts, max_bytes, |part| {
            Some(match part.result? {
                Answer::Warnings(text) => Part::Warning(text),
                Answer::Timeseries(series) => Part::Series(vec![series]),
                Answer::TimeseriesBatch(batch) => Part::Series(batch.series),
                Answer::Stats(stats) => Part::Stats(stats),
            })
        })
        .await
    }
}
