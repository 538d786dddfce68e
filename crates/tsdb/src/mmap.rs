//! Mapping files into memory: the only unsafe code of the crate.

use std::fs::File;
use std::path::Path;

use bytes::Bytes;

use crate::error::Error;

/// Maps a whole file. The mapping lives until the last slice of it is dropped.
///
/// Block files never change once they have their name. Who cuts a mapped file short gets a SIGBUS on the next access
/// past its new end, as with Prometheus; blocks are removed by unlinking, which leaves mappings alone.
pub fn open(path: impl AsRef<Path>) -> Result<Bytes, Error> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let len = file.metadata().map_err(|e| Error::io(path, e))?.len();
    if len == 0 {
        // The kernel refuses empty mappings.
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is private and read-only, and the files of a block are immutable (see above), so the bytes do
    // not change under the slices that are handed out.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|e| Error::io(path, e))?;
    Ok(Bytes::from_owner(map))
}
