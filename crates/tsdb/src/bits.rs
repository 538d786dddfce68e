//! Bit streams of the chunk encodings: most significant bit first, in bytes.
//!
//! [`BitReader`] keeps up to 63 bits in a register and tops it up with one unaligned 8-byte load, so that the decoders
//! look at several fields with one load and without a branch per bit. Past the end it hands out zeros and remembers it:
//! decoders check [`BitReader::check`] at points of their choice instead of on every read.

use crate::chunk::ChunkError;

/// Reads bits from a byte slice.
#[derive(Clone)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    /// Byte from which the next top-up loads; may run past the end.
    pos: usize,
    /// Unread bits, left aligned. Bits below `valid` are either zero or what the stream holds there.
    buf: u64,
    /// Number of bits of `buf` that count.
    valid: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, pos: 0, buf: 0, valid: 0 }
    }

    /// Tops the register up to at least 56 bits.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        let word = match self.data.get(self.pos..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => self.tail_word(),
        };
        self.buf |= word >> self.valid;
        self.pos += ((63 - self.valid) >> 3) as usize;
        self.valid |= 56;
    }

    /// The last, incomplete word, filled with zeros.
    #[cold]
    #[inline(never)]
    fn tail_word(&self) -> u64 {
        let mut bytes = [0u8; 8];
        if let Some(rest) = self.data.get(self.pos..) {
            bytes[..rest.len()].copy_from_slice(rest);
        }
        u64::from_be_bytes(bytes)
    }

    /// Tops up only when fewer than `bits` bits are left; `bits` is at most 56.
    #[inline(always)]
    pub(crate) fn ensure(&mut self, bits: u32) {
        debug_assert!(bits <= 56);
        if self.valid < bits {
            self.refill();
        }
    }

    /// The unread bits, left aligned; only as many count as were ensured.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.buf
    }

    /// Drops `bits` bits, which must have been ensured.
    #[inline(always)]
    pub(crate) fn consume(&mut self, bits: u32) {
        debug_assert!(bits <= self.valid);
        self.buf <<= bits;
        self.valid -= bits;
    }

    /// Reads 1 to 63 bits that the register holds.
    #[inline(always)]
    pub(crate) fn take(&mut self, bits: u32) -> u64 {
        debug_assert!((1..=63).contains(&bits));
        let v = self.buf >> (64 - bits);
        self.consume(bits);
        v
    }

    /// Reads 1 to 64 bits.
    #[inline(always)]
    pub(crate) fn read(&mut self, bits: u32) -> u64 {
        debug_assert!((1..=64).contains(&bits));
        if self.valid >= bits {
            return self.take(bits);
        }
        self.refill();
        if bits <= 56 {
            return self.take(bits);
        }
        let low = bits - 32;
        let high = self.take(32);
        self.ensure(low);
        (high << low) | self.take(low)
    }

    #[inline]
    pub(crate) fn read_u8(&mut self) -> u8 {
        self.read(8) as u8
    }

    #[inline]
    pub(crate) fn read_f64(&mut self) -> f64 {
        f64::from_bits(self.read(64))
    }

    /// Reads a base-128 integer as Go's `binary.Uvarint` writes it.
    pub(crate) fn read_uvarint(&mut self) -> Result<u64, ChunkError> {
        let mut x = 0u64;
        for i in 0..10 {
            let b = self.read_u8();
            if b < 0x80 {
                if i == 9 && b > 1 {
                    return Err(ChunkError::BadVarint);
                }
                return Ok(x | u64::from(b) << (7 * i));
            }
            x |= u64::from(b & 0x7f) << (7 * i);
        }
        Err(ChunkError::BadVarint)
    }

    /// Reads a zig-zag base-128 integer as Go's `binary.Varint` writes it.
    pub(crate) fn read_varint(&mut self) -> Result<i64, ChunkError> {
        let ux = self.read_uvarint()?;
        Ok((ux >> 1) as i64 ^ -((ux & 1) as i64))
    }

    /// Number of bits consumed so far; more than the stream has when reading ran past the end.
    #[inline]
    pub(crate) fn consumed(&self) -> usize {
        self.pos * 8 - self.valid as usize
    }

    /// Fails when more bits were read than there are.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), ChunkError> {
        if self.consumed() > self.data.len() * 8 { Err(ChunkError::UnexpectedEnd) } else { Ok(()) }
    }

    /// Bits not read yet; zero when reading ran past the end.
    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        (self.data.len() * 8).saturating_sub(self.consumed())
    }
}

/// Appends bits to a byte vector.
#[derive(Debug, Default, Clone)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Unused low bits of the last byte, 0 to 7.
    free: u32,
}

impl BitWriter {
    /// Continues after `bytes`, of whose last byte the low `free` bits are unused.
    pub(crate) fn resume(bytes: Vec<u8>, free: u32) -> Self {
        debug_assert!(free < 8);
        Self { bytes, free }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes the low `bits` bits (0 to 64) of `v`.
    #[inline]
    pub(crate) fn write(&mut self, v: u64, bits: u32) {
        debug_assert!(bits <= 64);
        if bits == 0 {
            return;
        }
        // Left aligned, so that whole bytes come off the top.
        let mut v = v << (64 - bits);
        let mut left = bits;
        if self.free > 0 {
            let n = self.free.min(left);
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((v >> 56) >> (8 - self.free)) as u8;
            }
            v = v.checked_shl(n).unwrap_or(0);
            left -= n;
            self.free -= n;
        }
        if left > 0 {
            let whole = left.div_ceil(8) as usize;
            self.bytes.extend_from_slice(&v.to_be_bytes()[..whole]);
            self.free = whole as u32 * 8 - left;
        }
    }

    #[inline]
    pub(crate) fn write_bit(&mut self, bit: bool) {
        self.write(u64::from(bit), 1);
    }

    pub(crate) fn write_uvarint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.write(v & 0x7f | 0x80, 8);
            v >>= 7;
        }
        self.write(v, 8);
    }

    pub(crate) fn write_varint(&mut self, v: i64) {
        self.write_uvarint(((v << 1) ^ (v >> 63)) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_width_come_back() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let fields: Vec<(u64, u32)> = (0..5000)
            .map(|_| {
                let bits = (next() % 64 + 1) as u32;
                (next() >> (64 - bits), bits)
            })
            .collect();
        let mut w = BitWriter::default();
        for &(v, bits) in &fields {
            w.write(v, bits);
        }
        let bytes = w.into_bytes();
        let mut r = BitReader::new(&bytes);
        for &(v, bits) in &fields {
            assert_eq!(r.read(bits), v, "{bits} bits");
        }
        r.check().unwrap();
        assert!(r.remaining() < 8);
        r.read(8);
        assert_eq!(r.check(), Err(ChunkError::UnexpectedEnd));
    }

    #[test]
    fn varints_come_back() {
        let mut w = BitWriter::default();
        w.write_bit(true);
        let values = [0, 1, -1, 63, 64, -64, -65, i64::MAX, i64::MIN, 1_700_000_000_000];
        for v in values {
            w.write_varint(v);
        }
        let bytes = w.into_bytes();
        let mut r = BitReader::new(&bytes);
        assert_eq!(r.read(1), 1);
        for v in values {
            assert_eq!(r.read_varint(), Ok(v));
        }
        assert_eq!(BitReader::new(&[0xff; 16]).read_uvarint(), Err(ChunkError::BadVarint));
    }
}
