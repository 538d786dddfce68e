//! Float chunks of encoding XOR: Gorilla compression with millisecond timestamps.
//!
//! ```text
//! u16 number of samples (big-endian), then a bit stream:
//! sample 0   varint t, 64 bits v
//! sample 1   uvarint t - t0, value
//! sample n   delta of delta, value
//!
//! delta of delta   0 | 10 + 14 bits | 110 + 17 bits | 1110 + 20 bits | 1111 + 64 bits
//! value            0                                  same bits as before
//!                  10 + bits                          XOR within the window of the last change
//!                  11 + 5 bits leading zeros + 6 bits width (0 = 64) + width bits
//! ```
//!
//! Source of the format: Prometheus `tsdb/chunkenc/xor.go`.

mod decode;
mod encode;
pub(super) mod lanes;

pub(crate) use decode::XorCursor;
pub(super) use decode::{decode, decode_until};
pub use encode::encode_xor;
pub(crate) use encode::encode_xor_at;

use super::{ChunkError, varbit};
use crate::bits::{BitReader, BitWriter};

/// Bytes before the bit stream.
pub(super) const HEADER_LEN: usize = 2;

/// The part of a value's bits that changes: `width` bits, `trailing` zeros behind them.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) width: u32,
    pub(super) trailing: u32,
}

impl Window {
    /// What a reader starts with: the whole word.
    pub(super) const FULL: Self = Self { width: 64, trailing: 0 };

    /// Reads 5 bits of leading zeros and 6 bits of width; 11 bits must be ensured.
    #[inline(always)]
    pub(super) fn read(r: &mut BitReader<'_>) -> Result<Self, ChunkError> {
        Self::new(r.take(11) as u32)
    }

    /// Takes 5 bits of leading zeros and 6 bits of width apart.
    #[inline(always)]
    fn new(header: u32) -> Result<Self, ChunkError> {
        let leading = header >> 6;
        let width = header & 0x3f;
        let width = if width == 0 { 64 } else { width };
        if leading + width > 64 {
            return Err(ChunkError::BadWindow);
        }
        Ok(Self { width, trailing: 64 - leading - width })
    }

    /// Reads the changed bits in their place.
    #[inline(always)]
    pub(super) fn read_delta(self, r: &mut BitReader<'_>) -> u64 {
        r.read(self.width) << self.trailing
    }
}

/// Reads one XOR-compressed value into `bits`.
#[inline(always)]
pub(super) fn read_value(
    r: &mut BitReader<'_>,
    bits: &mut u64,
    window: &mut Window,
) -> Result<(), ChunkError> {
    // 2 control bits and 11 of a window.
    r.ensure(13);
    let word = r.peek();
    if word >> 63 == 0 {
        r.consume(1);
        return Ok(());
    }
    if word >> 62 == 0b10 {
        r.consume(2);
    } else {
        r.consume(2);
        *window = Window::read(r)?;
    }
    *bits ^= window.read_delta(r);
    Ok(())
}

/// The window of a writer; `None` until the first change of a value.
pub(super) type WriteWindow = Option<(u32, u32)>;

/// Writes one XOR-compressed value as Prometheus does, bit for bit.
pub(super) fn write_value(w: &mut BitWriter, new: u64, old: u64, window: &mut WriteWindow) {
    let delta = new ^ old;
    if delta == 0 {
        w.write_bit(false);
        return;
    }
    // Five bits hold up to 31.
    let leading = delta.leading_zeros().min(31);
    let trailing = delta.trailing_zeros();
    match *window {
        Some((l, t)) if leading >= l && trailing >= t => {
            w.write(0b10, 2);
            w.write(delta >> t, 64 - l - t);
        }
        _ => {
            *window = Some((leading, trailing));
            let width = 64 - leading - trailing;
            // A width of 64 does not fit the 6 bits and is written as 0.
            w.write(0b11 << 11 | u64::from(leading) << 6 | u64::from(width & 0x3f), 13);
            w.write(delta >> trailing, width);
        }
    }
}

/// Builds XOR chunks, bit for bit as Prometheus's appender does.
#[derive(Debug, Clone)]
pub struct XorAppender {
    out: BitWriter,
    samples: u16,
    t: i64,
    bits: u64,
    delta: i64,
    window: WriteWindow,
}

impl Default for XorAppender {
    fn default() -> Self {
        Self::new()
    }
}

impl XorAppender {
    /// An empty chunk.
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&[0; HEADER_LEN]);
        Self { out: BitWriter::resume(bytes, 0), samples: 0, t: i64::MIN, bits: 0, delta: 0, window: None }
    }

    /// Goes on where an existing chunk ends.
    pub fn resume(data: &[u8]) -> Result<Self, ChunkError> {
        let samples = super::header_count(data)?;
        if samples == 0 {
            return Ok(Self::new());
        }
        let mut cursor = XorCursor::new(data)?;
        if cursor.left() > data.len() * 8 {
            return Err(ChunkError::UnexpectedEnd);
        }
        let (mut ts, mut vs) = (vec![0; cursor.left()], vec![0.0; cursor.left()]);
        cursor.fill(&mut ts, &mut vs)?;
        let end = cursor.end();
        let used = end.consumed.div_ceil(8);
        let bytes = data[..HEADER_LEN + used].to_vec();
        // As in Prometheus a resumed chunk that had no change yet starts with the whole word for its window.
        let Window { width, trailing } = end.window;
        Ok(Self {
            out: BitWriter::resume(bytes, (used * 8 - end.consumed) as u32),
            samples,
            t: end.t,
            bits: end.bits,
            delta: end.delta,
            window: Some((64 - width - trailing, trailing)),
        })
    }

    /// Adds a sample. Timestamps should ascend, but any are kept. Fails when the chunk has 65535 samples.
    pub fn append(&mut self, t: i64, v: f64) -> Result<(), ChunkFull> {
        let bits = v.to_bits();
        let mut delta = 0;
        match self.samples {
            0 => {
                self.out.write_varint(t);
                self.out.write(bits, 64);
            }
            u16::MAX => return Err(ChunkFull),
            1 => {
                delta = t.wrapping_sub(self.t);
                self.out.write_uvarint(delta as u64);
                write_value(&mut self.out, bits, self.bits, &mut self.window);
            }
            _ => {
                delta = t.wrapping_sub(self.t);
                write_dod(&mut self.out, delta.wrapping_sub(self.delta));
                write_value(&mut self.out, bits, self.bits, &mut self.window);
            }
        }
        (self.t, self.bits, self.delta) = (t, bits, delta);
        self.samples += 1;
        self.out.bytes_mut()[..HEADER_LEN].copy_from_slice(&self.samples.to_be_bytes());
        Ok(())
    }

    /// Number of samples so far.
    pub fn len(&self) -> usize {
        usize::from(self.samples)
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The encoded chunk so far; valid at any time.
    pub fn bytes(&self) -> &[u8] {
        self.out.bytes()
    }

    /// The encoded chunk.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }
}

fn write_dod(w: &mut BitWriter, dod: i64) {
    if dod == 0 {
        w.write_bit(false);
        return;
    }
    let (prefix, prefix_bits, bits) = match dod {
        _ if varbit::fits(dod, 14) => (0b10, 2, 14),
        _ if varbit::fits(dod, 17) => (0b110, 3, 17),
        _ if varbit::fits(dod, 20) => (0b1110, 4, 20),
        _ => (0b1111, 4, 64),
    };
    w.write(prefix, prefix_bits);
    w.write(dod as u64, bits);
}

/// The chunk holds 65535 samples, the most its header can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("chunk is full")]
pub struct ChunkFull;
