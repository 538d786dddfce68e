//! FILESYSTEM: objects as plain files under a directory, as Thanos lays them out.
//!
//! An upload goes to a temporary file beside the target, is flushed to the disk and renamed, so that a reader or a crash never
//! meets half an object. (Thanos writes in place.) Temporary files are not listed; those that a crash left behind go away when
//! their directory is emptied, or with [`Bucket::tidy`]. File calls run on the runtime's blocking threads.

mod upload;
mod walk;

use std::{
    fs::File,
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use rustix::buffer::spare_capacity;

use crate::{
    Attributes, Body, Bucket, EntryStream, Error, ErrorKind, IterOptions, Object, Operation, Provider,
    Result, name,
};

/// Bytes read from a file at once while an object is streamed.
const READ_SIZE: usize = 256 * 1024;

/// A directory as a bucket.
#[derive(Debug, Clone)]
pub struct FsBucket {
    root: Arc<PathBuf>,
    name: String,
}

impl FsBucket {
    /// Uses the directory `root`, which is made with the first upload if it is not there.
    pub fn new(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        if root.as_os_str().is_empty() {
            return Err(Error::config("missing directory for filesystem bucket"));
        }
        let root = std::path::absolute(root).map_err(|error| {
            Error::config(format!("directory {} of filesystem bucket: {error}", root.display()))
        })?;
        let name = format!("fs: {}", root.display());
        Ok(FsBucket { root: Arc::new(root), name })
    }

    /// The directory, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of an object.
    fn path(&self, operation: Operation, object: &str) -> Result<PathBuf> {
        name::check(operation, object)?;
        if object.rsplit('/').next().is_some_and(upload::is_temporary) {
            let why = "object name is reserved for temporary files";
            return Err(Error::new(operation, object, ErrorKind::InvalidName, why));
        }
        Ok(self.root.join(object))
    }

    /// Runs file calls on a blocking thread.
    async fn blocking<T: Send + 'static>(
        &self,
        operation: Operation,
        object: &str,
        call: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (root, path) = (Arc::clone(&self.root), self.path(operation, object)?);
        match tokio::task::spawn_blocking(move || call(&root, &path)).await {
            Ok(done) => done.map_err(|error| Error::io(operation, object, error)),
            Err(error) => Err(Error::new(operation, object, ErrorKind::Permanent, error)),
        }
    }
}

/// Opens a file for reading; a directory is not an object.
fn open(path: &Path) -> io::Result<(File, std::fs::Metadata)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "is a directory"));
    }
    Ok((file, metadata))
}

/// Reads `len` bytes at `offset`, or fewer where the file ends.
fn read_at(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::with_capacity(len);
    while buffer.len() < len {
        let at = offset + buffer.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut buffer), at) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The allocation may be larger than what was asked for.
    buffer.truncate(len);
    Ok(buffer)
}

#[async_trait]
impl Bucket for FsBucket {
    fn name(&self) -> &str {
        &self.name
    }

    fn provider(&self) -> Provider {
        Provider::Filesystem
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        let (file, metadata) = self.blocking(Operation::Get, object, |_, path| open(path)).await?;
        let size = metadata.len();
        let (file, object) = (Arc::new(file), object.to_owned());
        // The size is fixed at opening: uploads replace files and never grow them.
        let stream = stream::try_unfold(0u64, move |offset| {
            let (file, object) = (Arc::clone(&file), object.clone());
            async move {
                let want = (size - offset).min(READ_SIZE as u64) as usize;
                if want == 0 {
                    return Ok(None);
                }
                let read = tokio::task::spawn_blocking(move || read_at(&file, offset, want))
                    .await
                    .map_err(|error| Error::new(Operation::Get, &object, ErrorKind::Permanent, error))?
                    .map_err(|error| Error::io(Operation::Get, &object, error))?;
                if read.len() < want {
                    let why = format!("file ends at {} of {size} bytes", offset + read.len() as u64);
                    return Err(Error::new(Operation::Get, &object, ErrorKind::Permanent, why));
                }
                Ok(Some((Bytes::from(read), offset + want as u64)))
            }
        });
        Ok(Object { size, stream: stream.boxed() })
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let read = move |_: &Path, path: &Path| {
            let (file, metadata) = open(path)?;
            let end = range.end.min(metadata.len());
            let len = end.saturating_sub(range.start);
            let len = usize::try_from(len).map_err(|_| io::Error::other("range is larger than memory"))?;
            if len == 0 { Ok(Vec::new()) } else { read_at(&file, range.start, len) }
        };
        self.blocking(Operation::GetRange, object, read).await.map(Bytes::from)
    }

    async fn get_ranges(&self, object: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let ranges = ranges.to_vec();
        let read = move |_: &Path, path: &Path| {
            let (file, metadata) = open(path)?;
            let read = |range: Range<u64>| {
                let len = range.end.min(metadata.len()).saturating_sub(range.start);
                let len =
                    usize::try_from(len).map_err(|_| io::Error::other("range is larger than memory"))?;
                Ok(Bytes::from(if len == 0 { Vec::new() } else { read_at(&file, range.start, len)? }))
            };
            ranges.into_iter().map(read).collect::<io::Result<Vec<Bytes>>>()
        };
        self.blocking(Operation::GetRange, object, read).await
    }

    /// By a hard link, which works on the same file system. Objects are replaced and never written to, so the two names stay alike until one goes.
    async fn link(&self, object: &str, path: &Path) -> Result<Option<u64>> {
        let target = path.to_owned();
        let link = move |_: &Path, source: &Path| {
            let size =
                std::fs::symlink_metadata(source).ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
            // Whatever keeps the file from being linked, reading it either works or says what is wrong.
            Ok(size.filter(|_| std::fs::hard_link(source, &target).is_ok()))
        };
        self.blocking(Operation::Get, object, link).await
    }

    async fn tidy(&self, dir: &str, age: Duration) -> Result<u64> {
        let (root, dir) = (Arc::clone(&self.root), name::check_dir(dir)?.to_owned());
        let path = if dir.is_empty() { root.to_path_buf() } else { root.join(&dir) };
        match tokio::task::spawn_blocking(move || upload::tidy(&root, &path, age)).await {
            Ok(done) => done.map_err(|error| Error::io(Operation::Delete, dir, error)),
            Err(error) => Err(Error::new(Operation::Delete, dir, ErrorKind::Permanent, error)),
        }
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        match self.blocking(Operation::Exists, object, |_, path| std::fs::metadata(path)).await {
            Ok(metadata) => Ok(!metadata.is_dir()),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        let stat = |_: &Path, path: &Path| {
            let metadata = std::fs::metadata(path)?;
            if metadata.is_dir() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "is a directory"));
            }
            Ok(Attributes { size: metadata.len(), last_modified: metadata.modified()? })
        };
        self.blocking(Operation::Attributes, object, stat).await
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        let path = self.path(Operation::Upload, object)?;
        upload::upload(Arc::clone(&self.root), object, path, body).await
    }

    async fn delete(&self, object: &str) -> Result<()> {
        let remove = |root: &Path, path: &Path| {
            match std::fs::remove_file(path) {
                Ok(()) => {}
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                // A directory is not an object, and so there is nothing to remove.
                Err(_) if path.is_dir() => {}
                Err(error) => return Err(error),
            }
            upload::remove_empty_parents(root, path);
            Ok(())
        };
        self.blocking(Operation::Delete, object, remove).await
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        match name::check_dir(dir) {
            Ok(dir) => walk::walk(Arc::clone(&self.root), dir.to_owned(), options),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }
}
