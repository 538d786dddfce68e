//! Native histograms with float counts: encodings floathistogram and floathistogramST.
//!
//! After the header and the [layout](super::layout) come the samples: time as varbit (delta of deltas from sample 1
//! on), then count, zero count, sum, positive and negative buckets, each with 64 bits in sample 0 and afterwards as XOR
//! value with a window of its own. A stale marker as sum ends the sample. Buckets are absolute.
//!
//! Source of the format: Prometheus `tsdb/chunkenc/float_histogram.go`, `float_histogram_st.go`.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::series::SampleBuffer;
use model::value::is_stale;

use super::histogram::Header;
use super::layout::{self, CounterResetHeader, Layout};
use super::xor::{self, Window};
use super::{ChunkError, Encoding, varbit};
use crate::bits::BitReader;

/// One XOR-compressed field.
#[derive(Clone, Copy)]
struct Field {
    bits: u64,
    window: Window,
}

impl Field {
    const ZERO: Self = Self { bits: 0, window: Window::FULL };

    fn value(self) -> f64 {
        f64::from_bits(self.bits)
    }

    #[inline(always)]
    fn read(&mut self, r: &mut BitReader<'_>) -> Result<(), ChunkError> {
        xor::read_value(r, &mut self.bits, &mut self.window)
    }
}

/// Reads float histograms one after another. Bucket memory is reused; only what is asked for is built.
pub struct FloatHistogramDecoder<'a> {
    r: BitReader<'a>,
    header: Header,
    layout: Layout,
    /// Samples read.
    read: usize,
    t: i64,
    t_delta: i64,
    start: i64,
    count: Field,
    zero_count: Field,
    sum: Field,
    /// Positive, then negative buckets.
    buckets: Vec<Field>,
}

impl<'a> FloatHistogramDecoder<'a> {
    /// A decoder in front of the first sample of a chunk of encoding floathistogram or floathistogramST.
    pub fn new(encoding: Encoding, data: &'a [u8]) -> Result<Self, ChunkError> {
        let st = match encoding {
            Encoding::FloatHistogram => false,
            Encoding::FloatHistogramSt => true,
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
            count: Field::ZERO,
            zero_count: Field::ZERO,
            sum: Field::ZERO,
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
            self.count.bits = r.read(64);
            self.zero_count.bits = r.read(64);
            self.sum.bits = r.read(64);
            let n = self.layout.positive_len + self.layout.negative_len;
            if n > r.remaining() / 64 {
                return Err(ChunkError::LayoutTooLarge(n as u64));
            }
            self.buckets.reserve_exact(n);
            for _ in 0..n {
                self.buckets.push(Field { bits: r.read(64), window: Window::FULL });
            }
        } else {
            self.t_delta = self.t_delta.wrapping_add(varbit::read_int(r));
            self.t = self.t.wrapping_add(self.t_delta);
            self.count.read(r)?;
            self.zero_count.read(r)?;
            self.sum.read(r)?;
            if !is_stale(self.sum.value()) {
                for field in &mut self.buckets {
                    field.read(r)?;
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
        self.sum.value()
    }

    /// The sample, of a schema in use.
    pub fn float_histogram(&self) -> FloatHistogram {
        let sum = self.sum();
        if is_stale(sum) {
            return FloatHistogram { sum, ..FloatHistogram::default() };
        }
        let (positive, negative) = self.buckets.split_at(self.layout.positive_len);
        let values = |b: &[Field]| b.iter().map(|f| f.value()).collect();
        let h = FloatHistogram {
            counter_reset_hint: self.header.reset.hint(self.read.saturating_sub(1)),
            schema: self.layout.schema,
            zero_threshold: self.layout.zero_threshold,
            zero_count: self.zero_count.value(),
            count: self.count.value(),
            sum,
            positive_spans: self.layout.positive_spans.clone(),
            negative_spans: self.layout.negative_spans.clone(),
            positive_buckets: values(positive),
            negative_buckets: values(negative),
            custom_values: self.layout.custom_values.clone(),
        };
        self.layout.usable(h)
    }
}

/// Appends the samples with `mint <= t <= maxt`.
pub(super) fn decode_into(
    encoding: Encoding,
    data: &[u8],
    mint: i64,
    maxt: i64,
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    let mut decoder = FloatHistogramDecoder::new(encoding, data)?;
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
