//! Errors of this crate.

use std::path::{Path, PathBuf};

use crate::chunk::ChunkError;

/// What went wrong while reading or writing a block or a part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Bytes that no writer would have written.
    #[error("{section} at offset {offset}: {problem}")]
    Corrupt {
        /// The part of the file.
        section: &'static str,
        /// Position in the file in bytes.
        offset: u64,
        /// What is wrong there.
        problem: Problem,
    },
    /// A chunk's data are broken.
    #[error("chunk {reference:#x}: {source}")]
    Chunk {
        /// The chunk's reference in its block.
        reference: u64,
        /// What is wrong with it.
        source: ChunkError,
    },
    /// A JSON file that is none, or of the wrong shape.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A version of a file that this program does not know.
    #[error("{0}")]
    Version(String),
    /// An error with the name of the file, block or object it belongs to.
    #[error("{name}: {source}")]
    In {
        /// The file, block or object.
        name: String,
        /// The error.
        source: Box<Error>,
    },
}

/// What is wrong at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes end too early, or a length goes past their end.
    #[error("invalid size")]
    Truncated,
    /// The checksum is not that of the bytes.
    #[error("invalid checksum")]
    Checksum,
    /// Not a file of this kind.
    #[error("invalid magic number {0:x}")]
    Magic(u32),
    /// A variable-length integer that does not fit.
    #[error("invalid variable-length integer")]
    Varint,
    /// Text that is not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// A symbol reference that leads nowhere.
    #[error("unknown symbol offset {0}")]
    UnknownSymbol(u32),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// An error of the operating system about `path`.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }

    /// Adds the name of what was being read.
    pub fn within(self, name: impl std::fmt::Display) -> Self {
        Self::In { name: name.to_string(), source: Box::new(self) }
    }

    /// Whether the bytes are at fault: reading them again will not help.
    pub fn is_corrupt(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::Chunk { .. } | Self::Json(_) | Self::Version(_) => true,
            Self::In { source, .. } => source.is_corrupt(),
            Self::Io { .. } => false,
        }
    }

    /// Whether a file is not there.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            Self::In { source, .. } => source.is_not_found(),
            _ => false,
        }
    }
}
