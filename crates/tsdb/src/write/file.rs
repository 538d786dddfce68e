//! A file that is written front to back, with a few fields filled in afterwards.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::Durability;
use crate::error::Error;
use crate::writeback;

const BUFFER: usize = 1 << 20;
/// Bytes after which the kernel is asked to begin writing them out.
const WRITEBACK: u64 = 16 << 20;

pub(super) struct BufferedFile {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Bytes written before those in the buffer.
    flushed: u64,
    /// Bytes of these whose writing to the disk has begun.
    begun: u64,
}

impl BufferedFile {
    /// Creates the file; one that is there is replaced.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let options =
            || std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
        let file = options().map_err(|e| Error::io(path, e))?;
        Ok(Self { file, path: path.to_owned(), buffer: Vec::with_capacity(BUFFER), flushed: 0, begun: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far.
    pub(super) fn len(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
            if bytes.len() >= BUFFER {
                return self.write_through(bytes);
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds zeros until the length is a multiple of `align`, at most 16.
    pub(super) fn pad(&mut self, align: u64) -> Result<(), Error> {
        let rest = (self.len() % align) as usize;
        if rest == 0 { Ok(()) } else { self.write(&[0; 16][..align as usize - rest]) }
    }

    fn write_through(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(bytes, self.flushed).map_err(|e| Error::io(&self.path, e))?;
        self.flushed += bytes.len() as u64;
        if self.flushed - self.begun >= WRITEBACK {
            self.begin_writeback();
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let buffer = std::mem::take(&mut self.buffer);
        let result = self.write_through(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        result
    }

    /// Overwrites bytes that were written before.
    pub(super) fn overwrite(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        self.flush()?;
        self.file.write_all_at(bytes, at).map_err(|e| Error::io(&self.path, e))
    }

    /// Reads back; what was written must be flushed.
    pub(super) fn read_at(&self, buffer: &mut [u8], at: u64) -> Result<(), Error> {
        self.file.read_exact_at(buffer, at).map_err(|e| Error::io(&self.path, e))
    }

    fn begin_writeback(&mut self) {
        writeback::begin(&self.file, self.begun, self.flushed);
        self.begun = self.flushed;
    }

    /// Writes out what is left, and with [`Durability::Synced`] waits until the disk has it.
    pub(super) fn finish(&mut self, durability: Durability) -> Result<(), Error> {
        match durability {
            Durability::Synced => self.sync(),
            Durability::Begun => {
                self.flush()?;
                self.begin_writeback();
                Ok(())
            }
        }
    }

    /// Writes out what is left and waits until the disk has it.
    fn sync(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.file.sync_all().map_err(|e| Error::io(&self.path, e))
    }
}
