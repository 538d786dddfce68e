//! The inner form of a label set: name, value, name, value …, each string preceded by its length.
//!
//! Lengths are written as ASCII so that the whole stays one valid `str` and slices of it need no check beyond a character boundary:
//! below 0x7F one byte; else 0x7F and five bytes of seven bits, the lowest first.

use std::cmp::Ordering;
use std::iter::FusedIterator;

const LONG: u8 = 0x7f;
const LONG_BYTES: usize = 5;

/// Appends one string with its length.
pub(super) fn push(out: &mut String, text: &str) {
    let len = text.len();
    if len < LONG as usize {
        out.push(len as u8 as char);
    } else {
        // 35 bits hold any length that the formats and the wire can carry.
        assert!(len < 1 << (7 * LONG_BYTES), "label string of {len} bytes");
        out.push(LONG as char);
        for i in 0..LONG_BYTES {
            out.push(((len >> (7 * i)) & 0x7f) as u8 as char);
        }
    }
    out.push_str(text);
}

/// Reads the length at `at`; returns where the string starts and ends.
#[inline(always)]
fn span(data: &[u8], at: usize) -> (usize, usize) {
    let first = data[at];
    if first < LONG { (at + 1, at + 1 + first as usize) } else { long_span(data, at + 1) }
}

#[cold]
fn long_span(data: &[u8], at: usize) -> (usize, usize) {
    let len = data[at..at + LONG_BYTES].iter().rev().fold(0usize, |len, b| len << 7 | usize::from(*b));
    (at + LONG_BYTES, at + LONG_BYTES + len)
}

/// The labels of a set in the order of their names.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iter<'a> {
    pub(super) fn new(data: &'a str) -> Self {
        Self { rest: data }
    }

    #[inline]
    fn take(&mut self) -> &'a str {
        let (start, end) = span(self.rest.as_bytes(), 0);
        let text = &self.rest[start..end];
        self.rest = &self.rest[end..];
        text
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let name = self.take();
        Some((name, self.take()))
    }
}

impl FusedIterator for Iter<'_> {}

/// Compares two sets in Prometheus's order.
///
/// Up to the first differing byte both have the same structure, so only the string that holds this byte has to be looked at.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let Some(differs) = first_difference(a, b) else { return a.len().cmp(&b.len()) };
    let mut at = 0;
    loop {
        let (start, end) = span(a, at);
        if differs < start {
            // The lengths differ: the strings may still share their beginning.
            let (b_start, b_end) = span(b, at);
            return a[start..end].cmp(&b[b_start..b_end]);
        }
        if differs < end {
            return a[differs].cmp(&b[differs]);
        }
        at = end;
    }
}

/// The index of the first byte in which the two differ within their common length.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let mut at = 0;
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        let x = u64::from_le_bytes(x.try_into().expect("chunk of eight"));
        let y = u64::from_le_bytes(y.try_into().expect("chunk of eight"));
        if x != y {
            return Some(at + ((x ^ y).trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    (at..len).find(|&i| a[i] != b[i])
}
