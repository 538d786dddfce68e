//! Base-128 integers, as indexes and protobuf messages have them: seven bits a byte, the lowest first, the highest bit set in all but the
//! last byte.

/// The bits that are set in all bytes but the last one.
const ENDS: u64 = 0x8080_8080_8080_8080;

/// Reads a base-128 integer of at most 64 bits at the start of `buf`; returns it and its length in bytes, 1 to 10.
#[inline(always)]
pub fn uvarint(buf: &[u8]) -> Option<(u64, usize)> {
    let first = *buf.first()?;
    if first < 0x80 {
        return Some((u64::from(first), 1));
    }
    if let Some(word) = buf.first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        // The first byte without its highest bit ends the integer.
        let ends = !word & ENDS;
        if ends != 0 {
            let len = ends.trailing_zeros() / 8 + 1;
            return Some((join_sevens(word & (u64::MAX >> (64 - 8 * len))), len as usize));
        }
    }
    long_uvarint(buf)
}

/// Puts the seven low bits of eight bytes together.
#[inline]
fn join_sevens(word: u64) -> u64 {
    let word = (word & 0x7f00_7f00_7f00_7f00) >> 1 | word & 0x007f_007f_007f_007f;
    let word = (word & 0xffff_0000_ffff_0000) >> 2 | word & 0x0000_ffff_0000_ffff;
    (word & 0xffff_ffff_0000_0000) >> 4 | word & 0x0000_0000_ffff_ffff
}

/// Integers of more than eight bytes, and those near the end.
#[inline(never)]
fn long_uvarint(buf: &[u8]) -> Option<(u64, usize)> {
    if let Some(&[ref low @ .., ninth, tenth]) = buf.first_chunk::<10>() {
        let low = u64::from_le_bytes(*low);
        if low & ENDS == ENDS {
            let low = join_sevens(low & !ENDS) | u64::from(ninth & 0x7f) << 56;
            return match (ninth, tenth) {
                (..0x80, _) => Some((low, 9)),
                (_, ..2) => Some((low | u64::from(tenth) << 63, 10)),
                _ => None,
            };
        }
    }
    let mut x = 0;
    for (i, &b) in buf.iter().enumerate().take(9) {
        x |= u64::from(b & 0x7f) << (7 * i);
        if b < 0x80 {
            return Some((x, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mut v: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while v >= 0x80 {
            out.push(v as u8 | 0x80);
            v >>= 7;
        }
        out.push(v as u8);
        out
    }

    #[test]
    fn integers_come_back_whatever_is_behind_them() {
        let ends = (0..64).map(|bits| u64::MAX >> bits);
        for v in ends.chain((0..64).map(|bits| 1 << bits)).chain([0, 300, 1_700_000_000_000]) {
            let bytes = written(v);
            for behind in 0..12 {
                let all = [bytes.clone(), vec![0x80; behind]].concat();
                assert_eq!(uvarint(&all), Some((v, bytes.len())), "{v} with {behind} behind");
            }
            for len in 0..bytes.len() {
                assert_eq!(uvarint(&bytes[..len]), None);
            }
        }
        // More than 64 bits, and more than ten bytes.
        assert_eq!(uvarint(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), None);
        assert_eq!(uvarint(&[0x80; 20]), None);
    }
}
