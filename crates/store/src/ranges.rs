//! Byte ranges of an object, merged when they are near: one larger read costs less than two round trips.

use std::ops::Range;

/// Gap up to which two ranges of an object in a remote bucket become one; the number of Thanos's.
pub(crate) const REMOTE_GAP: u64 = 512 * 1024;

/// The same for files, where a read costs little and bytes are copied.
pub(crate) const LOCAL_GAP: u64 = 32 * 1024;

/// A range to fetch, and which of the given ranges lie in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Bytes to fetch.
    pub(crate) bytes: Range<u64>,
    /// Positions in the given list.
    pub(crate) items: Range<usize>,
}

/// Merges ranges that are sorted by start (they may overlap) into parts. A part grows beyond `max_len` bytes only by a single range.
pub(crate) fn merge(ranges: impl IntoIterator<Item = Range<u64>>, max_gap: u64, max_len: u64) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (position, range) in ranges.into_iter().enumerate() {
        if let Some(part) = parts.last_mut() {
            let near = range.start <= part.bytes.end.saturating_add(max_gap);
            let end = part.bytes.end.max(range.end);
            if near && (end - part.bytes.start <= max_len || end == part.bytes.end) {
                part.bytes.end = end;
                part.items.end = position + 1;
                continue;
            }
        }
        parts.push(Part { bytes: range, items: position..position + 1 });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn near_ranges_become_one() {
        let parts = merge([0..10, 15..20, 18..19, 100..110], 10, 1000);
        assert_eq!(parts, [Part { bytes: 0..20, items: 0..3 }, Part { bytes: 100..110, items: 3..4 }]);
        assert_eq!(merge([0..10, 10..20, 20..30], 10, 20).len(), 2);
        assert_eq!(merge(std::iter::once(0..10), 0, 1), [Part { bytes: 0..10, items: 0..1 }]);
        assert_eq!(merge([], 0, 1), []);
    }

    proptest! {
        #[test]
        fn every_range_lies_in_its_part(
            mut ranges in prop::collection::vec((0u64..1000, 1u64..50), 0..40),
            gap in 0u64..30,
            max_len in 1u64..200,
        ) {
            ranges.sort();
            let ranges: Vec<_> = ranges.into_iter().map(|(start, len)| start..start + len).collect();
            let parts = merge(ranges.iter().cloned(), gap, max_len);
            let mut next = 0;
            for part in &parts {
                prop_assert_eq!(part.items.start, next);
                next = part.items.end;
                for range in &ranges[part.items.clone()] {
                    prop_assert!(part.bytes.start <= range.start && range.end <= part.bytes.end);
                }
                let len = part.bytes.end - part.bytes.start;
                prop_assert!(len <= max_len || part.items.len() == 1 || ranges[part.items.start].end == part.bytes.end);
            }
            prop_assert_eq!(next, ranges.len());
        }
    }
}
