//! The variable-length integers of histogram chunks and of start timestamps.
//!
//! A run of ones, ended by a zero unless it is eight long, picks the width of the field that follows:
//!
//! ```text
//! 0                value 0
//! 10        + 3    -3 … 4           0 … 7
//! 110       + 6    -31 … 32         0 … 63
//! 1110      + 9    -255 … 256       0 … 511
//! 11110     + 12   -2047 … 2048     0 … 4095
//! 111110    + 18   -131071 … 131072
//! 1111110   + 25   -16777215 … 16777216
//! 11111110  + 56
//! 11111111  + 64
//! ```
//!
//! Source of the format: Prometheus `tsdb/chunkenc/varbit.go`.

use crate::bits::{BitReader, BitWriter};

/// Width of the field after a run of that many ones.
const WIDTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

#[inline(always)]
pub(super) fn read_uint(r: &mut BitReader<'_>) -> u64 {
    r.ensure(33);
    let word = r.peek();
    if word >> 63 == 0 {
        r.consume(1);
        return 0;
    }
    let ones = (!word).leading_zeros().min(8);
    let width = WIDTHS[ones as usize];
    if ones <= 6 {
        // Prefix and field are at most 7 + 25 bits, which are in the register.
        let v = (word << (ones + 1)) >> (64 - width);
        r.consume(ones + 1 + width);
        return v;
    }
    r.consume(8);
    r.read(width)
}

#[inline(always)]
pub(super) fn read_int(r: &mut BitReader<'_>) -> i64 {
    r.ensure(33);
    let word = r.peek();
    if word >> 63 == 0 {
        r.consume(1);
        return 0;
    }
    let ones = (!word).leading_zeros().min(8);
    let width = WIDTHS[ones as usize];
    let v = if ones <= 6 {
        let v = (word << (ones + 1)) >> (64 - width);
        r.consume(ones + 1 + width);
        v
    } else {
        r.consume(8);
        r.read(width)
    };
    if width == 64 { v as i64 } else { signed(v, width) }
}

/// Undoes the writer's folding: a field of n bits stands for -(2^(n-1)-1) … 2^(n-1), so that the highest bit pattern of
/// the positive half is 2^(n-1) itself.
#[inline(always)]
pub(super) fn signed(v: u64, width: u32) -> i64 {
    if v > 1 << (width - 1) { v.wrapping_sub(1 << width) as i64 } else { v as i64 }
}

/// Whether `v` fits the signed field of `width` bits.
#[inline(always)]
pub(super) fn fits(v: i64, width: u32) -> bool {
    let half = 1i64 << (width - 1);
    -(half - 1) <= v && v <= half
}

/// Appends a signed integer.
#[allow(dead_code, reason = "for the appenders of histogram chunks")]
pub(crate) fn write_int(w: &mut BitWriter, v: i64) {
    if v == 0 {
        w.write(0, 1);
        return;
    }
    let class = (1..8).find(|&c| fits(v, WIDTHS[c])).unwrap_or(8);
    put(w, v as u64, class);
}

/// Appends an unsigned integer.
#[allow(dead_code, reason = "for the appenders of histogram chunks")]
pub(crate) fn write_uint(w: &mut BitWriter, v: u64) {
    if v == 0 {
        w.write(0, 1);
        return;
    }
    let bits = 64 - v.leading_zeros();
    let class = (1..8).find(|&c| bits <= WIDTHS[c]).unwrap_or(8);
    put(w, v, class);
}

fn put(w: &mut BitWriter, v: u64, class: usize) {
    if class == 8 {
        w.write(0xff, 8);
        w.write(v, 64);
    } else {
        w.write((1 << (class + 1)) - 2, class as u32 + 1);
        w.write(v, WIDTHS[class]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges() -> Vec<i64> {
        let mut v = vec![0, 1, -1, i64::MAX, i64::MIN];
        for width in &WIDTHS[1..8] {
            let half = 1i64 << (width - 1);
            v.extend([half - 1, half, half + 1, -half + 2, -half + 1, -half, -half - 1]);
        }
        v
    }

    #[test]
    fn integers_at_every_edge_come_back() {
        let mut w = BitWriter::default();
        for v in edges() {
            write_int(&mut w, v);
            write_uint(&mut w, v as u64);
        }
        let bytes = w.into_bytes();
        let mut r = BitReader::new(&bytes);
        for v in edges() {
            assert_eq!(read_int(&mut r), v);
            assert_eq!(read_uint(&mut r), v as u64);
        }
        r.check().unwrap();
    }

    #[test]
    fn prefixes_are_as_documented() {
        let mut w = BitWriter::default();
        write_int(&mut w, 4);
        assert_eq!(w.bytes(), [0b1010_0000]);
        let mut w = BitWriter::default();
        write_int(&mut w, -3);
        assert_eq!(w.bytes(), [0b1010_1000]);
    }
}
