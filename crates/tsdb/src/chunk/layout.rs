//! What all samples of a histogram chunk share: schema, zero threshold, spans, custom bounds.
//!
//! ```text
//! u16 number of samples (big-endian), 1 byte reset header, then a bit stream:
//! zero threshold   1 byte: 0 = 0; 255 = 64 bits follow; else a power of two, 2^(byte-244)
//! schema           varbit
//! positive spans   varbit number, then length and offset of each
//! negative spans   likewise
//! custom bounds    (schema -53 only) varbit number, then each: 0 and 64 bits, or varbit of bound·1000 + 1
//! ```
//!
//! Source of the format: Prometheus `tsdb/chunkenc/histogram_meta.go`.

use model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint, Span};

use super::{ChunkError, varbit};
use crate::bits::BitReader;

/// Bytes before the bit stream: count and flags.
pub(super) const HEADER_LEN: usize = 3;

/// Schemas that a chunk may have: those in use and those set aside for exponential buckets. Finer ones than 8 are
/// brought down to 8 on reading.
const RESERVED_EXPONENTIAL: std::ops::RangeInclusive<i32> = -9..=52;
/// The most spans, buckets or bounds of one sign. The finest schema has 256 buckets for each of some 2100 powers of two.
const MAX_ENTRIES: usize = 1 << 20;
/// The finest schema in use.
pub(super) const FINEST_SCHEMA: i32 = 8;

/// What the writer knew about a counter reset between this chunk and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterResetHeader {
    /// Nothing.
    Unknown,
    /// There was none.
    NotCounterReset,
    /// There was one.
    CounterReset,
    /// The histograms are gauges.
    Gauge,
}

impl CounterResetHeader {
    /// From the two top bits of the flag byte.
    pub fn from_flags(flags: u8) -> Self {
        match flags >> 6 {
            0b00 => Self::Unknown,
            0b01 => Self::NotCounterReset,
            0b10 => Self::CounterReset,
            _ => Self::Gauge,
        }
    }

    /// The two bits in their place.
    pub fn flags(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::NotCounterReset => 0b01 << 6,
            Self::CounterReset => 0b10 << 6,
            Self::Gauge => 0b11 << 6,
        }
    }

    /// The hint that a reader gives sample `index`. The first sample's is unknown whatever the header says, since the
    /// chunk before may be gone or another.
    pub(super) fn hint(self, index: usize) -> CounterResetHint {
        match (self, index) {
            (Self::Gauge, _) => CounterResetHint::Gauge,
            (_, 0) => CounterResetHint::Unknown,
            _ => CounterResetHint::NotCounterReset,
        }
    }
}

/// The shared part of a chunk's histograms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Resolution.
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Runs of positive buckets.
    pub positive_spans: Vec<Span>,
    /// Runs of negative buckets.
    pub negative_spans: Vec<Span>,
    /// Upper bounds of custom buckets.
    pub custom_values: Vec<f64>,
    /// Number of positive buckets.
    pub positive_len: usize,
    /// Number of negative buckets.
    pub negative_len: usize,
}

impl Layout {
    pub(super) fn read(r: &mut BitReader<'_>) -> Result<Self, ChunkError> {
        let zero_threshold = match r.read_u8() {
            0 => 0.0,
            255 => r.read_f64(),
            // 2^(exponent - 244), always a normal number.
            exponent => f64::from_bits((1023 - 244 + u64::from(exponent)) << 52),
        };
        let schema = varbit::read_int(r) as i32;
        let positive_spans = read_spans(r)?;
        let negative_spans = read_spans(r)?;
        let custom_values = if schema == CUSTOM_BUCKETS_SCHEMA { read_bounds(r)? } else { Vec::new() };
        r.check()?;
        if schema != CUSTOM_BUCKETS_SCHEMA && !RESERVED_EXPONENTIAL.contains(&schema) {
            return Err(ChunkError::UnknownSchema(schema));
        }
        let positive_len = bucket_count(&positive_spans, r)?;
        let negative_len = bucket_count(&negative_spans, r)?;
        Ok(Self {
            schema,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values,
            positive_len,
            negative_len,
        })
    }

    /// Whether readers must lower the resolution of the histograms.
    pub(super) fn too_fine(&self) -> bool {
        self.schema != CUSTOM_BUCKETS_SCHEMA && self.schema > FINEST_SCHEMA
    }
}

/// Reads how many entries follow, each of which takes at least `bits` bits.
fn read_len(r: &mut BitReader<'_>, bits: usize) -> Result<usize, ChunkError> {
    let n = varbit::read_uint(r);
    match usize::try_from(n) {
        Ok(n) if n <= (r.remaining() / bits).min(MAX_ENTRIES) => Ok(n),
        _ => Err(ChunkError::LayoutTooLarge(n)),
    }
}

fn read_spans(r: &mut BitReader<'_>) -> Result<Vec<Span>, ChunkError> {
    let n = read_len(r, 2)?;
    let mut spans = Vec::with_capacity(n);
    for _ in 0..n {
        let length = varbit::read_uint(r) as u32;
        let offset = varbit::read_int(r) as i32;
        spans.push(Span { offset, length });
    }
    Ok(spans)
}

fn read_bounds(r: &mut BitReader<'_>) -> Result<Vec<f64>, ChunkError> {
    let n = read_len(r, 5)?;
    let mut bounds = Vec::with_capacity(n);
    for _ in 0..n {
        bounds.push(match varbit::read_uint(r) {
            0 => r.read_f64(),
            v => (v - 1) as f64 / 1000.0,
        });
    }
    Ok(bounds)
}

/// Buckets of the first sample take a bit or more each, so there cannot be more than bits.
fn bucket_count(spans: &[Span], r: &BitReader<'_>) -> Result<usize, ChunkError> {
    let n: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if n > r.remaining().min(MAX_ENTRIES) as u64 {
        Err(ChunkError::LayoutTooLarge(n))
    } else {
        Ok(n as usize)
    }
}

impl Layout {
    /// Brings a histogram of a schema that is finer than those in use down to the finest of them, as readers have to
    /// for chunks of a later Prometheus.
    pub(super) fn usable(&self, mut h: model::histogram::FloatHistogram) -> model::histogram::FloatHistogram {
        if self.too_fine() {
            let shift = (self.schema - FINEST_SCHEMA) as u32;
            (h.positive_spans, h.positive_buckets) = coarsen(&h.positive_spans, &h.positive_buckets, shift);
            (h.negative_spans, h.negative_buckets) = coarsen(&h.negative_spans, &h.negative_buckets, shift);
            h.schema = FINEST_SCHEMA;
        }
        h
    }

    /// The same for integer histograms, whose buckets are differences.
    pub(super) fn usable_integer(&self, mut h: model::histogram::Histogram) -> model::histogram::Histogram {
        if self.too_fine() {
            let shift = (self.schema - FINEST_SCHEMA) as u32;
            for (spans, buckets) in [
                (&mut h.positive_spans, &mut h.positive_buckets),
                (&mut h.negative_spans, &mut h.negative_buckets),
            ] {
                let mut count = 0i64;
                let counts: Vec<_> = buckets
                    .iter()
                    .map(|delta| {
                        count = count.wrapping_add(*delta);
                        std::num::Wrapping(count)
                    })
                    .collect();
                let (coarse_spans, coarse) = coarsen(spans, &counts, shift);
                let mut before = std::num::Wrapping(0);
                *buckets = coarse.into_iter().map(|c| (c - std::mem::replace(&mut before, c)).0).collect();
                *spans = coarse_spans;
            }
            h.schema = FINEST_SCHEMA;
        }
        h
    }
}

/// Merges each 2^shift buckets of absolute counts into one.
pub(super) fn coarsen<T: Copy + std::ops::AddAssign>(
    spans: &[Span],
    buckets: &[T],
    shift: u32,
) -> (Vec<Span>, Vec<T>) {
    let (mut out_spans, mut out) = (Vec::<Span>::new(), Vec::<T>::new());
    let mut values = buckets.iter();
    let mut index = 0i64;
    let mut last = None;
    for span in spans {
        index = index.wrapping_add(i64::from(span.offset));
        for value in values.by_ref().take(span.length as usize) {
            // Bucket i covers (base^(i-1), base^i].
            let coarse = ((index - 1) >> shift.min(63)) + 1;
            match (last, out.last_mut()) {
                (Some(l), Some(sum)) if l == coarse => *sum += *value,
                _ => {
                    let gap = last.map_or(coarse, |l| coarse - l - 1);
                    match out_spans.last_mut() {
                        Some(span) if gap == 0 => span.length += 1,
                        _ => out_spans.push(Span { offset: gap as i32, length: 1 }),
                    }
                    out.push(*value);
                    last = Some(coarse);
                }
            }
            index += 1;
        }
    }
    (out_spans, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_the_resolution_merges_pairs() {
        // Indices 0, 1, 2 and 5, 6: of the coarser schema 0, 1, 1 and 3, 3.
        let spans = [Span { offset: 0, length: 3 }, Span { offset: 2, length: 2 }];
        let (spans, buckets) = coarsen(&spans, &[1.0, 2.0, 3.0, 4.0, 5.0], 1);
        assert_eq!(spans, [Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }]);
        assert_eq!(buckets, [1.0, 5.0, 9.0]);
    }

    #[test]
    fn zero_thresholds_are_powers_of_two() {
        for (byte, want) in [(0u8, 0.0), (116, 2f64.powi(-128)), (254, 2f64.powi(10)), (1, 2f64.powi(-243))] {
            // Schema 0, no spans.
            let layout = Layout::read(&mut BitReader::new(&[byte, 0])).unwrap();
            assert_eq!(layout.zero_threshold, want);
        }
    }
}
