//! Series out of a sampled remote-read answer, which old servers give: samples are encoded anew.

mod histogram;

use bytes::Bytes;
use prost::Message;
use proto::labels_from_proto;
use proto::prometheus_copy::{ReadResponse, TimeSeries};
use storeapi::{AggrChunk, ChunkEncoding, Error, Series, SeriesLabels, ShardMatcher};
use tsdb::chunk::XorAppender;
use tsdb::chunk::append::{Built, HistogramBuilder, Incoming};

use super::frame::new_chunk;
use histogram::AnyHistogram;

/// Samples of a chunk, as Prometheus cuts them.
const SAMPLES_PER_CHUNK: usize = 120;

/// The series of a sampled answer, in the order of Prometheus.
pub(super) fn series(
    message: &Bytes,
    relabel: &SeriesLabels,
    shard: &ShardMatcher,
) -> Result<Vec<Series>, Error> {
    let mut response = ReadResponse::decode(message.clone())
        .map_err(|e| Error::internal(format!("decode the remote read answer: {e}")))?;
    if response.results.len() != 1 {
        return Err(Error::internal(format!("unexpected result size {}", response.results.len())));
    }
    let mut series = Vec::new();
    for one in response.results.remove(0).timeseries {
        let labels = relabel.apply(&labels_from_proto(&one.labels));
        if !shard.matches(&labels) {
            continue;
        }
        if one.samples.is_empty() && one.histograms.is_empty() {
            tracing::warn!(lset = %labels, "found timeseries without any chunk");
            continue;
        }
        let chunks = encode(&one).map_err(|e| {
            Error::internal(format!("encode samples of {labels} of the remote read answer: {e}"))
        })?;
        series.push(Series { labels, chunks });
    }
    Ok(series)
}

/// The chunk that is being filled.
enum Open {
    Nothing,
    Floats { appender: XorAppender, mint: i64, maxt: i64 },
    Integer(HistogramBuilder<i64>),
    Float(HistogramBuilder<f64>),
}

impl Open {
    fn len(&self) -> usize {
        match self {
            Open::Nothing => 0,
            Open::Floats { appender, .. } => appender.len(),
            Open::Integer(builder) => builder.len(),
            Open::Float(builder) => builder.len(),
        }
    }

    fn close(&mut self, chunks: &mut Vec<AggrChunk>) {
        match std::mem::replace(self, Open::Nothing) {
            Open::Nothing => {}
            Open::Floats { appender, mint, maxt } => {
                let data = Bytes::from(appender.into_bytes());
                chunks.push(AggrChunk::raw(mint, maxt, new_chunk(ChunkEncoding::Xor, data)));
            }
            Open::Integer(mut builder) => chunks.extend(builder.close().map(built)),
            Open::Float(mut builder) => chunks.extend(builder.close().map(built)),
        }
    }
}

fn built(chunk: Built) -> AggrChunk {
    // Histogram encodings have a number on the wire each.
    let encoding = ChunkEncoding::from_wire(i32::from(chunk.encoding.byte()) - 1);
    AggrChunk::raw(chunk.mint, chunk.maxt, new_chunk(encoding, chunk.data.into()))
}

/// Chunks of the floats and histograms of a series by time. A change of kind begins a new chunk.
fn encode(series: &TimeSeries) -> Result<Vec<AggrChunk>, String> {
    let mut chunks = Vec::new();
    let mut open = Open::Nothing;
    let (mut floats, mut histograms) =
        (series.samples.iter().peekable(), series.histograms.iter().peekable());
    loop {
        if open.len() >= SAMPLES_PER_CHUNK {
            open.close(&mut chunks);
        }
        let float_first = match (floats.peek(), histograms.peek()) {
            (None, None) => break,
            (Some(float), Some(histogram)) => float.timestamp <= histogram.timestamp,
            (float, None) => float.is_some(),
            (None, Some(_)) => false,
        };
        if float_first && let Some(sample) = floats.next() {
            if !matches!(open, Open::Floats { .. }) {
                open.close(&mut chunks);
                open = Open::Floats {
                    appender: XorAppender::new(),
                    mint: sample.timestamp,
                    maxt: sample.timestamp,
                };
            }
            if let Open::Floats { appender, maxt, .. } = &mut open {
                appender.append(sample.timestamp, sample.value).map_err(|e| e.to_string())?;
                *maxt = sample.timestamp;
            }
        } else if let Some(sample) = histograms.next() {
            match histogram::from_proto(sample)
                .map_err(|e| format!("histogram at {}: {e}", sample.timestamp))?
            {
                AnyHistogram::Integer(histogram) => {
                    if !matches!(open, Open::Integer(_)) {
                        open.close(&mut chunks);
                        open = Open::Integer(HistogramBuilder::new());
                    }
                    if let Open::Integer(builder) = &mut open {
                        chunks.extend(
                            builder.append(Incoming::integer(sample.timestamp, &histogram)).map(built),
                        );
                    }
                }
                AnyHistogram::Float(histogram) => {
                    if !matches!(open, Open::Float(_)) {
                        open.close(&mut chunks);
                        open = Open::Float(HistogramBuilder::new());
                    }
                    if let Open::Float(builder) = &mut open {
                        chunks
                            .extend(builder.append(Incoming::float(sample.timestamp, &histogram)).map(built));
                    }
                }
            }
        }
    }
    open.close(&mut chunks);
    Ok(chunks)
}
