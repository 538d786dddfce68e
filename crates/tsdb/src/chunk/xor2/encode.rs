//! Encoding columns as XOR2, bit for bit as Prometheus's appender does.

use model::value::STALE_NAN_BITS;

use super::HEADER_LEN;
use crate::bits::BitWriter;
use crate::chunk::ChunkFull;
use crate::chunk::start_time::StartEncoder;

/// The value side of the writer.
struct Values {
    /// The last value that was no stale marker.
    base: u64,
    /// Leading and trailing zeros of the open window.
    window: Option<(u32, u32)>,
}

impl Values {
    /// Writes a value that differs from the base, behind the control bits for a window that is kept or for a new one.
    fn changed(&mut self, w: &mut BitWriter, bits: u64, (keep, new): ((u64, u32), (u64, u32))) {
        let delta = bits ^ self.base;
        let (leading, trailing) = (delta.leading_zeros().min(31), delta.trailing_zeros());
        match self.window {
            Some((l, t)) if leading >= l && trailing >= t => {
                w.write(keep.0, keep.1);
                w.write(delta >> t, 64 - l - t);
            }
            _ => {
                self.window = Some((leading, trailing));
                let width = 64 - leading - trailing;
                w.write(new.0, new.1);
                // A width of 64 does not fit the six bits and is written as 0.
                w.write(u64::from(leading) << 6 | u64::from(width & 0x3f), 11);
                w.write(delta >> trailing, width);
            }
        }
        self.base = bits;
    }

    /// The value behind a delta of deltas other than 0.
    fn write(&mut self, w: &mut BitWriter, bits: u64) {
        if bits == STALE_NAN_BITS {
            w.write(0b111, 3);
        } else if bits == self.base {
            w.write(0, 1);
        } else {
            self.changed(w, bits, ((0b10, 2), (0b110, 3)));
        }
    }

    /// Control and value of a delta of deltas of 0.
    fn write_steady(&mut self, w: &mut BitWriter, bits: u64) {
        if bits == STALE_NAN_BITS {
            w.write(0b11111, 5);
        } else if bits == self.base {
            w.write(0, 1);
        } else {
            self.changed(w, bits, ((0b100, 3), (0b101, 3)));
        }
    }
}

/// Whether `v` fits `bits` bits in two's complement.
fn fits(v: i64, bits: u32) -> bool {
    let half = 1i64 << (bits - 1);
    (-half..half).contains(&v)
}

/// The XOR2 chunk of the samples, with start timestamps in ms; 0, or an end of that column before the others', stands
/// for none. Fails for more than 65535.
pub fn encode_xor2(timestamps: &[i64], values: &[f64], starts: &[i64]) -> Result<Vec<u8>, ChunkFull> {
    debug_assert_eq!(timestamps.len(), values.len());
    let count = u16::try_from(timestamps.len()).map_err(|_| ChunkFull)?;
    let mut header = Vec::with_capacity(HEADER_LEN + timestamps.len() * 4);
    header.extend_from_slice(&count.to_be_bytes());
    header.push(0);
    let mut w = BitWriter::resume(header, 0);
    let mut known = StartEncoder::new(HEADER_LEN - 1);
    let mut value = Values { base: 0, window: None };
    let (mut prev_t, mut delta) = (0i64, 0i64);
    for (i, (t, v)) in timestamps.iter().zip(values).enumerate() {
        let bits = v.to_bits();
        let new_delta = t.wrapping_sub(prev_t);
        match i {
            0 => {
                w.write_varint(*t);
                w.write(bits, 64);
                if bits != STALE_NAN_BITS {
                    value.base = bits;
                }
            }
            1 => {
                w.write_uvarint(new_delta as u64);
                value.write(&mut w, bits);
            }
            _ => match new_delta.wrapping_sub(delta) {
                0 => value.write_steady(&mut w, bits),
                dod => {
                    let (prefix, prefix_bits, width) = match dod {
                        _ if fits(dod, 13) => (0b110, 3, 13),
                        _ if fits(dod, 20) => (0b1110, 4, 20),
                        _ => (0b11110, 5, 64),
                    };
                    w.write(prefix, prefix_bits);
                    w.write(dod as u64, width);
                    value.write(&mut w, bits);
                }
            },
        }
        known.write(&mut w, i, *t, prev_t, starts.get(i).copied().unwrap_or(0));
        (prev_t, delta) = (*t, if i == 0 { 0 } else { new_delta });
    }
    Ok(w.into_bytes())
}
