//! Series out of a sampled remote-read answer, which old servers give: samples are encoded anew.

use bytes::Bytes;
use prost::Message;
use proto::labels_from_proto;
use proto::prometheus_copy::{ReadResponse, Sample};
use storeapi::{AggrChunk, ChunkEncoding, Error, Series, SeriesLabels, ShardMatcher};
use tsdb::chunk::XorAppender;

use super::frame::new_chunk;

/// Samples of a chunk, as Prometheus cuts them.
const SAMPLES_PER_CHUNK: usize = 120;

/// The series of a sampled answer.
#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) series: Vec<Series>,
    pub(super) warnings: Vec<String>,
}

pub(super) fn series(
    message: &Bytes,
    relabel: &SeriesLabels,
    shard: &ShardMatcher,
) -> Result<Sampled, Error> {
    let mut response = ReadResponse::decode(message.clone())
        .map_err(|e| Error::internal(format!("decode the remote read answer: {e}")))?;
    if response.results.len() != 1 {
        return Err(Error::internal(format!("unexpected result size {}", response.results.len())));
    }
    let mut series = Vec::new();
    let mut histograms = 0usize;
    for one in response.results.remove(0).timeseries {
        let labels = relabel.apply(&labels_from_proto(&one.labels));
        if !shard.matches(&labels) {
            continue;
        }
        histograms += usize::from(!one.histograms.is_empty());
        if one.samples.is_empty() {
            if one.histograms.is_empty() {
                tracing::warn!(lset = %labels, "found timeseries without any chunk");
            }
            continue;
        }
        let chunks = one.samples.chunks(SAMPLES_PER_CHUNK).map(encode).collect::<Result<_, _>>()?;
        series.push(Series { labels, chunks });
    }
    let warnings = (histograms > 0).then(|| {
        format!(
            "native histograms of {histograms} series are left out: this Prometheus answers remote read with samples \
             instead of chunks"
        )
    });
    Ok(Sampled { series, warnings: warnings.into_iter().collect() })
}

fn encode(samples: &[Sample]) -> Result<AggrChunk, Error> {
    let mut appender = XorAppender::new();
    for sample in samples {
        appender
            .append(sample.timestamp, sample.value)
            .map_err(|e| Error::internal(format!("encode samples of the remote read answer: {e}")))?;
    }
    let (first, last) = (samples[0].timestamp, samples[samples.len() - 1].timestamp);
    Ok(AggrChunk::raw(first, last, new_chunk(ChunkEncoding::Xor, Bytes::from(appender.into_bytes()))))
}
