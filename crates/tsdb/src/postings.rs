//! Postings: ascending lists of series references, and the set operations on them.
//!
//! Lists are plain slices and vectors of references as they are on disk (`u32`; in version 2 of the index a sixteenth of
//! the entry's offset) or of any other ordered number. Operations are eager: a list of a million takes 4 MB and a few
//! milliseconds, less than walking it through layers of iterators.

mod matchers;
mod sets;

pub use matchers::{PostingsSource, label_values_for_matchers, postings_for_matchers};
pub(crate) use sets::merge_many;
pub use sets::{Reference, intersect, intersect_all, intersects, merge, merge_all, without};

use crate::error::Problem;

/// Decodes a postings list as it is on disk, without length in front and checksum behind: BE32 count, then that many
/// BE32 references. Bytes after them are ignored, since a range from a bucket may be a little too long.
pub fn decode(bytes: &[u8]) -> Result<Vec<u32>, Problem> {
    Ok(decode_iter(bytes)?.collect())
}

/// As [`decode`], without a vector.
pub fn decode_iter(
    bytes: &[u8],
) -> Result<impl ExactSizeIterator<Item = u32> + DoubleEndedIterator + Clone + '_, Problem> {
    let (count, rest) = bytes.split_first_chunk::<4>().ok_or(Problem::Truncated)?;
    let count = u32::from_be_bytes(*count) as usize;
    let (list, _) = rest.as_chunks::<4>();
    let list = list.get(..count).ok_or(Problem::Truncated)?;
    Ok(list.iter().map(|b| u32::from_be_bytes(*b)))
}

/// Appends a postings list as it is on disk, count and references.
pub fn encode(out: &mut Vec<u8>, list: &[u32]) {
    out.reserve(4 + 4 * list.len());
    out.extend_from_slice(&(list.len() as u32).to_be_bytes());
    for reference in list {
        out.extend_from_slice(&reference.to_be_bytes());
    }
}
