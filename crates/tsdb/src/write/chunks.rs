//! Writing chunk segments.

use std::path::{Path, PathBuf};

use super::Durability;
use super::file::BufferedFile;
use crate::chunk::Encoding;
use crate::chunkfile::{ChunkRef, HEADER_LEN, MAGIC, MAX_OVERHEAD, VERSION, put_frame};
use crate::error::Error;

/// Size at which a segment is full, in bytes.
pub const DEFAULT_SEGMENT_SIZE: u64 = 512 << 20;

/// Writes the segments of a `chunks` directory, cut where Prometheus cuts them. Holds one buffer of 1 MiB.
pub struct SegmentWriter {
    dir: PathBuf,
    segment_size: u64,
    file: Option<BufferedFile>,
    /// Number of the open segment, from 0.
    segment: u32,
    /// Length of the open segment when the series began, or of its header when it was cut since.
    base: u64,
    /// The most that the chunks of the series take in the open segment. The rule for cutting works with this bound.
    bound: u64,
    scratch: Vec<u8>,
    durability: Durability,
    /// The largest chunk so far, as Thanos counts it: with length, encoding and checksum.
    largest: u64,
}

impl SegmentWriter {
    /// Creates the directory, which must not have segments yet.
    pub fn create(dir: impl AsRef<Path>, segment_size: u64) -> Result<Self, Error> {
        let dir = dir.as_ref().to_owned();
        std::fs::create_dir_all(&dir).map_err(|e| Error::io(&dir, e))?;
        Ok(Self {
            dir,
            segment_size,
            file: None,
            segment: 0,
            base: 0,
            bound: 0,
            scratch: Vec::new(),
            durability: Durability::default(),
            largest: 0,
        })
    }

    /// Whether finished segments wait for the disk; they do unless this says otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Says that the chunks to come belong to another series.
    pub fn begin_series(&mut self) {
        self.base = self.file.as_ref().map_or(0, BufferedFile::len);
        self.bound = 0;
    }

    /// Writes a chunk.
    pub fn write(&mut self, encoding: Encoding, data: &[u8]) -> Result<ChunkRef, Error> {
        let mut frame = std::mem::take(&mut self.scratch);
        frame.clear();
        put_frame(&mut frame, encoding, data);
        let result = self.write_frame(&frame, data.len());
        self.scratch = frame;
        result
    }

    /// Writes a chunk as it lies in another segment: length, encoding, data of `data_len` bytes, checksum.
    pub fn write_frame(&mut self, frame: &[u8], data_len: usize) -> Result<ChunkRef, Error> {
        let most = (data_len + MAX_OVERHEAD) as u64;
        let header = HEADER_LEN as u64;
        let full = if self.base > header {
            self.bound + most + self.base > self.segment_size
        } else {
            // A segment has one chunk at least, however large that is.
            self.bound > 0 && self.bound + most + header > self.segment_size
        };
        if full {
            self.cut()?;
        }
        if self.file.is_none() {
            self.open()?;
        }
        self.bound += most;
        self.largest = self.largest.max(frame.len() as u64);
        let file = self.file.as_mut().expect("opened above");
        let offset = u32::try_from(file.len()).map_err(|_| too_long(file.path()))?;
        file.write(frame)?;
        Ok(ChunkRef::new(self.segment, offset))
    }

    fn open(&mut self) -> Result<(), Error> {
        let path = self.dir.join(format!("{:06}", u64::from(self.segment) + 1));
        let mut file = BufferedFile::create(&path)?;
        let mut header = [0; HEADER_LEN];
        header[..4].copy_from_slice(&MAGIC.to_be_bytes());
        header[4] = VERSION;
        file.write(&header)?;
        self.file = Some(file);
        self.base = HEADER_LEN as u64;
        self.bound = 0;
        Ok(())
    }

    fn cut(&mut self) -> Result<(), Error> {
        if let Some(mut file) = self.file.take() {
            file.finish(self.durability)?;
            self.segment += 1;
        }
        self.open()
    }

    /// Size of the largest chunk with length, encoding and checksum, in bytes.
    pub fn largest_chunk(&self) -> u64 {
        self.largest
    }

    /// Writes all out and syncs files and directory, as far as [`Self::durability`] wants it.
    pub fn finish(mut self) -> Result<(), Error> {
        if let Some(mut file) = self.file.take() {
            file.finish(self.durability)?;
        }
        if self.durability == Durability::Begun {
            return Ok(());
        }
        std::fs::File::open(&self.dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(&self.dir, e))
    }
}

fn too_long(path: &Path) -> Error {
    Error::io(
        path,
        std::io::Error::new(std::io::ErrorKind::FileTooLarge, "segment does not fit 32-bit offsets"),
    )
}
