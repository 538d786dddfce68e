//! Float chunks of encoding XOR2: one control prefix for time and value together, and optional start timestamps.
//!
//! ```text
//! u16 number of samples (big-endian), 1 byte start-timestamp header, then a bit stream:
//! sample 0   varint t, 64 bits v, [varint t - st]
//! sample 1   uvarint t - t0, value, [start timestamp]
//! sample n   control, [start timestamp]
//!
//! control   0                      delta of delta 0, same value
//!           10   + changed value   delta of delta 0
//!           110  + 13 bits + value
//!           1110 + 20 bits + value
//!           11110 + 64 bits + value
//!           11111                  delta of delta 0, stale marker
//! value     0 same | 10 + bits in the last window | 110 + window + bits | 111 stale marker
//! changed   0 + bits in the last window | 1 + window + bits
//! ```
//!
//! A stale marker leaves the value against which the next one is compressed as it was. The header byte is described in
//! [`super::start_time`]. Source of the format: Prometheus `tsdb/chunkenc/xor2.go`.

mod encode;

pub use encode::encode_xor2;

use model::series::SampleBuffer;
use model::value::STALE_NAN_BITS;

use super::ChunkError;
use super::start_time::StartDecoder;
use super::xor::Window;
use crate::bits::BitReader;

/// Bytes before the bit stream: count and start-timestamp header.
pub(super) const HEADER_LEN: usize = 3;

struct Value {
    bits: u64,
    /// The last value that was no stale marker.
    base: u64,
    window: Window,
}

impl Value {
    #[inline(always)]
    fn changed(&mut self, r: &mut BitReader<'_>) {
        self.base ^= self.window.read_delta(r);
        self.bits = self.base;
    }

    /// The value behind a delta of deltas other than 0.
    #[inline(always)]
    fn read(&mut self, r: &mut BitReader<'_>) -> Result<(), ChunkError> {
        // 3 control bits and 11 of a window.
        r.ensure(14);
        let word = r.peek();
        if word >> 63 == 0 {
            r.consume(1);
            self.bits = self.base;
        } else if word >> 62 == 0b10 {
            r.consume(2);
            self.changed(r);
        } else {
            r.consume(3);
            if word >> 61 == 0b111 {
                self.bits = STALE_NAN_BITS;
            } else {
                self.window = Window::read(r)?;
                self.changed(r);
            }
        }
        Ok(())
    }
}

/// Fills the samples of `out` from `start` on.
pub(super) fn decode_into(data: &[u8], start: usize, out: &mut SampleBuffer) -> Result<(), ChunkError> {
    let starts = StartDecoder::new(data[HEADER_LEN - 1]);
    let (ts, vs) = (&mut out.timestamps[start..], &mut out.floats[start..]);
    if starts.is_none() {
        return decode::<false>(data, ts, vs, starts, &mut []);
    }
    out.start_timestamps.resize(start + ts.len(), 0);
    decode::<true>(data, ts, vs, starts, &mut out.start_timestamps[start..])
}

fn decode<const STARTS: bool>(
    data: &[u8],
    ts: &mut [i64],
    vs: &mut [f64],
    mut starts: StartDecoder,
    sts: &mut [i64],
) -> Result<(), ChunkError> {
    let mut r = BitReader::new(&data[HEADER_LEN..]);
    let mut value = Value { bits: 0, base: 0, window: Window::FULL };
    let (mut t, mut delta) = (0i64, 0i64);
    for (i, (t_out, v_out)) in ts.iter_mut().zip(vs.iter_mut()).enumerate() {
        let prev_t = t;
        if i >= 2 {
            // Control prefix with its field (24 bits at most, but for the escape), value prefix and window.
            r.ensure(38);
            let word = r.peek();
            let dod = match (!word).leading_zeros().min(5) {
                0 => {
                    r.consume(1);
                    value.bits = value.base;
                    0
                }
                1 => {
                    r.consume(2);
                    if r.take(1) == 1 {
                        value.window = Window::read(&mut r)?;
                    }
                    value.changed(&mut r);
                    0
                }
                2 => {
                    r.consume(3 + 13);
                    let dod = ((word << 3) as i64) >> (64 - 13);
                    value.read(&mut r)?;
                    dod
                }
                3 => {
                    r.consume(4 + 20);
                    let dod = ((word << 4) as i64) >> (64 - 20);
                    value.read(&mut r)?;
                    dod
                }
                4 => {
                    r.consume(5);
                    let dod = r.read(64) as i64;
                    value.read(&mut r)?;
                    dod
                }
                _ => {
                    r.consume(5);
                    value.bits = STALE_NAN_BITS;
                    0
                }
            };
            delta = delta.wrapping_add(dod);
            t = t.wrapping_add(delta);
        } else if i == 1 {
            delta = r.read_uvarint()? as i64;
            t = t.wrapping_add(delta);
            value.read(&mut r)?;
        } else {
            t = r.read_varint()?;
            value.bits = r.read(64);
            if value.bits != STALE_NAN_BITS {
                value.base = value.bits;
            }
        }
        (*t_out, *v_out) = (t, f64::from_bits(value.bits));
        if STARTS {
            let st = starts.read(&mut r, i, t, prev_t)?;
            if let Some(out) = sts.get_mut(i) {
                *out = st;
            }
        }
    }
    r.check()
}
