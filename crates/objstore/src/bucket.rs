//! The `Bucket` trait: what the rest of the project knows about object storage.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use crate::{Error, Operation, Result};

/// Ranges of one object that are read at once.
pub(crate) const RANGES_AT_ONCE: usize = 16;

/// The bytes of an object, in order.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// The entries of a listing.
pub type EntryStream = BoxStream<'static, Result<Entry>>;

/// The kinds of storage, by the names they have in `type:` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// In the process's memory; for tests.
    Memory,
    /// Files under a directory.
    Filesystem,
    /// Amazon S3 and what speaks its protocol.
    S3,
}

impl Provider {
    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Memory => "MEMORY",
            Provider::Filesystem => "FILESYSTEM",
            Provider::S3 => "S3",
        }
    }
}

/// Size and time of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Size in bytes.
    pub size: u64,
    /// When the object was last written.
    pub last_modified: SystemTime,
}

/// What a listing shall hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IterOptions {
    /// List objects at any depth instead of the directory's own entries.
    pub recursive: bool,
    /// Give each object's time of last modification.
    pub last_modified: bool,
}

impl IterOptions {
    /// A listing of all objects under the directory, at any depth.
    pub fn recursive() -> Self {
        IterOptions { recursive: true, ..IterOptions::default() }
    }

    /// Asks for modification times as well.
    pub fn with_last_modified(self) -> Self {
        IterOptions { last_modified: true, ..self }
    }
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The full name, listed directory included. Directories end in `/`.
    pub name: String,
    /// When the object was last written; only for objects, and only when asked for.
    pub last_modified: Option<SystemTime>,
}

impl Entry {
    /// True for a directory (a common prefix of objects).
    pub fn is_dir(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// An object being read.
pub struct Object {
    /// Size in bytes of what `stream` yields.
    pub size: u64,
    /// The content.
    pub stream: ByteStream,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("size", &self.size).finish_non_exhaustive()
    }
}

/// The content of an upload.
pub enum Body {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A local file, read while it is sent.
    File(PathBuf),
    /// A local file that nobody writes to any more, whole and on the disk. Read while it is sent; a bucket on the same disk may take the file
    /// itself, under another name, instead of a copy.
    Final(PathBuf),
    /// A stream, with its size in bytes when it is known. It can be sent once only, so a failed upload is not tried again.
    Stream {
        /// Size in bytes.
        size: Option<u64>,
        /// The content.
        stream: ByteStream,
    },
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Body::File(path) => write!(f, "File({})", path.display()),
            Body::Final(path) => write!(f, "Final({})", path.display()),
            Body::Stream { size, .. } => write!(f, "Stream({size:?})"),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::Bytes(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body::Bytes(text.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Body::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

impl From<PathBuf> for Body {
    fn from(path: PathBuf) -> Self {
        Body::File(path)
    }
}

/// A bucket of objects.
///
/// Names are relative paths with `/` between their parts. An object is either there with its whole content or not there: an
/// upload that fails or is dropped half-way leaves what was there before. What an upload has written, the next read sees.
#[async_trait]
pub trait Bucket: Send + Sync + fmt::Debug + 'static {
    /// The bucket's name, as in the metrics' `bucket` label.
    fn name(&self) -> &str;

    /// The kind of storage.
    fn provider(&self) -> Provider;

    /// Opens an object for reading from its start.
    async fn get_stream(&self, name: &str) -> Result<Object>;

    /// Reads the bytes `range` (half-open) of an object. What lies beyond the object's end is left out, so that the answer may be
    /// shorter than asked for, or empty. The caller caps the length of `range`: it is what may be allocated.
    async fn get_range(&self, name: &str, range: Range<u64>) -> Result<Bytes>;

    /// Reads several ranges of one object, each as [`Bucket::get_range`] does, in the order asked for. Reads some at once where each costs a
    /// round trip, and all in one go where none does.
    async fn get_ranges(&self, name: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let reads = ranges.iter().cloned().map(|range| self.get_range(name, range));
        stream::iter(reads).buffered(RANGES_AT_ONCE).try_collect().await
    }

    /// Puts an object at `path` on this machine, where nothing is yet, without copying it, and returns its size. `None` when the bucket cannot do
    /// that, or not there; the object is then to be read as any other. Nobody may write to the file, which is the bucket's own.
    async fn link(&self, name: &str, path: &Path) -> Result<Option<u64>> {
        let _ = (name, path);
        Ok(None)
    }

    /// Removes what uploads below `dir` that were broken off have left and no listing shows, if nobody has written to it for `age`; returns
    /// how many files that were. For providers that keep such things; objects are never touched.
    async fn tidy(&self, dir: &str, age: Duration) -> Result<u64> {
        let _ = (dir, age);
        Ok(0)
    }

    /// Tells whether an object of this name is there. A directory is not an object.
    async fn exists(&self, name: &str) -> Result<bool>;

    /// Size and time of an object.
    async fn attributes(&self, name: &str) -> Result<Attributes>;

    /// Writes an object, in place of one that may be there.
    async fn upload(&self, name: &str, body: Body) -> Result<()>;

    /// Removes an object. One that is not there counts as removed.
    async fn delete(&self, name: &str) -> Result<()>;

    /// Lists a directory (`""` is the root; a trailing `/` makes no difference). Objects of one directory come sorted by name.
    /// Empty directories are not listed, and a directory that is not there has no entries.
    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream;

    /// Reads a whole object of at most `limit` bytes.
    async fn get(&self, name: &str, limit: u64) -> Result<Bytes> {
        let object = self.get_stream(name).await?;
        collect(name, object, limit).await
    }

    /// Lists a directory into memory, in the order of [`Bucket::iter`].
    async fn list(&self, dir: &str, options: IterOptions) -> Result<Vec<Entry>> {
        self.iter(dir, options).try_collect().await
    }
}

async fn collect(name: &str, mut object: Object, limit: u64) -> Result<Bytes> {
    if object.size > limit {
        return Err(Error::too_large(Operation::Get, name, limit));
    }
    let mut parts: Vec<Bytes> = Vec::new();
    let mut len = 0u64;
    while let Some(part) = object.stream.next().await {
        let part = part?;
        len += part.len() as u64;
        if len > limit {
            return Err(Error::too_large(Operation::Get, name, limit));
        }
        parts.push(part);
    }
    if parts.len() == 1 {
        return Ok(parts.swap_remove(0));
    }
    let mut all = BytesMut::with_capacity(len as usize);
    for part in &parts {
        all.extend_from_slice(part);
    }
    Ok(all.freeze())
}
