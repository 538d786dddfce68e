//! What can go wrong in a job, split by what happens next.

use ulid::Ulid;

/// The result of a step of the compactor.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bucket or the disk failed for now; the next pass tries again.
    #[error("{what}: {why}")]
    Retry {
        /// What was being done.
        what: String,
        /// What it failed with.
        why: String,
    },
    /// The data cannot be worked on as they are. The group is set aside until its blocks change; what Thanos halts for.
    #[error("{0}")]
    Critical(String),
    /// A source has chunks out of order; with `--compact.skip-block-with-out-of-order-chunks` it is marked and left out.
    #[error("block {id}: chunks out of order: {why}")]
    OutOfOrderChunks {
        /// The block.
        id: Ulid,
        /// Where, and how many.
        why: String,
    },
    /// A source has chunks that begin where the block ends, as a defect of Prometheus before 2.2 left them
    /// (prometheus/tsdb issue 347). The block can be written anew without them.
    #[error("block {id}: chunks behind its end (issue 347): {why}")]
    Issue347 {
        /// The block.
        id: Ulid,
        /// Where, and how many.
        why: String,
    },
    /// The index of the result grew over what the format can hold.
    #[error("{why}")]
    IndexTooLarge {
        /// The source with the largest index.
        largest: Ulid,
        /// What was merged.
        why: String,
    },
    /// The disk cannot hold the job.
    #[error("{what} needs {need} bytes in {dir}, {free} are free")]
    Disk {
        /// The job.
        what: String,
        /// The working directory.
        dir: String,
        /// Bytes the job needs at most.
        need: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The program is stopping.
    #[error("stopped")]
    Cancelled,
}

impl Error {
    /// Something that may work next time.
    pub(crate) fn retry(what: impl Into<String>) -> impl FnOnce(bucket::Error) -> Self {
        let what = what.into();
        move |why| Self::Retry { what, why: why.to_string() }
    }

    /// As [`retry`](Self::retry) for errors of the bucket itself.
    pub(crate) fn storage(what: impl Into<String>) -> impl FnOnce(objstore::Error) -> Self {
        let what = what.into();
        move |why| Self::Retry { what, why: why.to_string() }
    }

    /// A local file or directory that could not be worked on.
    pub(crate) fn local(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |why| Self::Retry { what, why: why.to_string() }
    }

    /// Is it the data themselves, so that trying again changes nothing?
    pub fn is_critical(&self) -> bool {
        matches!(self, Self::Critical(_) | Self::OutOfOrderChunks { .. })
    }
}
