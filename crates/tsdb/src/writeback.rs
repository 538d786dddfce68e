//! Telling the kernel to begin with writing a file out.

use std::fs::File;
use std::os::fd::AsRawFd;

/// Asks the kernel to begin writing the bytes `from..to` of a file to the disk, and does not wait for it. A wish only: whether the bytes are
/// on the disk is what `File::sync_all` tells, which then has less left to do.
pub(crate) fn begin(file: &File, from: u64, to: u64) {
    let (Ok(from), Ok(len)) = (i64::try_from(from), i64::try_from(to.saturating_sub(from))) else { return };
    // SAFETY: the call takes numbers only, and the descriptor is open as long as `file` is borrowed.
    let begun = unsafe { libc::sync_file_range(file.as_raw_fd(), from, len, libc::SYNC_FILE_RANGE_WRITE) };
    // Not every file system can; then the kernel writes when it likes to.
    let _ = begun;
}
