//! Mapping files into memory.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::{Mmap, UncheckedAdvice};

use crate::error::Error;

/// Maps a whole file. The mapping lives until the last slice of it is dropped.
///
/// Block files never change once they have their name. Who cuts a mapped file short gets a SIGBUS on the next access
/// past its new end, as with Prometheus; blocks are removed by unlinking, which leaves mappings alone.
pub fn open(path: impl AsRef<Path>) -> Result<Bytes, Error> {
    Ok(Mapped::open(path)?.bytes())
}

/// A mapped file whose pages can be given back while it stays mapped.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// `None` for an empty file: the kernel refuses empty mappings.
    map: Option<Arc<Mmap>>,
}

/// Keeps the mapping alive for the bytes handed out.
struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Mapped {
    /// Maps a whole file; see [`open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let len = file.metadata().map_err(|e| Error::io(path, e))?.len();
        if len == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the mapping is private and read-only, and the files of a block are immutable (see above), so the bytes
        // do not change under the slices that are handed out.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, e))?;
        Ok(Self { map: Some(Arc::new(map)) })
    }

    /// The contents.
    pub fn bytes(&self) -> Bytes {
        self.map.as_ref().map_or_else(Bytes::new, |map| Bytes::from_owner(Owner(map.clone())))
    }

    /// Gives back the memory of a range that is not needed soon. Reading it again reads the file again.
    pub fn release(&self, range: Range<usize>) {
        let Some(map) = &self.map else { return };
        let end = range.end.min(map.len());
        if range.start >= end {
            return;
        }
        // SAFETY: the mapping is of a file, private and never written to, so dropping its pages loses nothing: the next
        // access brings the same bytes from the file.
        let released =
            unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, end - range.start) };
        // Advice may be refused; then the kernel takes the pages when it needs them.
        drop(released);
    }
}
