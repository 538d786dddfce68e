//! Native histograms with integer counts: encodings histogram and histogramST.
//!
//! After the header and the [layout](super::layout) come the samples as varbit fields:
//!
//! ```text
//! sample 0   t, count, zero count, 64 bits sum, each positive then negative bucket
//! sample n   the same as deltas of deltas (sample 1: deltas), but the sum as XOR value;
//!            a stale marker as sum ends the sample
//! ST         a start timestamp behind each sample, with the header in the low 7+1 bits of byte 2
//! ```
//!
//! Buckets are stored as they are in memory, as differences to the bucket before, and these differences are what the
//! deltas are taken of. Source of the format: Prometheus `tsdb/chunkenc/histogram.go`, `histogram_st.go`.

use std::sync::Arc;

use model::histogram::{FloatHistogram, Histogram};
use model::series::SampleBuffer;
use model::value::is_stale;

use super::layout::{self, CounterResetHeader, Layout};
use super::start_time::{SAMPLE_COUNT_MASK, StartDecoder};
use super::xor::{self, Window};
use super::{ChunkError, Encoding, varbit};
use crate::bits::BitReader;

/// Header of a histogram chunk of any encoding.
pub(super) struct Header {
    pub(super) samples: usize,
    pub(super) reset: CounterResetHeader,
    pub(super) starts: Option<StartDecoder>,
}

impl Header {
    /// Reads the header of the encoding; `st` for those with start timestamps, in whose header the count, having 14
    /// bits, leaves room for the reset header.
    pub(super) fn read(data: &[u8], st: bool) -> Result<Self, ChunkError> {
        let Some(&[a, b, flags]) = data.first_chunk::<{ layout::HEADER_LEN }>() else {
            // An empty chunk may lack the flags in no encoding.
            return Err(ChunkError::NoHeader(data.len()));
        };
        let count = u16::from_be_bytes([a, b]);
        Ok(if st {
            Self {
                samples: usize::from(count & SAMPLE_COUNT_MASK),
                reset: CounterResetHeader::from_flags(a),
                starts: Some(StartDecoder::new(flags)).filter(|s| !s.is_none()),
            }
        } else {
            Self { samples: usize::from(count), reset: CounterResetHeader::from_flags(flags), starts: None }
        })
    }
}

/// The reset header of a histogram chunk.
pub fn counter_reset_header(encoding: Encoding, data: &[u8]) -> Result<CounterResetHeader, ChunkError> {
    match encoding {
        Encoding::Histogram | Encoding::FloatHistogram => Ok(Header::read(data, false)?.reset),
        Encoding::HistogramSt | Encoding::FloatHistogramSt => Ok(Header::read(data, true)?.reset),
        other => Err(ChunkError::WrongKind(other)),
    }
}

/// Reads integer histograms one after another. Bucket memory is reused; only what is asked for is built.
pub struct HistogramDecoder<'a> {
    r: BitReader<'a>,
    header: Header,
    layout: Layout,
    /// Samples read.
    read: usize,
    t: i64,
    t_delta: i64,
    start: i64,
    count: u64,
    count_delta: i64,
    zero_count: u64,
    zero_count_delta: i64,
    sum: u64,
    window: Window,
    /// Value and last delta of each positive, then each negative bucket.
    buckets: Vec<(i64, i64)>,
}

impl<'a> HistogramDecoder<'a> {
    /// A decoder in front of the first sample of a chunk of encoding histogram or histogramST.
    pub fn new(encoding: Encoding, data: &'a [u8]) -> Result<Self, ChunkError> {
        let st = match encoding {
            Encoding::Histogram => false,
            Encoding::HistogramSt => true,
            other => return Err(ChunkError::WrongKind(other)),
        };
        Ok(Self {
            header: Header::read(data, st)?,
            r: BitReader::new(&data[layout::HEADER_LEN..]),
            layout: Layout::default(),
            read: 0,
            t: 0,
            t_delta: 0,
            start: 0,
            count: 0,
            count_delta: 0,
            zero_count: 0,
            zero_count_delta: 0,
            sum: 0,
            window: Window::FULL,
            buckets: Vec::new(),
        })
    }

    /// Number of samples in the chunk.
    pub fn samples(&self) -> usize {
        self.header.samples
    }

    /// The chunk's reset header.
    pub fn counter_reset_header(&self) -> CounterResetHeader {
        self.header.reset
    }

    /// What the chunk's samples share; known after the first one was read.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Goes to the next sample and returns its time in ms; `None` at the end.
    pub fn next_sample(&mut self) -> Result<Option<i64>, ChunkError> {
        if self.read == self.header.samples {
            return Ok(None);
        }
        let prev_t = self.t;
        let r = &mut self.r;
        if self.read == 0 {
            self.layout = Layout::read(r)?;
            self.t = varbit::read_int(r);
            self.count = varbit::read_uint(r);
            self.zero_count = varbit::read_uint(r);
            self.sum = r.read(64);
            let n = self.layout.positive_len + self.layout.negative_len;
            self.buckets.reserve_exact(n);
            for _ in 0..n {
                self.buckets.push((varbit::read_int(r), 0));
            }
        } else {
            self.t_delta = self.t_delta.wrapping_add(varbit::read_int(r));
            self.t = self.t.wrapping_add(self.t_delta);
            self.count_delta = self.count_delta.wrapping_add(varbit::read_int(r));
            self.count = self.count.wrapping_add_signed(self.count_delta);
            self.zero_count_delta = self.zero_count_delta.wrapping_add(varbit::read_int(r));
            self.zero_count = self.zero_count.wrapping_add_signed(self.zero_count_delta);
            xor::read_value(r, &mut self.sum, &mut self.window)?;
            if !is_stale(f64::from_bits(self.sum)) {
                for (value, delta) in &mut self.buckets {
                    *delta = delta.wrapping_add(varbit::read_int(r));
                    *value = value.wrapping_add(*delta);
                }
            }
        }
        if let Some(starts) = &mut self.header.starts {
            self.start = starts.read(r, self.read, self.t, prev_t)?;
        }
        r.check()?;
        self.read += 1;
        Ok(Some(self.t))
    }

    /// The start timestamp of the sample in ms, 0 for none.
    pub fn start_timestamp(&self) -> i64 {
        self.start
    }

    /// The sum of the sample; a stale marker has nothing else.
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.sum)
    }

    /// The sample as stored.
    pub fn histogram(&self) -> Histogram {
        let sum = self.sum();
        if is_stale(sum) {
            return Histogram { sum, ..Histogram::default() };
        }
        let (positive, negative) = self.buckets.split_at(self.layout.positive_len);
        let values = |b: &[(i64, i64)]| b.iter().map(|(v, _)| *v).collect();
        let h = Histogram {
            counter_reset_hint: self.header.reset.hint(self.read.saturating_sub(1)),
            schema: self.layout.schema,
            zero_threshold: self.layout.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum,
            positive_spans: self.layout.positive_spans.clone(),
            negative_spans: self.layout.negative_spans.clone(),
            positive_buckets: values(positive),
            negative_buckets: values(negative),
            custom_values: self.layout.custom_values.clone(),
        };
        self.layout.usable_integer(h)
    }

    /// The sample as a float histogram of a schema in use.
    pub fn float_histogram(&self) -> FloatHistogram {
        let sum = self.sum();
        if is_stale(sum) {
            return FloatHistogram { sum, ..FloatHistogram::default() };
        }
        let (positive, negative) = self.buckets.split_at(self.layout.positive_len);
        let h = FloatHistogram {
            counter_reset_hint: self.header.reset.hint(self.read.saturating_sub(1)),
            schema: self.layout.schema,
            zero_threshold: self.layout.zero_threshold,
            zero_count: self.zero_count as f64,
            count: self.count as f64,
            sum,
            positive_spans: self.layout.positive_spans.clone(),
            negative_spans: self.layout.negative_spans.clone(),
            positive_buckets: absolute(positive),
            negative_buckets: absolute(negative),
            custom_values: self.layout.custom_values.clone(),
        };
        self.layout.usable(h)
    }
}

/// Counts out of differences; summed up as integers, so that nothing is lost on the way.
fn absolute(buckets: &[(i64, i64)]) -> Vec<f64> {
    let mut count = 0i64;
    buckets
        .iter()
        .map(|(delta, _)| {
            count = count.wrapping_add(*delta);
            count as f64
        })
        .collect()
}

/// Appends the samples with `mint <= t <= maxt` as float histograms.
pub(super) fn decode_into(
    encoding: Encoding,
    data: &[u8],
    mint: i64,
    maxt: i64,
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    let mut decoder = HistogramDecoder::new(encoding, data)?;
    let starts = decoder.header.starts.is_some();
    while let Some(t) = decoder.next_sample()? {
        if t > maxt {
            break;
        }
        if t >= mint {
            out.push_histogram(t, Arc::new(decoder.float_histogram()));
            if starts {
                out.set_last_start(decoder.start);
            }
        }
    }
    Ok(())
}
