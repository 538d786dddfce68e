//! Aggregate chunks of downsampled blocks: up to five chunks in one.
//!
//! ```text
//! count, sum, min, max, counter, each: uvarint length; if it is not 0: 1 byte encoding, then that many bytes
//! ```
//!
//! Source of the format: Thanos `pkg/compact/downsample/aggr.go`.

use std::ops::Range;

use super::{ChunkError, Encoding};

/// One of the five aggregates, in the order in which they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AggregateKind {
    /// Number of samples of a window.
    Count,
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The counter with resets removed since the start of the chunk.
    Counter,
}

impl AggregateKind {
    /// All, in the order in which they are stored.
    pub const ALL: [Self; 5] = [Self::Count, Self::Sum, Self::Min, Self::Max, Self::Counter];
}

impl std::fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Counter => "counter",
        })
    }
}

/// An aggregate chunk, taken apart.
#[derive(Debug, Clone)]
pub struct AggregateChunk<'a> {
    data: &'a [u8],
    slots: [Option<(Encoding, u32, u32)>; 5],
}

impl<'a> AggregateChunk<'a> {
    /// Finds the parts of an aggregate chunk; does not look into them.
    pub fn parse(data: &'a [u8]) -> Result<Self, ChunkError> {
        let mut slots = [None; 5];
        let mut pos = 0;
        for kind in AggregateKind::ALL {
            let bad = ChunkError::BadAggregate(kind);
            let (len, n) = crate::bytes::uvarint(&data[pos..]).ok_or(bad)?;
            pos += n;
            if len == 0 {
                continue;
            }
            let encoding = Encoding::from_byte(*data.get(pos).ok_or(bad)?)?;
            pos += 1;
            let len = usize::try_from(len).ok().filter(|len| *len <= data.len() - pos).ok_or(bad)?;
            let end = pos + len;
            let (Ok(from), Ok(to)) = (u32::try_from(pos), u32::try_from(end)) else { return Err(bad) };
            slots[kind as usize] = Some((encoding, from, to));
            pos = end;
        }
        Ok(Self { data, slots })
    }

    /// Encoding and data of an aggregate, if it is there.
    pub fn get(&self, kind: AggregateKind) -> Option<(Encoding, &'a [u8])> {
        let (encoding, range) = self.range(kind)?;
        Some((encoding, &self.data[range]))
    }

    /// Encoding of an aggregate and where its data are within the aggregate chunk, for slicing shared bytes.
    pub fn range(&self, kind: AggregateKind) -> Option<(Encoding, Range<usize>)> {
        self.slots[kind as usize].map(|(encoding, from, to)| (encoding, from as usize..to as usize))
    }

    /// As [`get`](Self::get), for an aggregate that has to be there.
    pub fn require(&self, kind: AggregateKind) -> Result<(Encoding, &'a [u8]), ChunkError> {
        self.get(kind).ok_or(ChunkError::MissingAggregate(kind))
    }
}

/// Puts an aggregate chunk together; the parts in the order of [`AggregateKind::ALL`].
pub fn encode(parts: [Option<(Encoding, &[u8])>; 5]) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(parts.iter().flatten().map(|(_, data)| data.len() + 6).sum::<usize>() + 5);
    for part in parts {
        match part {
            None => out.push(0),
            Some((encoding, data)) => {
                crate::bytes::put_uvarint(&mut out, data.len() as u64);
                out.push(encoding.byte());
                out.extend_from_slice(data);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_missing_ones_are_missing() {
        let bytes =
            encode([Some((Encoding::Xor, b"abc")), None, None, Some((Encoding::FloatHistogram, b"d")), None]);
        assert_eq!(bytes, b"\x03\x01abc\x00\x00\x01\x03d\x00");
        let chunk = AggregateChunk::parse(&bytes).unwrap();
        assert_eq!(chunk.get(AggregateKind::Count), Some((Encoding::Xor, &b"abc"[..])));
        assert_eq!(chunk.get(AggregateKind::Max), Some((Encoding::FloatHistogram, &b"d"[..])));
        assert_eq!(
            chunk.require(AggregateKind::Sum).unwrap_err(),
            ChunkError::MissingAggregate(AggregateKind::Sum)
        );
        assert_eq!(chunk.range(AggregateKind::Max), Some((Encoding::FloatHistogram, 9..10)));
    }

    #[test]
    fn cut_chunks_are_refused() {
        let bytes = encode([Some((Encoding::Xor, b"abc")), None, None, Some((Encoding::Xor, b"d")), None]);
        for len in 0..bytes.len() {
            AggregateChunk::parse(&bytes[..len]).unwrap_err();
        }
        AggregateChunk::parse(&[0xff; 20]).unwrap_err();
    }
}
