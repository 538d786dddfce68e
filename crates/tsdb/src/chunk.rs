//! Chunk encodings: runs of samples of one series, compressed.
//!
//! Decoding appends to the columns of a [`SampleBuffer`]; nothing is allocated per float sample. Integer histograms
//! come out as float histograms, which is what queries work on; [`histogram::HistogramDecoder`] gives them as stored.
//! Writing is here for floats ([`XorAppender`], [`encode_xor`], [`encode_xor2`]) and for histograms ([`append`]).
//!
//! Source of the formats: Prometheus `tsdb/chunkenc`, Thanos `pkg/compact/downsample/aggr.go`; described in
//! `docs/format/chunks.md` and `docs/format/aggregate-chunk.md`.

pub mod aggregate;
pub mod append;
pub mod float_histogram;
pub mod histogram;
pub(crate) mod layout;
mod start_time;
pub(crate) mod varbit;
mod xor;
mod xor2;

use model::series::SampleBuffer;

pub use aggregate::{AggregateChunk, AggregateKind};
pub use layout::CounterResetHeader;
pub use xor::{ChunkFull, XorAppender, encode_xor};
pub(crate) use xor::{XorCursor, encode_xor_at};
pub use xor2::encode_xor2;

/// How the bytes of a chunk are to be read: the byte before the data in a chunk file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Encoding {
    /// Floats.
    Xor = 1,
    /// Native histograms with integer counts.
    Histogram = 2,
    /// Native histograms with float counts.
    FloatHistogram = 3,
    /// Floats with optional start timestamps.
    Xor2 = 4,
    /// Native histograms with integer counts and start timestamps.
    HistogramSt = 5,
    /// Native histograms with float counts and start timestamps.
    FloatHistogramSt = 6,
    /// Five chunks of aggregates of a downsampled series.
    Aggregate = 255,
}

impl Encoding {
    /// The encoding that a chunk file's encoding byte stands for. The chunk types of remote read have the same numbers.
    pub fn from_byte(byte: u8) -> Result<Self, ChunkError> {
        Ok(match byte {
            1 => Self::Xor,
            2 => Self::Histogram,
            3 => Self::FloatHistogram,
            4 => Self::Xor2,
            5 => Self::HistogramSt,
            6 => Self::FloatHistogramSt,
            255 => Self::Aggregate,
            _ => return Err(ChunkError::UnknownEncoding(byte)),
        })
    }

    /// The encoding byte.
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The encoding of a StoreAPI chunk: its enum is one less than the byte. Aggregate chunks never travel whole.
    ///
    /// Differs from Thanos: 3 to 5 are read, which its version of the TSDB library does not know.
    pub fn from_wire(wire: i32) -> Result<Self, ChunkError> {
        match wire {
            0..=5 => Self::from_byte(wire as u8 + 1),
            _ => Err(ChunkError::UnknownWireEncoding(wire)),
        }
    }

    /// The StoreAPI enum value; aggregate chunks have none.
    pub fn wire(self) -> Option<i32> {
        match self {
            Self::Aggregate => None,
            other => Some(i32::from(other.byte()) - 1),
        }
    }

    /// Whether samples are histograms. Aggregate chunks say no: it depends on their parts.
    pub fn is_histogram(self) -> bool {
        matches!(self, Self::Histogram | Self::FloatHistogram | Self::HistogramSt | Self::FloatHistogramSt)
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Xor => "XOR",
            Self::Histogram => "histogram",
            Self::FloatHistogram => "floathistogram",
            Self::Xor2 => "XOR2",
            Self::HistogramSt => "histogramST",
            Self::FloatHistogramSt => "floathistogramST",
            Self::Aggregate => "aggr",
        })
    }
}

/// What is wrong with the bytes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The data end before the samples that the header counts.
    #[error("chunk ends before its last sample")]
    UnexpectedEnd,
    /// Fewer bytes than the header of the encoding has.
    #[error("chunk of {0} bytes is shorter than its header")]
    NoHeader(usize),
    /// A variable-length integer does not fit 64 bits.
    #[error("variable-length integer in chunk overflows 64 bits")]
    BadVarint,
    /// An encoding byte of no known encoding.
    #[error("invalid chunk encoding {0}")]
    UnknownEncoding(u8),
    /// A StoreAPI encoding number of no known encoding.
    #[error("invalid chunk encoding {0} in store response")]
    UnknownWireEncoding(i32),
    /// A window of changed bits that does not fit a value.
    #[error("chunk has a value window wider than 64 bits")]
    BadWindow,
    /// A histogram schema of no known meaning.
    #[error(
        "histogram has an unknown schema, which must be between -9 and 52 for exponential buckets, or -53 for custom buckets, got schema {0}"
    )]
    UnknownSchema(i32),
    /// A histogram layout has more spans, buckets or bounds than the bytes can hold.
    #[error("histogram layout counts {0} entries, more than the chunk can hold")]
    LayoutTooLarge(u64),
    /// A part of an aggregate chunk goes past its end.
    #[error("aggregate chunk ends within its {0} part")]
    BadAggregate(AggregateKind),
    /// The aggregate asked for is not in the chunk.
    #[error("aggregate {0} does not exist")]
    MissingAggregate(AggregateKind),
    /// Aggregate chunks have no samples of their own.
    #[error("aggregate chunk cannot be decoded without naming an aggregate")]
    WholeAggregate,
    /// A chunk with samples of the other kind was expected.
    #[error("chunk of encoding {0} does not hold the samples asked for")]
    WrongKind(Encoding),
    /// A series has neither a raw chunk nor the aggregate that is asked for.
    #[error("no valid chunk found")]
    NoValidChunk,
    /// A sum and a count chunk do not have the same timestamps.
    #[error("sum and count of an aggregate chunk are not aligned")]
    NotAligned,
}

/// The sample count at the start of a chunk.
fn header_count(data: &[u8]) -> Result<u16, ChunkError> {
    data.first_chunk::<2>().map(|b| u16::from_be_bytes(*b)).ok_or(ChunkError::NoHeader(data.len()))
}

/// Number of samples, from the header alone. That of an aggregate chunk is the number of its counts.
pub fn sample_count(encoding: Encoding, data: &[u8]) -> Result<usize, ChunkError> {
    match encoding {
        Encoding::Aggregate => match AggregateChunk::parse(data)?.get(AggregateKind::Count) {
            Some((encoding, data)) => sample_count(encoding, data),
            None => Ok(0),
        },
        Encoding::HistogramSt | Encoding::FloatHistogramSt => {
            Ok(usize::from(header_count(data)? & start_time::SAMPLE_COUNT_MASK))
        }
        _ => Ok(usize::from(header_count(data)?)),
    }
}

/// Appends all samples of a chunk. After an error `out` is as it was.
pub fn decode_into(encoding: Encoding, data: &[u8], out: &mut SampleBuffer) -> Result<(), ChunkError> {
    decode_range_into(encoding, data, i64::MIN, i64::MAX, out)
}

/// Appends the samples of a chunk with `mint <= t <= maxt` (ms, closed). After an error `out` is as it was.
pub fn decode_range_into(
    encoding: Encoding,
    data: &[u8],
    mint: i64,
    maxt: i64,
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    let before = out.len();
    let result = match encoding {
        Encoding::Xor => {
            let n = grow(out, sample_count(encoding, data)?, data.len())?;
            xor::decode(data, &mut out.timestamps[n..], &mut out.floats[n..])
                .map(|()| trim(out, n, mint, maxt))
        }
        Encoding::Xor2 => {
            if data.len() < xor2::HEADER_LEN {
                return Err(ChunkError::NoHeader(data.len()));
            }
            let n = grow(out, sample_count(encoding, data)?, data.len())?;
            xor2::decode_into(data, n, out).map(|()| trim(out, n, mint, maxt))
        }
        Encoding::Histogram | Encoding::HistogramSt => {
            histogram::decode_into(encoding, data, mint, maxt, out)
        }
        Encoding::FloatHistogram | Encoding::FloatHistogramSt => {
            float_histogram::decode_into(encoding, data, mint, maxt, out)
        }
        Encoding::Aggregate => Err(ChunkError::WholeAggregate),
    };
    if result.is_err() {
        roll_back(out, before);
    }
    result
}

/// Appends the samples of a chunk with `mint <= t`, as far as the first one after `maxt`, which tells that there is no need to read on.
/// (Encodings other than plain floats are read to their end.) Times in ms. After an error `out` is as it was.
pub fn decode_until_into(
    encoding: Encoding,
    data: &[u8],
    mint: i64,
    maxt: i64,
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    if encoding != Encoding::Xor {
        return decode_range_into(encoding, data, mint, i64::MAX, out);
    }
    let n = grow(out, sample_count(encoding, data)?, data.len())?;
    match xor::decode_until(data, maxt, &mut out.timestamps[n..], &mut out.floats[n..]) {
        Ok(decoded) => {
            out.truncate(n + decoded);
            trim(out, n, mint, i64::MAX);
            Ok(())
        }
        Err(error) => {
            roll_back(out, n);
            Err(error)
        }
    }
}

/// Chunks that are best given to [`decode_together_into`], and the fewest that it takes.
pub(crate) const TOGETHER: std::ops::RangeInclusive<usize> = xor::lanes::FEW..=xor::lanes::MANY;

/// Decodes XOR chunks of floats, as many as either end of [`TOGETHER`], one behind the other into slices of the length of all of them: several
/// times as fast as one after the other. False when that cannot be done, and what is in the slices then means nothing; they have to be
/// decoded alone, which also tells what is wrong with broken ones.
pub(crate) fn decode_together(chunks: &[&[u8]], timestamps: &mut [i64], values: &mut [f64]) -> bool {
    xor::lanes::decode(chunks, timestamps, values)
}

/// Decodes an XOR chunk into slices as long as its header says.
pub(crate) fn decode_xor(data: &[u8], timestamps: &mut [i64], values: &mut [f64]) -> Result<(), ChunkError> {
    xor::decode(data, timestamps, values)
}

/// Appends what [`decode_together`] decodes. False, and `out` as it was, when that cannot be done.
pub(crate) fn decode_together_into(chunks: &[&[u8]], out: &mut SampleBuffer) -> bool {
    if out.has_histograms() || !out.start_timestamps.is_empty() {
        return false;
    }
    let (mut samples, mut bytes) = (0, 0);
    for chunk in chunks {
        let Ok(n) = header_count(chunk) else { return false };
        samples += usize::from(n);
        bytes += chunk.len();
    }
    let Ok(before) = grow(out, samples, bytes) else { return false };
    let done = decode_together(chunks, &mut out.timestamps[before..], &mut out.floats[before..]);
    if !done {
        roll_back(out, before);
    }
    done
}

/// Makes room for `n` float samples of so many bytes behind those of `out`; returns where they start.
fn grow(out: &mut SampleBuffer, n: usize, bytes: usize) -> Result<usize, ChunkError> {
    // A float sample takes a bit or more; so no more memory is taken than a small multiple of the data.
    if n > bytes * 8 {
        return Err(ChunkError::UnexpectedEnd);
    }
    let before = out.len();
    out.timestamps.resize(before + n, 0);
    out.floats.resize(before + n, 0.0);
    if !out.histograms.is_empty() {
        out.histograms.resize(before + n, None);
    }
    if !out.start_timestamps.is_empty() {
        out.start_timestamps.resize(before + n, 0);
    }
    Ok(before)
}

/// Drops what is outside of the range from the samples that were appended at `start`: those before the first one at or
/// after `mint`, and all from the first one after `maxt`.
pub(crate) fn trim(out: &mut SampleBuffer, start: usize, mint: i64, maxt: i64) {
    let added = &out.timestamps[start..];
    let (Some(&first), Some(&last)) = (added.first(), added.last()) else { return };
    if last > maxt
        && let Some(end) = added.iter().position(|t| *t > maxt)
    {
        out.truncate(start + end);
    }
    if first < mint {
        let added = &out.timestamps[start..];
        let cut = added.iter().position(|t| *t >= mint).unwrap_or(added.len());
        let cut = start..start + cut;
        out.timestamps.drain(cut.clone());
        out.floats.drain(cut.clone());
        if !out.histograms.is_empty() {
            out.histograms.drain(cut.clone());
        }
        if !out.start_timestamps.is_empty() {
            out.start_timestamps.drain(cut);
        }
    }
}

fn roll_back(out: &mut SampleBuffer, len: usize) {
    out.truncate(len);
    if len == 0 {
        // An empty column says that there are none of its kind.
        out.histograms.clear();
        out.start_timestamps.clear();
    }
}

#[cfg(test)]
mod tests;
