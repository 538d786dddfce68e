//! Samples of chunks that have to be taken apart, and chunks made of samples.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, Histogram};
use model::series::SampleBuffer;

use super::chunks::OutChunk;
use super::go_heap::GoHeap;
use crate::chunk::append::{Built, HistogramBuilder, Incoming};
use crate::chunk::float_histogram::FloatHistogramDecoder;
use crate::chunk::histogram::HistogramDecoder;
use crate::chunk::{self, ChunkError, Encoding, XorAppender};

/// Samples after which a chunk is cut.
pub(super) const MAX_SAMPLES: usize = 120;

/// A value of any kind, as stored.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
    FloatHistogram(Arc<FloatHistogram>),
}

impl Value {
    /// Forgets what is known of a reset before the sample, for one whose neighbour has changed.
    fn with_unknown_reset(self) -> Self {
        let known = |hint| !matches!(hint, CounterResetHint::Gauge | CounterResetHint::Unknown);
        match self {
            Self::Histogram(mut h) if known(h.counter_reset_hint) => {
                Arc::make_mut(&mut h).counter_reset_hint = CounterResetHint::Unknown;
                Self::Histogram(h)
            }
            Self::FloatHistogram(mut h) if known(h.counter_reset_hint) => {
                Arc::make_mut(&mut h).counter_reset_hint = CounterResetHint::Unknown;
                Self::FloatHistogram(h)
            }
            other => other,
        }
    }
}

/// Decodes a chunk into samples as stored.
pub(super) fn decode(encoding: Encoding, data: &[u8]) -> Result<Vec<(i64, Value)>, ChunkError> {
    let mut out = Vec::new();
    match encoding {
        Encoding::Xor | Encoding::Xor2 => {
            let mut buffer = SampleBuffer::new();
            chunk::decode_into(encoding, data, &mut buffer)?;
            out.extend(buffer.timestamps.iter().zip(&buffer.floats).map(|(t, v)| (*t, Value::Float(*v))));
        }
        Encoding::Histogram | Encoding::HistogramSt => {
            let mut decoder = HistogramDecoder::new(encoding, data)?;
            while let Some(t) = decoder.next_sample()? {
                out.push((t, Value::Histogram(Arc::new(decoder.histogram()))));
            }
        }
        Encoding::FloatHistogram | Encoding::FloatHistogramSt => {
            let mut decoder = FloatHistogramDecoder::new(encoding, data)?;
            while let Some(t) = decoder.next_sample()? {
                out.push((t, Value::FloatHistogram(Arc::new(decoder.float_histogram()))));
            }
        }
        Encoding::Aggregate => return Err(ChunkError::WholeAggregate),
    }
    Ok(out)
}

/// Makes chunks of samples: cut after 120 samples, when the kind changes, and where histograms demand it.
pub(super) struct ChunkEncoder {
    open: Open,
    out: Vec<Built>,
    most: usize,
}

impl Default for ChunkEncoder {
    fn default() -> Self {
        Self { open: Open::Nothing, out: Vec::new(), most: MAX_SAMPLES }
    }
}

#[derive(Default)]
enum Open {
    #[default]
    Nothing,
    Float(XorAppender, i64, i64),
    Histogram(HistogramBuilder<i64>),
    FloatHistogram(HistogramBuilder<f64>),
}

impl ChunkEncoder {
    /// Cuts only when it has to: at what the header of a chunk can count.
    pub(super) fn unlimited() -> Self {
        Self { most: u16::MAX as usize, ..Self::default() }
    }

    pub(super) fn push(&mut self, t: i64, value: &Value) {
        match value {
            Value::Float(v) => self.push_float(t, *v),
            Value::Histogram(h) => {
                let incoming = Incoming::integer(t, h);
                match &mut self.open {
                    Open::Histogram(builder) if builder.len() < self.most => {
                        self.out.extend(builder.append(incoming))
                    }
                    _ => {
                        self.close();
                        let mut builder = HistogramBuilder::new();
                        builder.append(incoming);
                        self.open = Open::Histogram(builder);
                    }
                }
            }
            Value::FloatHistogram(h) => {
                let incoming = Incoming::float(t, h);
                match &mut self.open {
                    Open::FloatHistogram(builder) if builder.len() < self.most => {
                        self.out.extend(builder.append(incoming))
                    }
                    _ => {
                        self.close();
                        let mut builder = HistogramBuilder::new();
                        builder.append(incoming);
                        self.open = Open::FloatHistogram(builder);
                    }
                }
            }
        }
    }

    fn push_float(&mut self, t: i64, v: f64) {
        match &mut self.open {
            Open::Float(appender, _, maxt) if appender.len() < self.most => {
                appender.append(t, v).expect("far from full");
                *maxt = t;
            }
            _ => {
                self.close();
                let mut appender = XorAppender::new();
                appender.append(t, v).expect("far from full");
                self.open = Open::Float(appender, t, t);
            }
        }
    }

    fn close(&mut self) {
        match std::mem::take(&mut self.open) {
            Open::Nothing => {}
            Open::Float(appender, mint, maxt) => {
                let samples = appender.len();
                self.out.push(Built {
                    encoding: Encoding::Xor,
                    data: appender.into_bytes(),
                    mint,
                    maxt,
                    samples,
                });
            }
            Open::Histogram(mut builder) => self.out.extend(builder.close()),
            Open::FloatHistogram(mut builder) => self.out.extend(builder.close()),
        }
    }

    /// The chunks, in order.
    pub(super) fn finish(mut self) -> Vec<OutChunk<'static>> {
        self.close();
        self.out.into_iter().map(OutChunk::built).collect()
    }
}

/// Encodes float columns.
pub(super) fn encode_floats(timestamps: &[i64], values: &[f64]) -> Vec<OutChunk<'static>> {
    let chunks = timestamps.chunks(MAX_SAMPLES).zip(values.chunks(MAX_SAMPLES));
    chunks
        .map(|(ts, vs)| {
            let mut data = Vec::new();
            chunk::encode_xor(ts, vs, &mut data).expect("far from full");
            OutChunk::built(Built {
                encoding: Encoding::Xor,
                data,
                mint: ts[0],
                maxt: ts[ts.len() - 1],
                samples: ts.len(),
            })
        })
        .collect()
}

/// Merges the samples of several chunks by time; of those with the same time one is kept, which one follows from the
/// order of the lists as in Prometheus's `ChainedSeriesMerge`.
pub(super) fn chain(lists: &[Vec<(i64, Value)>], mut emit: impl FnMut(i64, Value)) {
    let mut next: Vec<usize> = vec![0; lists.len()];
    // `next` is one past the sample a list stands at.
    let time = |next: &[usize], list: usize| lists[list][next[list] - 1].0;
    let mut heap = GoHeap::new();
    for list in 1..lists.len() {
        if !lists[list].is_empty() {
            next[list] = 1;
            heap.push(list, |a: &usize, b: &usize| time(&next, *a) < time(&next, *b));
        }
    }
    let (mut current, mut last, mut moved) = (0, i64::MIN, true);
    loop {
        // Step on, until a list stands at the least time that is not done yet.
        loop {
            next[current] += 1;
            if next[current] <= lists[current].len() {
                let t = time(&next, current);
                if t == last {
                    continue;
                }
                match heap.first() {
                    None => break,
                    Some(top) if t < time(&next, *top) => break,
                    Some(_) => heap.push(current, |a, b| time(&next, *a) < time(&next, *b)),
                }
            }
            let Some(top) = heap.pop(|a, b| time(&next, *a) < time(&next, *b)) else { return };
            current = top;
            moved = true;
            if time(&next, current) != last {
                break;
            }
        }
        let (t, value) = lists[current][next[current] - 1].clone();
        emit(t, if moved { value.with_unknown_reset() } else { value });
        (last, moved) = (t, false);
    }
}
