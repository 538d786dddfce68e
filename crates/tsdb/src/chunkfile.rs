//! Chunk segment files: `chunks/000001`, `chunks/000002`, … of a block.
//!
//! ```text
//! BE32 0x85BD40DD, byte 1, 3 zero bytes; then chunks:
//! uvarint length of data, 1 byte encoding, data, BE32 CRC over encoding and data
//! ```
//!
//! Segments are mapped, and chunks handed out as slices of the mapping. [`ChunkFrame`] does the same on a range that was
//! fetched from a bucket. Source of the format: Prometheus `tsdb/chunks/chunks.go`; see `docs/format/chunks.md`.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

use crate::bytes::{crc, put_uvarint, uvarint};
use crate::chunk::Encoding;
use crate::error::{Error, Problem};
use crate::mmap::Mapped;

/// First bytes of a segment.
pub const MAGIC: u32 = 0x85BD_40DD;
/// The only version of the format.
pub const VERSION: u8 = 1;
/// Length of a segment's header in bytes.
pub const HEADER_LEN: usize = 8;
/// Bytes that a chunk takes in a file besides its data, at most: length, encoding, checksum.
pub const MAX_OVERHEAD: usize = 5 + 1 + 4;

/// Where a chunk is in its block: segment number (from 0) and offset in bytes in that file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkRef(pub u64);

impl ChunkRef {
    /// The chunk that starts at `offset` of segment `segment`, counted from 0.
    pub fn new(segment: u32, offset: u32) -> Self {
        Self(u64::from(segment) << 32 | u64::from(offset))
    }

    /// Segment number from 0; its file's name is one more.
    pub fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Offset in bytes in the segment.
    pub fn offset(self) -> u32 {
        self.0 as u32
    }
}

impl std::fmt::Display for ChunkRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}:{}", u64::from(self.segment()) + 1, self.offset())
    }
}

/// One chunk as it lies in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkFrame {
    /// How to read the data.
    pub encoding: Encoding,
    /// Where the data are, relative to the start of the frame.
    pub data: Range<usize>,
    /// Length of the whole frame in bytes.
    pub len: usize,
}

impl ChunkFrame {
    /// Length of the frame that starts at `bytes`, as far as one can tell: `None` when not even the length is there.
    /// For fetching the rest of a chunk of which only the start was guessed right.
    pub fn len_of(bytes: &[u8]) -> Option<u64> {
        let (len, n) = uvarint(bytes)?;
        len.checked_add(n as u64 + 1 + 4)
    }

    /// Takes the frame at the start of `bytes` apart. `verify` checks the checksum, as Prometheus does; Thanos's store
    /// does not for ranges from a bucket.
    pub fn parse(bytes: &[u8], verify: bool) -> Result<Self, Problem> {
        let (data_len, n) = uvarint(bytes).ok_or(Problem::Truncated)?;
        let data_len = usize::try_from(data_len).map_err(|_| Problem::Truncated)?;
        let data = n + 1..(n + 1).checked_add(data_len).ok_or(Problem::Truncated)?;
        let sum = bytes.get(data.end..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Problem::Truncated)?;
        if verify && crc(&bytes[n..data.end]) != u32::from_be_bytes(*sum) {
            return Err(Problem::Checksum);
        }
        let encoding = Encoding::from_byte(bytes[n]).map_err(|e| Problem::Other(e.to_string()))?;
        Ok(Self { encoding, len: data.end + 4, data })
    }
}

/// Appends the frame of a chunk to `out`; returns where in the frame the data are.
pub(crate) fn put_frame(out: &mut Vec<u8>, encoding: Encoding, data: &[u8]) -> Range<usize> {
    let start = out.len();
    put_uvarint(out, data.len() as u64);
    let sum_from = out.len();
    out.push(encoding.byte());
    let data_from = out.len();
    out.extend_from_slice(data);
    let data_to = out.len();
    let sum = crc(&out[sum_from..]);
    out.extend_from_slice(&sum.to_be_bytes());
    data_from - start..data_to - start
}

/// The segments of a block, mapped.
#[derive(Debug, Clone)]
pub struct ChunkReader {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone)]
struct Segment {
    name: String,
    bytes: Bytes,
    /// The mapping behind the bytes, if they are one.
    mapped: Option<Mapped>,
}

impl ChunkReader {
    /// Maps all segments of a `chunks` directory and checks their headers. A directory that is missing has no segments.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let mut names = Vec::new();
        match std::fs::read_dir(dir) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(|e| Error::io(dir, e))?;
                    if let Some(name) = entry.file_name().to_str()
                        && name.parse::<u64>().is_ok()
                    {
                        names.push(name.to_owned());
                    }
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io(dir, e)),
        }
        names.sort();
        // Chunks are referred to by the number of their segment: with one missing, the next would be read in its place.
        for (at, name) in names.iter().enumerate() {
            if name.parse() != Ok(at as u64 + 1) {
                let problem = Problem::Other(format!("segment {:06} is missing before {name}", at + 1));
                return Err(Error::Corrupt { section: "segments", offset: 0, problem });
            }
        }
        let segments = names.into_iter().map(|name| {
            let mapped = Mapped::open(dir.join(&name))?;
            Ok(Segment { name, bytes: mapped.bytes(), mapped: Some(mapped) })
        });
        Self::checked(segments.collect::<Result<_, Error>>()?)
    }

    /// Reads segments that are in memory already, in order, each with a name for errors.
    pub fn from_segments(segments: impl IntoIterator<Item = (String, Bytes)>) -> Result<Self, Error> {
        Self::checked(
            segments.into_iter().map(|(name, bytes)| Segment { name, bytes, mapped: None }).collect(),
        )
    }

    fn checked(segments: Vec<Segment>) -> Result<Self, Error> {
        for segment in &segments {
            check_header(&segment.bytes).map_err(|e| e.within(format!("chunks/{}", segment.name)))?;
        }
        Ok(Self { segments })
    }

    /// Gives back the memory of what lies between two chunks (the first one included) if it is mapped: for readers that go
    /// through a block once. Nothing is lost by it but time, should it be read again.
    pub fn release(&self, from: ChunkRef, to: ChunkRef) {
        for number in from.segment()..=to.segment() {
            let Some(Segment { mapped: Some(mapped), bytes, .. }) = self.segments.get(number as usize) else {
                continue;
            };
            let start = if number == from.segment() { from.offset() as usize } else { 0 };
            let end = if number == to.segment() { to.offset() as usize } else { bytes.len() };
            mapped.release(start..end);
        }
    }

    /// Size of all segments in bytes.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|s| s.bytes.len() as u64).sum()
    }

    /// A chunk as it lies in its segment, for copying it whole; its checksum is verified. With the frame come the bytes
    /// it describes.
    pub fn frame(&self, reference: ChunkRef) -> Result<(ChunkFrame, &[u8]), Error> {
        let corrupt =
            |problem| Error::Corrupt { section: "chunk", offset: u64::from(reference.offset()), problem };
        let Some(segment) = self.segments.get(reference.segment() as usize) else {
            let problem = format!("segment index {} out of range", reference.segment());
            return Err(corrupt(Problem::Other(problem)));
        };
        let read = || {
            let bytes = segment
                .bytes
                .get(reference.offset() as usize..)
                .ok_or_else(|| corrupt(Problem::Truncated))?;
            let frame = ChunkFrame::parse(bytes, true).map_err(corrupt)?;
            let len = frame.len;
            Ok((frame, &bytes[..len]))
        };
        read().map_err(|e: Error| e.within(format!("chunks/{}", segment.name)))
    }

    /// Encoding and data of a chunk; its checksum is verified.
    pub fn chunk(&self, reference: ChunkRef) -> Result<(Encoding, Bytes), Error> {
        let corrupt =
            |problem| Error::Corrupt { section: "chunk", offset: u64::from(reference.offset()), problem };
        let Some(segment) = self.segments.get(reference.segment() as usize) else {
            return Err(corrupt(Problem::Other(format!(
                "segment index {} out of range",
                reference.segment()
            ))));
        };
        let read = || {
            let start = reference.offset() as usize;
            let bytes = segment.bytes.get(start..).ok_or_else(|| corrupt(Problem::Truncated))?;
            let frame = ChunkFrame::parse(bytes, true).map_err(corrupt)?;
            Ok((frame.encoding, segment.bytes.slice(start + frame.data.start..start + frame.data.end)))
        };
        read().map_err(|e: Error| e.within(format!("chunks/{}", segment.name)))
    }
}

/// Checks magic number and version of a segment.
pub fn check_header(bytes: &[u8]) -> Result<(), Error> {
    let corrupt = |problem| Error::Corrupt { section: "segment header", offset: 0, problem };
    let Some(&[a, b, c, d, version, ..]) = bytes.first_chunk::<HEADER_LEN>() else {
        return Err(corrupt(Problem::Truncated));
    };
    let magic = u32::from_be_bytes([a, b, c, d]);
    if magic != MAGIC {
        return Err(corrupt(Problem::Magic(magic)));
    }
    if version != VERSION {
        return Err(Error::Version(format!("invalid chunk format version {version}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(chunks: &[(u8, &[u8])]) -> (Vec<u8>, Vec<u32>) {
        let mut file = MAGIC.to_be_bytes().to_vec();
        file.extend_from_slice(&[VERSION, 0, 0, 0]);
        let mut offsets = Vec::new();
        for (encoding, data) in chunks {
            offsets.push(file.len() as u32);
            put_uvarint(&mut file, data.len() as u64);
            let start = file.len();
            file.push(*encoding);
            file.extend_from_slice(data);
            let sum = crc(&file[start..]);
            file.extend_from_slice(&sum.to_be_bytes());
        }
        (file, offsets)
    }

    fn reader(file: Vec<u8>) -> Result<ChunkReader, Error> {
        ChunkReader::from_segments([("000001".to_owned(), Bytes::from(file))])
    }

    #[test]
    fn chunks_come_back_by_reference() {
        let (file, offsets) = segment(&[(1, &[7; 300]), (255, b"agg")]);
        let r = reader(file).unwrap();
        assert_eq!(
            r.chunk(ChunkRef::new(0, offsets[0])).unwrap(),
            (Encoding::Xor, Bytes::from(vec![7; 300]))
        );
        assert_eq!(r.chunk(ChunkRef::new(0, offsets[1])).unwrap().0, Encoding::Aggregate);
        r.chunk(ChunkRef::new(1, 8)).unwrap_err();
        r.chunk(ChunkRef::new(0, u32::MAX)).unwrap_err();
    }

    #[test]
    fn flipped_bit_is_a_checksum_error_that_names_file_and_offset() {
        let (mut file, offsets) = segment(&[(1, b"abc")]);
        file[HEADER_LEN + 3] ^= 1;
        let e = reader(file).unwrap().chunk(ChunkRef::new(0, offsets[0])).unwrap_err();
        assert_eq!(e.to_string(), "chunks/000001: chunk at offset 8: invalid checksum");
        assert!(e.is_corrupt());
    }

    #[test]
    fn foreign_files_are_refused() {
        reader(vec![0; 7]).unwrap_err();
        assert_eq!(
            reader(vec![1; 8]).unwrap_err().to_string(),
            "chunks/000001: segment header at offset 0: invalid magic number 1010101"
        );
    }
}
