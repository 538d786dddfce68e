//! Samples of chunks that have to be taken apart, and chunks made of samples.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, Histogram};
use model::series::SampleBuffer;

use super::chunks::OutChunk;
use crate::chunk::append::{Built, HistogramBuilder, Incoming};
use crate::chunk::float_histogram::FloatHistogramDecoder;
use crate::chunk::histogram::HistogramDecoder;
use crate::chunk::{self, ChunkError, Encoding};
use crate::go_heap::GoHeap;
use crate::tombstones::Interval;

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

/// A value with its start timestamp in ms, 0 for none.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) value: Value,
    pub(super) start: i64,
}

/// Decodes a chunk into samples as stored.
pub(super) fn decode(encoding: Encoding, data: &[u8]) -> Result<Vec<(i64, Point)>, ChunkError> {
    let mut out = Vec::new();
    match encoding {
        Encoding::Xor | Encoding::Xor2 => {
            let mut buffer = SampleBuffer::new();
            chunk::decode_into(encoding, data, &mut buffer)?;
            let starts = buffer.start_timestamps.iter().copied().chain(std::iter::repeat(0));
            let points = buffer.floats.iter().zip(starts);
            let points = points.map(|(v, start)| Point { value: Value::Float(*v), start });
            out.extend(buffer.timestamps.iter().copied().zip(points));
        }
        Encoding::Histogram | Encoding::HistogramSt => {
            let mut decoder = HistogramDecoder::new(encoding, data)?;
            while let Some(t) = decoder.next_sample()? {
                let value = Value::Histogram(Arc::new(decoder.histogram()));
                out.push((t, Point { value, start: decoder.start_timestamp() }));
            }
        }
        Encoding::FloatHistogram | Encoding::FloatHistogramSt => {
            let mut decoder = FloatHistogramDecoder::new(encoding, data)?;
            while let Some(t) = decoder.next_sample()? {
                let value = Value::FloatHistogram(Arc::new(decoder.float_histogram()));
                out.push((t, Point { value, start: decoder.start_timestamp() }));
            }
        }
        Encoding::Aggregate => return Err(ChunkError::WholeAggregate),
    }
    Ok(out)
}

/// Makes chunks of samples: cut after 120 samples, when the kind changes, and where histograms demand it.
///
/// Which encoding a sample gets follows from whether it has a start timestamp, as in Prometheus; samples without one go
/// into an open XOR2 chunk, too.
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
    Float(OpenFloats),
    Histogram(HistogramBuilder<i64>),
    FloatHistogram(HistogramBuilder<f64>),
}

/// Floats of an open chunk; with start timestamps if it is to be XOR2.
struct OpenFloats {
    timestamps: Vec<i64>,
    values: Vec<f64>,
    starts: Option<Vec<i64>>,
}

impl OpenFloats {
    fn push(&mut self, t: i64, v: f64, start: i64) {
        self.timestamps.push(t);
        self.values.push(v);
        if let Some(starts) = &mut self.starts {
            starts.push(start);
        }
    }

    fn close(self) -> Built {
        let Self { timestamps, values, starts } = self;
        let (encoding, data) = match starts {
            None => {
                let mut data = Vec::new();
                chunk::encode_xor(&timestamps, &values, &mut data).expect("cut before it is full");
                data.shrink_to_fit();
                (Encoding::Xor, data)
            }
            Some(starts) => {
                let data = chunk::encode_xor2(&timestamps, &values, &starts);
                (Encoding::Xor2, data.expect("cut before it is full"))
            }
        };
        let (mint, maxt) = (timestamps[0], timestamps[timestamps.len() - 1]);
        Built { encoding, data, mint, maxt, samples: timestamps.len() }
    }
}

impl ChunkEncoder {
    /// Cuts only when it has to: at what the header of a chunk can count.
    pub(super) fn unlimited() -> Self {
        Self { most: usize::from(u16::MAX), ..Self::default() }
    }

    pub(super) fn push(&mut self, t: i64, point: &Point) {
        let start = point.start;
        match &point.value {
            Value::Float(v) => self.push_float(t, *v, start),
            Value::Histogram(h) => {
                let incoming = Incoming::integer(t, h).started(start);
                match &mut self.open {
                    Open::Histogram(builder) if builder.has_room(self.most, start != 0) => {
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
                let incoming = Incoming::float(t, h).started(start);
                match &mut self.open {
                    Open::FloatHistogram(builder) if builder.has_room(self.most, start != 0) => {
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

    fn push_float(&mut self, t: i64, v: f64, start: i64) {
        match &mut self.open {
            Open::Float(open)
                if open.timestamps.len() < self.most && (start == 0 || open.starts.is_some()) =>
            {
                open.push(t, v, start);
            }
            _ => {
                self.close();
                let starts = (start != 0).then(Vec::new);
                let mut open = OpenFloats { timestamps: Vec::new(), values: Vec::new(), starts };
                open.push(t, v, start);
                self.open = Open::Float(open);
            }
        }
    }

    fn close(&mut self) {
        match std::mem::take(&mut self.open) {
            Open::Nothing => {}
            Open::Float(open) => self.out.push(open.close()),
            Open::Histogram(mut builder) => self.out.extend(builder.close()),
            Open::FloatHistogram(mut builder) => self.out.extend(builder.close()),
        }
    }

    /// The chunks, in order.
    pub(super) fn finish(self) -> Vec<OutChunk<'static>> {
        self.finish_built().into_iter().map(OutChunk::built).collect()
    }

    fn finish_built(mut self) -> Vec<Built> {
        self.close();
        self.out
    }
}

/// What is left of a chunk of raw samples without those in the deleted intervals: no chunk, one, or several where
/// histograms do not fit each other any more. Start timestamps and what is known of resets stay.
pub fn without_deleted(
    encoding: Encoding,
    data: &[u8],
    deleted: &[Interval],
) -> Result<Vec<Built>, ChunkError> {
    // Fewer samples need no more chunks than there were, so it is not cut by their number.
    let mut encoder = ChunkEncoder::unlimited();
    for (t, point) in decode(encoding, data)? {
        if !deleted.iter().any(|d| d.contains(t)) {
            encoder.push(t, &point);
        }
    }
    Ok(encoder.finish_built())
}

/// Merges the samples of several chunks by time; of those with the same time one is kept, which one follows from the
/// order of the lists as in Prometheus's `ChainedSeriesMerge`.
pub(super) fn chain(lists: &[Vec<(i64, Point)>], mut emit: impl FnMut(i64, Point)) {
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
        let (t, mut point) = lists[current][next[current] - 1].clone();
        if moved {
            point.value = point.value.with_unknown_reset();
        }
        emit(t, point);
        (last, moved) = (t, false);
    }
}
