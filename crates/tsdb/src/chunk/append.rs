//! Building chunks of native histograms as Prometheus's appenders do: when a histogram needs a new chunk, what its reset
//! header says, and how layouts grow.
//!
//! Prometheus encodes at once and encodes again whenever the layout grows. Here the samples of the open chunk are kept
//! with absolute counts and encoded when it is closed; the bytes are the same. Source: Prometheus
//! `tsdb/chunkenc/histogram.go`, `float_histogram.go`, `histogram_meta.go`.

mod encode;
mod layouts;

use model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint, FloatHistogram, Histogram, Span};
use model::value::{STALE_NAN_BITS, is_stale};

use super::Encoding;
use super::layout::CounterResetHeader;
use super::start_time::SAMPLE_COUNT_MASK;
use layouts::Growth;

/// A count of a bucket.
pub trait Count: Copy + PartialOrd + Default + encode::EncodeSample {
    /// The encoding of chunks of histograms with such counts.
    const ENCODING: Encoding;
    /// The same with start timestamps.
    const ENCODING_ST: Encoding;
}

impl Count for i64 {
    const ENCODING: Encoding = Encoding::Histogram;
    const ENCODING_ST: Encoding = Encoding::HistogramSt;
}

impl Count for f64 {
    const ENCODING: Encoding = Encoding::FloatHistogram;
    const ENCODING_ST: Encoding = Encoding::FloatHistogramSt;
}

/// Schema, zero threshold, bounds and spans of the samples of a chunk.
#[derive(Debug, Clone, Default)]
struct Shape {
    schema: i32,
    zero_threshold: f64,
    custom_values: Vec<f64>,
    positive: Vec<Span>,
    negative: Vec<Span>,
}

/// A sample with absolute counts. Of a stale marker only time and sum count.
#[derive(Debug, Clone)]
struct Sample<C> {
    t: i64,
    /// Start timestamp in ms, 0 for none.
    start: i64,
    count: C,
    zero_count: C,
    sum: f64,
    positive: Vec<C>,
    negative: Vec<C>,
}

impl<C> Sample<C> {
    fn is_stale(&self) -> bool {
        is_stale(self.sum)
    }
}

/// A sample on its way into a chunk.
#[derive(Debug, Clone)]
pub struct Incoming<C> {
    hint: CounterResetHint,
    shape: Shape,
    sample: Sample<C>,
}

impl Incoming<i64> {
    /// Takes an integer histogram.
    pub fn integer(t: i64, h: &Histogram) -> Self {
        if is_stale(h.sum) {
            return Self::stale(t, h.counter_reset_hint);
        }
        let absolute = |deltas: &[i64]| {
            let sum = |count: &mut i64, delta: &i64| {
                *count = count.wrapping_add(*delta);
                Some(*count)
            };
            deltas.iter().scan(0, sum).collect()
        };
        let shape = Shape {
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            custom_values: h.custom_values.clone(),
            positive: h.positive_spans.clone(),
            negative: h.negative_spans.clone(),
        };
        let (count, zero_count) = (h.count as i64, h.zero_count as i64);
        let (positive, negative) = (absolute(&h.positive_buckets), absolute(&h.negative_buckets));
        Self {
            hint: h.counter_reset_hint,
            shape,
            sample: Sample { t, start: 0, count, zero_count, sum: h.sum, positive, negative },
        }
    }
}

impl Incoming<f64> {
    /// Takes a float histogram.
    pub fn float(t: i64, h: &FloatHistogram) -> Self {
        if is_stale(h.sum) {
            return Self::stale(t, h.counter_reset_hint);
        }
        let shape = Shape {
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            custom_values: h.custom_values.clone(),
            positive: h.positive_spans.clone(),
            negative: h.negative_spans.clone(),
        };
        let (count, zero_count) = (h.count, h.zero_count);
        let (positive, negative) = (h.positive_buckets.clone(), h.negative_buckets.clone());
        Self {
            hint: h.counter_reset_hint,
            shape,
            sample: Sample { t, start: 0, count, zero_count, sum: h.sum, positive, negative },
        }
    }
}

impl<C: Count> Incoming<C> {
    /// The same with a start timestamp in ms; 0 for none.
    #[must_use]
    pub fn started(mut self, start: i64) -> Self {
        self.sample.start = start;
        self
    }

    fn stale(t: i64, hint: CounterResetHint) -> Self {
        let sample = Sample {
            t,
            start: 0,
            count: C::default(),
            zero_count: C::default(),
            sum: f64::from_bits(STALE_NAN_BITS),
            positive: Vec::new(),
            negative: Vec::new(),
        };
        Self { hint, shape: Shape::default(), sample }
    }
}

/// An encoded chunk with the times of its first and last sample in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// How to read the data.
    pub encoding: Encoding,
    /// The data.
    pub data: Vec<u8>,
    /// Time of the first sample.
    pub mint: i64,
    /// Time of the last sample.
    pub maxt: i64,
    /// Number of samples.
    pub samples: usize,
}

/// A chunk of histograms under construction.
#[derive(Debug, Clone)]
pub struct HistogramBuilder<C> {
    header: CounterResetHeader,
    shape: Shape,
    samples: Vec<Sample<C>>,
}

impl<C: Count> Default for HistogramBuilder<C> {
    fn default() -> Self {
        Self { header: CounterResetHeader::Unknown, shape: Shape::default(), samples: Vec::new() }
    }
}

/// Why a histogram does not go into a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Reset,
    /// Nothing is known about a reset.
    Unknown,
    Gauge,
    /// A counter after gauges.
    AfterGauge,
}

impl<C: Count> HistogramBuilder<C> {
    /// An empty chunk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is no sample yet.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Whether another sample with or without a start timestamp may be added, as far as that and the number of samples
    /// go, of which there shall be `most` at most.
    pub fn has_room(&self, most: usize, start: bool) -> bool {
        let Some(first) = self.samples.first() else { return true };
        let most = if start { most.min(usize::from(SAMPLE_COUNT_MASK)) } else { most };
        self.samples.len() < most && start == (first.start != 0)
    }

    /// Adds a histogram. When it does not fit what is there, the chunk is closed and returned, and a new one begun.
    pub fn append(&mut self, incoming: Incoming<C>) -> Option<Built> {
        if self.samples.is_empty() {
            self.header = match incoming.hint {
                CounterResetHint::Gauge => CounterResetHeader::Gauge,
                CounterResetHint::CounterReset => CounterResetHeader::CounterReset,
                _ => CounterResetHeader::Unknown,
            };
            self.begin(incoming);
            return None;
        }
        match self.fit(&incoming) {
            Ok(growth) => {
                self.grow_and_push(incoming, growth);
                None
            }
            Err(refusal) => {
                let closed = self.close();
                self.header = match refusal {
                    Refusal::Reset => CounterResetHeader::CounterReset,
                    Refusal::Unknown => CounterResetHeader::Unknown,
                    Refusal::Gauge => CounterResetHeader::Gauge,
                    // Only the integer appender writes down that it saw no reset, though it did not look.
                    Refusal::AfterGauge if C::ENCODING == Encoding::Histogram => {
                        CounterResetHeader::NotCounterReset
                    }
                    Refusal::AfterGauge => CounterResetHeader::Unknown,
                };
                self.begin(incoming);
                closed
            }
        }
    }

    fn begin(&mut self, incoming: Incoming<C>) {
        self.shape = incoming.shape;
        self.samples.push(incoming.sample);
    }

    /// Encodes what is there and empties the builder; `None` when there is nothing.
    pub fn close(&mut self) -> Option<Built> {
        let samples = std::mem::take(&mut self.samples);
        let shape = std::mem::take(&mut self.shape);
        let (first, last) = (samples.first()?, samples.last()?);
        let (mint, maxt) = (first.t, last.t);
        // A chunk that cannot count its samples beside the start timestamps goes without.
        let starts = samples.iter().any(|s| s.start != 0) && samples.len() <= usize::from(SAMPLE_COUNT_MASK);
        let data = encode::chunk(self.header, &shape, &samples, starts);
        self.header = CounterResetHeader::Unknown;
        let encoding = if starts { C::ENCODING_ST } else { C::ENCODING };
        Some(Built { encoding, data, mint, maxt, samples: samples.len() })
    }

    /// Whether a histogram goes into the open chunk.
    pub fn fits(&self, incoming: &Incoming<C>) -> bool {
        self.samples.is_empty() || self.fit(incoming).is_ok()
    }

    fn fit(&self, incoming: &Incoming<C>) -> Result<Growth, Refusal> {
        if incoming.hint == CounterResetHint::Gauge {
            self.fit_gauge(incoming)
        } else {
            self.fit_counter(incoming)
        }
    }

    /// The header of the open chunk.
    pub fn header(&self) -> CounterResetHeader {
        self.header
    }

    /// Sets the header of the open chunk, for chunks whose history the caller knows.
    pub fn set_header(&mut self, header: CounterResetHeader) {
        self.header = header;
    }

    fn fit_counter(&self, incoming: &Incoming<C>) -> Result<Growth, Refusal> {
        let Some(last) = self.samples.last() else { return Ok(Growth::default()) };
        let (new, shape) = (&incoming.sample, &incoming.shape);
        if self.header == CounterResetHeader::Gauge {
            return Err(Refusal::AfterGauge);
        }
        if incoming.hint == CounterResetHint::CounterReset {
            return Err(Refusal::Reset);
        }
        if new.is_stale() {
            return Ok(Growth::default());
        }
        if last.is_stale() {
            return Err(Refusal::Unknown);
        }
        if new.count < last.count {
            return Err(Refusal::Reset);
        }
        if !self.same_resolution(shape) {
            return Err(Refusal::Unknown);
        }
        if !self.same_bounds(shape) || new.zero_count < last.zero_count {
            return Err(Refusal::Reset);
        }
        let positive =
            layouts::grow_counter(&self.shape.positive, &last.positive, &shape.positive, &new.positive);
        let negative =
            layouts::grow_counter(&self.shape.negative, &last.negative, &shape.negative, &new.negative);
        Growth::of(
            positive.ok_or(Refusal::Reset)?,
            negative.ok_or(Refusal::Reset)?,
            &self.shape,
            shape,
            false,
        )
        .ok_or(Refusal::Reset)
    }

    fn fit_gauge(&self, incoming: &Incoming<C>) -> Result<Growth, Refusal> {
        let Some(last) = self.samples.last() else { return Ok(Growth::default()) };
        let (new, shape) = (&incoming.sample, &incoming.shape);
        if self.header != CounterResetHeader::Gauge {
            return Err(Refusal::Gauge);
        }
        if new.is_stale() {
            return Ok(Growth::default());
        }
        if last.is_stale() || !self.same_resolution(shape) || !self.same_bounds(shape) {
            return Err(Refusal::Gauge);
        }
        let positive = layouts::grow_gauge(&self.shape.positive, &shape.positive);
        let negative = layouts::grow_gauge(&self.shape.negative, &shape.negative);
        Growth::of(positive, negative, &self.shape, shape, true).ok_or(Refusal::Gauge)
    }

    fn same_resolution(&self, shape: &Shape) -> bool {
        self.shape.schema == shape.schema && self.shape.zero_threshold == shape.zero_threshold
    }

    fn same_bounds(&self, shape: &Shape) -> bool {
        let bits = |v: &[f64]| v.iter().map(|b| b.to_bits()).collect::<Vec<_>>();
        shape.schema != CUSTOM_BUCKETS_SCHEMA || bits(&self.shape.custom_values) == bits(&shape.custom_values)
    }

    fn grow_and_push(&mut self, mut incoming: Incoming<C>, growth: Growth) {
        if incoming.sample.is_stale() {
            self.samples.push(incoming.sample);
            return;
        }
        if let Some((positive, negative)) = growth.layout {
            for sample in self.samples.iter_mut().filter(|s| !s.is_stale()) {
                sample.positive = layouts::spread(&self.shape.positive, &sample.positive, &positive);
                sample.negative = layouts::spread(&self.shape.negative, &sample.negative, &negative);
            }
            (self.shape.positive, self.shape.negative) = (positive, negative);
        }
        let (shape, sample) = (&incoming.shape, &mut incoming.sample);
        if shape.positive != self.shape.positive {
            sample.positive = layouts::spread(&shape.positive, &sample.positive, &self.shape.positive);
        }
        if shape.negative != self.shape.negative {
            sample.negative = layouts::spread(&shape.negative, &sample.negative, &self.shape.negative);
        }
        self.samples.push(incoming.sample);
    }
}

#[cfg(test)]
mod tests;
