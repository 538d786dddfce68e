//! Reading the fixed and variable-length integers of the file formats out of a byte slice, with positions for errors.

pub(crate) use model::varint::uvarint;

use crate::error::{Error, Problem};

/// Appends a base-128 integer.
pub(crate) fn put_uvarint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// Appends a zig-zag base-128 integer.
pub(crate) fn put_varint(out: &mut Vec<u8>, v: i64) {
    put_uvarint(out, ((v << 1) ^ (v >> 63)) as u64);
}

/// CRC-32 Castagnoli, as all files have it.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// Walks over a slice.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    section: &'static str,
    /// Position of the slice's start in its file.
    base: u64,
    buf: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor over `buf`, which starts at `base` of its file; `section` names it in errors.
    pub(crate) fn new(section: &'static str, base: u64, buf: &'a [u8]) -> Self {
        Self { section, base, buf, pos: 0 }
    }

    /// The contents of a section with a 4-byte length in front and a checksum behind, which is verified if `verify`.
    pub(crate) fn section(
        section: &'static str,
        file: &'a [u8],
        at: u64,
        verify: bool,
    ) -> Result<Self, Error> {
        let corrupt = |problem| Error::Corrupt { section, offset: at, problem };
        let start = usize::try_from(at).map_err(|_| corrupt(Problem::Truncated))?;
        let rest = file.get(start..).ok_or(corrupt(Problem::Truncated))?;
        let (len, rest) = rest.split_first_chunk::<4>().ok_or(corrupt(Problem::Truncated))?;
        let len = u32::from_be_bytes(*len) as usize;
        let (body, rest) = rest.split_at_checked(len).ok_or(corrupt(Problem::Truncated))?;
        let sum = rest.first_chunk::<4>().ok_or(corrupt(Problem::Truncated))?;
        if verify && crc(body) != u32::from_be_bytes(*sum) {
            return Err(corrupt(Problem::Checksum));
        }
        Ok(Self::new(section, at + 4, body))
    }

    /// The error of this place.
    pub(crate) fn corrupt(&self, problem: Problem) -> Error {
        Error::Corrupt { section: self.section, offset: self.base + self.pos as u64, problem }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pos == self.buf.len()
    }

    /// Bytes read so far.
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.buf[self.pos..]
    }

    #[inline]
    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8], Error> {
        match self.rest().get(..n) {
            Some(b) => {
                self.pos += n;
                Ok(b)
            }
            None => Err(self.corrupt(Problem::Truncated)),
        }
    }

    pub(crate) fn skip(&mut self, n: usize) -> Result<(), Error> {
        self.bytes(n).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.rest().first_chunk::<N>() {
            Some(b) => {
                self.pos += N;
                Ok(*b)
            }
            None => Err(self.corrupt(Problem::Truncated)),
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn be32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn be64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    #[inline(always)]
    pub(crate) fn uvarint(&mut self) -> Result<u64, Error> {
        match uvarint(self.rest()) {
            Some((v, n)) => {
                self.pos += n;
                Ok(v)
            }
            None => Err(self.no_uvarint()),
        }
    }

    /// Why there is no base-128 integer here.
    #[cold]
    fn no_uvarint(&self) -> Error {
        self.corrupt(if self.rest().len() < 10 { Problem::Truncated } else { Problem::Varint })
    }

    /// Goes behind `n` base-128 integers, whatever they are.
    pub(crate) fn skip_uvarints(&mut self, mut n: u64) -> Result<(), Error> {
        while let Some(word) = self.rest().first_chunk::<8>() {
            // One for each byte that ends an integer; the product has their sum at the top.
            let ends = !u64::from_le_bytes(*word) >> 7 & 0x0101_0101_0101_0101;
            let count = ends.wrapping_mul(0x0101_0101_0101_0101) >> 56;
            // Behind the last end may be the start of what comes next.
            if count >= n {
                break;
            }
            n -= count;
            self.pos += 8;
        }
        for _ in 0..n {
            self.uvarint()?;
        }
        Ok(())
    }

    /// A base-128 integer that has to fit 32 bits.
    #[inline(always)]
    pub(crate) fn uvarint32(&mut self) -> Result<u32, Error> {
        let v = self.uvarint()?;
        u32::try_from(v).map_err(|_| self.corrupt(Problem::Varint))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<i64, Error> {
        let ux = self.uvarint()?;
        Ok((ux >> 1) as i64 ^ -((ux & 1) as i64))
    }

    /// Bytes with their length in front.
    #[inline]
    pub(crate) fn uvarint_bytes(&mut self) -> Result<&'a [u8], Error> {
        let len = self.uvarint()?;
        match usize::try_from(len) {
            Ok(len) => self.bytes(len),
            Err(_) => Err(self.corrupt(Problem::Truncated)),
        }
    }

    /// Text with its length in front.
    #[inline]
    pub(crate) fn uvarint_str(&mut self) -> Result<&'a str, Error> {
        let bytes = self.uvarint_bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.corrupt(Problem::Utf8))
    }
}
