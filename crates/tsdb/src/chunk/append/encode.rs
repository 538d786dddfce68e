//! The bytes of histogram chunks.

use model::histogram::{CUSTOM_BUCKETS_SCHEMA, Span};

use super::{Count, Sample, Shape};
use crate::bits::BitWriter;
use crate::chunk::layout::{CounterResetHeader, HEADER_LEN};
use crate::chunk::start_time::StartEncoder;
use crate::chunk::varbit::{write_int, write_uint};
use crate::chunk::xor::{WriteWindow, write_value};

/// How the counts of a chunk are written.
pub trait EncodeSample: Sized {
    /// Appends all samples of a chunk.
    #[doc(hidden)]
    fn write(w: &mut Bits, samples: &[Encodable<'_, Self>]);
}

/// The writer, which is nobody's business outside.
#[doc(hidden)]
pub struct Bits {
    w: BitWriter,
    starts: Option<StartEncoder>,
}

impl Bits {
    /// Writes the start timestamp of a sample behind it, if the chunk has such.
    fn write_start<C>(&mut self, index: usize, sample: &Sample<C>, prev_t: i64) {
        if let Some(starts) = &mut self.starts {
            starts.write(&mut self.w, index, sample.t, prev_t, sample.start);
        }
    }
}

/// A sample, which is nobody's business outside.
#[doc(hidden)]
pub struct Encodable<'a, C>(&'a Sample<C>);

pub(super) fn chunk<C: Count>(
    header: CounterResetHeader,
    shape: &Shape,
    samples: &[Sample<C>],
    with_starts: bool,
) -> Vec<u8> {
    let mut start = (samples.len() as u16).to_be_bytes().to_vec();
    if with_starts {
        // The reset header makes room for that of the start timestamps.
        start[0] |= header.flags();
        start.push(0);
    } else {
        start.push(header.flags());
    }
    debug_assert_eq!(start.len(), HEADER_LEN);
    let mut w = BitWriter::resume(start, 0);
    write_threshold(&mut w, shape.zero_threshold);
    write_int(&mut w, i64::from(shape.schema));
    write_spans(&mut w, &shape.positive);
    write_spans(&mut w, &shape.negative);
    if shape.schema == CUSTOM_BUCKETS_SCHEMA {
        write_uint(&mut w, shape.custom_values.len() as u64);
        for bound in &shape.custom_values {
            write_bound(&mut w, *bound);
        }
    }
    let starts = with_starts.then(|| StartEncoder::new(HEADER_LEN - 1));
    let mut bits = Bits { w, starts };
    let samples: Vec<_> = samples.iter().map(Encodable).collect();
    C::write(&mut bits, &samples);
    bits.w.into_bytes()
}

/// A byte for zero and for powers of two from 2^-243 to 2^10, else 255 and the value.
fn write_threshold(w: &mut BitWriter, threshold: f64) {
    let bits = threshold.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    if threshold == 0.0 {
        w.write(0, 8);
    } else if bits & ((1 << 52) - 1) == 0 && (-243..=10).contains(&exponent) {
        w.write((exponent + 244) as u64, 8);
    } else {
        w.write(255, 8);
        w.write(bits, 64);
    }
}

fn write_spans(w: &mut BitWriter, spans: &[Span]) {
    write_uint(w, spans.len() as u64);
    for span in spans {
        write_uint(w, u64::from(span.length));
        write_int(w, i64::from(span.offset));
    }
}

/// Whole thousandths up to what a varbit of four bytes holds, else the value behind a zero bit.
fn write_bound(w: &mut BitWriter, bound: f64) {
    let thousandths = bound * 1000.0;
    let rounded = thousandths.round();
    if !(0.0..=33_554_430.0).contains(&thousandths) || rounded / 1000.0 != bound {
        w.write(0, 1);
        w.write(bound.to_bits(), 64);
    } else {
        write_uint(w, rounded as u64 + 1);
    }
}

/// A number written as delta of deltas.
#[derive(Clone, Copy, Default)]
struct Dod {
    value: i64,
    delta: i64,
}

impl Dod {
    fn write(&mut self, w: &mut BitWriter, value: i64) {
        let delta = value.wrapping_sub(self.value);
        write_int(w, delta.wrapping_sub(self.delta));
        *self = Self { value, delta };
    }
}

/// A number written as XOR.
#[derive(Clone, Copy, Default)]
struct Xor {
    bits: u64,
    window: WriteWindow,
}

impl Xor {
    fn first(w: &mut BitWriter, value: f64) -> Self {
        w.write(value.to_bits(), 64);
        Self { bits: value.to_bits(), window: None }
    }

    fn write(&mut self, w: &mut BitWriter, value: f64) {
        write_value(w, value.to_bits(), self.bits, &mut self.window);
        self.bits = value.to_bits();
    }
}

/// Differences between neighbours, as integer buckets are stored.
fn differences(counts: &[i64]) -> impl Iterator<Item = i64> {
    let mut before = 0i64;
    counts.iter().map(move |c| c.wrapping_sub(std::mem::replace(&mut before, *c)))
}

impl EncodeSample for i64 {
    fn write(bits: &mut Bits, samples: &[Encodable<'_, i64>]) {
        let Some((Encodable(first), rest)) = samples.split_first() else { return };
        let w = &mut bits.w;
        write_int(w, first.t);
        write_uint(w, first.count as u64);
        write_uint(w, first.zero_count as u64);
        let mut sum = Xor::first(w, first.sum);
        let mut t = Dod { value: first.t, delta: 0 };
        let mut count = Dod { value: first.count, delta: 0 };
        let mut zero_count = Dod { value: first.zero_count, delta: 0 };
        let mut buckets = Vec::with_capacity(first.positive.len() + first.negative.len());
        for value in differences(&first.positive).chain(differences(&first.negative)) {
            write_int(w, value);
            buckets.push(Dod { value, delta: 0 });
        }
        bits.write_start(0, first, 0);
        for (i, Encodable(sample)) in rest.iter().enumerate() {
            let (w, prev_t) = (&mut bits.w, t.value);
            t.write(w, sample.t);
            if sample.is_stale() {
                // Zeros on the wire; the appender's state follows the empty sample.
                write_int(w, 0);
                write_int(w, 0);
                count = Dod { value: 0, delta: 0i64.wrapping_sub(count.value) };
                zero_count = Dod { value: 0, delta: 0i64.wrapping_sub(zero_count.value) };
                sum.write(w, sample.sum);
                bits.write_start(i + 1, sample, prev_t);
                continue;
            }
            count.write(w, sample.count);
            zero_count.write(w, sample.zero_count);
            sum.write(w, sample.sum);
            for (dod, value) in
                buckets.iter_mut().zip(differences(&sample.positive).chain(differences(&sample.negative)))
            {
                dod.write(w, value);
            }
            bits.write_start(i + 1, sample, prev_t);
        }
    }
}

impl EncodeSample for f64 {
    fn write(bits: &mut Bits, samples: &[Encodable<'_, f64>]) {
        let Some((Encodable(first), rest)) = samples.split_first() else { return };
        let w = &mut bits.w;
        write_int(w, first.t);
        let mut t = Dod { value: first.t, delta: 0 };
        let mut count = Xor::first(w, first.count);
        let mut zero_count = Xor::first(w, first.zero_count);
        let mut sum = Xor::first(w, first.sum);
        let mut buckets = Vec::with_capacity(first.positive.len() + first.negative.len());
        for value in first.positive.iter().chain(&first.negative) {
            buckets.push(Xor::first(w, *value));
        }
        bits.write_start(0, first, 0);
        for (i, Encodable(sample)) in rest.iter().enumerate() {
            let (w, prev_t) = (&mut bits.w, t.value);
            t.write(w, sample.t);
            count.write(w, sample.count);
            zero_count.write(w, sample.zero_count);
            sum.write(w, sample.sum);
            if !sample.is_stale() {
                for (xor, value) in buckets.iter_mut().zip(sample.positive.iter().chain(&sample.negative)) {
                    xor.write(w, *value);
                }
            }
            bits.write_start(i + 1, sample, prev_t);
        }
    }
}
