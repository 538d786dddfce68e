//! Decoding XOR chunks, in one go or a few samples at a time.
//!
//! The reader is a position in bits: every field is loaded from there with one unaligned load, whatever was read before,
//! so that the only branches are those of the format itself. The last bytes of a stream are decoded from a copy with
//! zeros behind it.

use super::{HEADER_LEN, Window, read_value};
use crate::bits::BitReader;
use crate::chunk::{ChunkError, header_count, varbit};

/// Bytes that one sample may touch from the byte on in which it begins: 7 bits that are behind already, 4 + 64 bits of
/// time, 2 + 11 + 64 bits of value, and the rest of the last word.
pub(super) const REACH: usize = 32;

/// What a decoder knows between two samples.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// Bits used of the stream.
    pub(super) pos: usize,
    pub(super) t: i64,
    pub(super) delta: i64,
    pub(super) bits: u64,
    pub(super) window: Window,
}

/// Decodes a chunk from its start.
#[derive(Clone)]
pub(crate) struct XorCursor<'a> {
    stream: &'a [u8],
    count: usize,
    taken: usize,
    /// The first two samples, which are written in another way and decoded at once.
    start: [(i64, f64); 2],
    state: State,
}

/// Where decoding stopped: what an appender needs to go on.
pub(super) struct End {
    pub(super) t: i64,
    pub(super) bits: u64,
    pub(super) delta: i64,
    pub(super) window: Window,
    /// Bits used of the stream.
    pub(super) consumed: usize,
}

impl<'a> XorCursor<'a> {
    /// Starts at the first sample of a chunk.
    pub(crate) fn new(data: &'a [u8]) -> Result<Self, ChunkError> {
        let count = usize::from(header_count(data)?);
        let stream = &data[HEADER_LEN..];
        let mut state = State::START;
        let mut start = [(0, 0.0); 2];
        let mut r = BitReader::new(stream);
        if count > 0 {
            state.t = r.read_varint()?;
            state.bits = r.read(64);
            start[0] = (state.t, f64::from_bits(state.bits));
        }
        if count > 1 {
            state.delta = r.read_uvarint()? as i64;
            state.t = state.t.wrapping_add(state.delta);
            read_value(&mut r, &mut state.bits, &mut state.window)?;
            start[1] = (state.t, f64::from_bits(state.bits));
        }
        r.check()?;
        state.pos = r.consumed();
        Ok(Self { stream, count, taken: 0, start, state })
    }

    /// Samples that are still to come.
    pub(crate) fn left(&self) -> usize {
        self.count - self.taken
    }

    /// The bytes behind the header.
    pub(super) fn stream(&self) -> &'a [u8] {
        self.stream
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Goes on where others have decoded to: `taken` samples, at least two.
    pub(super) fn go_on(&mut self, state: State, taken: usize) {
        (self.state, self.taken) = (state, taken);
    }

    /// Decodes the next samples, as many as the slices are long, which must not be more than are left.
    pub(crate) fn fill(&mut self, ts: &mut [i64], vs: &mut [f64]) -> Result<(), ChunkError> {
        debug_assert!(ts.len() == vs.len() && ts.len() <= self.left());
        let mut out = ts.iter_mut().zip(vs.iter_mut());
        while let Some(first) = self.start.get(self.taken)
            && let Some((t, v)) = out.next()
        {
            (*t, *v) = *first;
            self.taken += 1;
        }
        if out.len() == 0 {
            return Ok(());
        }
        self.taken += out.len();
        let mut state = self.state;
        while let Some(bytes) = self.stream.get(state.pos >> 3..).and_then(|rest| rest.first_chunk()) {
            let Some((t, v)) = out.next() else { break };
            state.step(bytes)?;
            (*t, *v) = (state.t, f64::from_bits(state.bits));
        }
        if out.len() > 0 {
            state.fill_end(self.stream, out)?;
        }
        self.state = state;
        Ok(())
    }

    /// Where the cursor stands.
    pub(super) fn end(&self) -> End {
        let State { pos, t, delta, bits, window } = self.state;
        End { t, bits, delta, window, consumed: pos }
    }
}

impl State {
    /// That of a chunk's start.
    pub(super) const START: Self = State { pos: 0, t: i64::MIN, delta: 0, bits: 0, window: Window::FULL };

    /// Decodes samples that reach into the last bytes of the stream.
    fn fill_end<'o>(
        &mut self,
        stream: &[u8],
        out: impl Iterator<Item = (&'o mut i64, &'o mut f64)>,
    ) -> Result<(), ChunkError> {
        let from = (self.pos >> 3).min(stream.len());
        let rest = &stream[from..];
        let mut bytes = [0; 2 * REACH];
        bytes[..rest.len().min(REACH)].copy_from_slice(&rest[..rest.len().min(REACH)]);
        self.pos -= from * 8;
        for (t, v) in out {
            let here = bytes.get(self.pos >> 3..).and_then(|rest| rest.first_chunk());
            self.step(here.ok_or(ChunkError::UnexpectedEnd)?)?;
            // Nothing is taken for a sample that the zeros behind the end make up.
            if self.pos > rest.len() * 8 {
                return Err(ChunkError::UnexpectedEnd);
            }
            (*t, *v) = (self.t, f64::from_bits(self.bits));
        }
        self.pos += from * 8;
        Ok(())
    }

    /// Decodes the sample that begins in the first of the bytes.
    #[inline(always)]
    pub(super) fn step(&mut self, bytes: &[u8; REACH]) -> Result<(), ChunkError> {
        let at = self.pos & 7;
        let word = load(bytes, at);
        if word >> 62 == 0 {
            // The same distance and the same value.
            self.t = self.t.wrapping_add(self.delta);
            self.pos += 2;
            return Ok(());
        }
        let mut used = 1;
        let mut control = word << 1;
        if word >> 63 != 0 {
            let dod = if word >> 62 == 0b10 {
                used = 2 + 14;
                control = word << used;
                varbit::signed((word << 2) >> (64 - 14), 14)
            } else {
                let (dod, bits) = wide_dod(bytes, at);
                used = bits;
                control = load(bytes, at + used);
                dod
            };
            self.delta = self.delta.wrapping_add(dod);
        }
        self.t = self.t.wrapping_add(self.delta);
        if control >> 63 == 0 {
            self.pos += used + 1;
            return Ok(());
        }
        used += 2;
        if control >> 62 == 0b11 {
            self.window = Window::new(((control << 2) >> (64 - 11)) as u32)?;
            used += 11;
        }
        let Window { width, trailing } = self.window;
        let word = load(bytes, at + used);
        let changed = if width <= 57 {
            word >> (64 - width)
        } else {
            let low = width - 32;
            (word >> 32) << low | load(bytes, at + used + 32) >> (64 - low)
        };
        self.bits ^= changed << trailing;
        self.pos += used + width as usize;
        Ok(())
    }
}

/// At least 57 bits from a bit on, which is one of the first 128.
#[inline(always)]
fn load(bytes: &[u8; REACH], bit: usize) -> u64 {
    let at = (bit >> 3) & 15;
    // The range is within the bytes whatever `bit` is, which the compiler sees.
    let word = bytes[at..at + 8].try_into().expect("eight bytes");
    u64::from_be_bytes(word) << (bit & 7)
}

/// The delta of deltas behind a prefix that starts with 11, and the bits of both.
#[inline]
fn wide_dod(bytes: &[u8; REACH], at: usize) -> (i64, usize) {
    let word = load(bytes, at);
    match (!word).leading_zeros().min(4) {
        2 => (varbit::signed((word << 3) >> (64 - 17), 17), 3 + 17),
        3 => (varbit::signed((word << 4) >> (64 - 20), 20), 4 + 20),
        _ => {
            let (high, low) = (load(bytes, at + 4), load(bytes, at + 36));
            (((high >> 32) << 32 | low >> 32) as i64, 4 + 64)
        }
    }
}

/// Decodes as many samples as the slices are long, which is the number in the header.
pub(in crate::chunk) fn decode(data: &[u8], ts: &mut [i64], vs: &mut [f64]) -> Result<(), ChunkError> {
    XorCursor::new(data)?.fill(ts, vs)
}

/// Samples decoded between two looks at the time.
const BLOCK: usize = 32;

/// Decodes up to and with the first sample after `maxt` (ms), at most as many as the slices are long; returns how many.
pub(in crate::chunk) fn decode_until(
    data: &[u8],
    maxt: i64,
    ts: &mut [i64],
    vs: &mut [f64],
) -> Result<usize, ChunkError> {
    let mut cursor = XorCursor::new(data)?;
    let mut decoded = 0;
    for (ts, vs) in ts.chunks_mut(BLOCK).zip(vs.chunks_mut(BLOCK)) {
        cursor.fill(ts, vs)?;
        if let Some(after) = ts.iter().position(|t| *t > maxt) {
            return Ok(decoded + after + 1);
        }
        decoded += ts.len();
    }
    Ok(decoded)
}
