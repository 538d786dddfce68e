//! The error of this crate.

use std::path::PathBuf;

use ulid::Ulid;

/// The result of working on blocks in a bucket.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong with a block or its bucket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bucket failed.
    #[error(transparent)]
    Bucket(#[from] objstore::Error),
    /// A local file failed.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The block's meta.json is no JSON of a meta.
    #[error("meta.json of block {id} is corrupted: {why}")]
    CorruptMeta {
        /// The block.
        id: Ulid,
        /// What is wrong.
        why: String,
    },
    /// The block's meta.json is of a version that this program does not know.
    #[error("meta.json of block {id}: {why}")]
    MetaVersion {
        /// The block.
        id: Ulid,
        /// What is wrong.
        why: String,
    },
    /// The block has no meta.json.
    #[error("block {id} has no meta.json")]
    NoMeta {
        /// The block.
        id: Ulid,
    },
    /// A mark that cannot be read.
    #[error("{object}: {why}")]
    CorruptMark {
        /// The mark's object.
        object: String,
        /// What is wrong.
        why: String,
    },
    /// A mark of a version that this program does not know.
    #[error("{object}: unexpected version {version} of the mark, expected 1")]
    MarkVersion {
        /// The mark's object.
        object: String,
        /// The version it has.
        version: i64,
    },
    /// A metric of this name is registered already.
    #[error("register metrics: {0}")]
    Metrics(prometheus::Error),
    /// A local directory that is not a block that may be uploaded, or a remote one that may not be downloaded.
    #[error("block {block}: {why}")]
    Block {
        /// The block, or the directory when its name is none of a block.
        block: String,
        /// What is wrong.
        why: String,
    },
}

impl Error {
    /// True when the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Bucket(error) if error.is_retryable())
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::File { path, source }
    }

    pub(crate) fn block(block: impl ToString, why: impl ToString) -> Error {
        Error::Block { block: block.to_string(), why: why.to_string() }
    }
}
