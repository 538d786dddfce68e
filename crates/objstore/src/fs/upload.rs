//! Whole-or-nothing writing of a file, and the tidying of directories that nothing is left in.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;

use crate::{Body, Error, ErrorKind, Operation, Result};

const PREFIX: &str = ".upload-";
const SUFFIX: &str = ".tmp";

/// A temporary file that nobody has written to for so long belongs to a process that is gone.
const STALE: Duration = Duration::from_secs(60 * 60);

/// True for the name of a temporary file of an upload.
pub(super) fn is_temporary(file_name: &str) -> bool {
    file_name.starts_with(PREFIX) && file_name.ends_with(SUFFIX)
}

/// A file being written, removed again unless it is finished.
struct Temporary {
    root: Arc<PathBuf>,
    target: PathBuf,
    path: PathBuf,
    file: Option<File>,
}

impl Temporary {
    fn create(root: Arc<PathBuf>, target: PathBuf) -> io::Result<Self> {
        // Unique among this process's uploads and, with the process id and the time, among those of others on the same disk.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let nanos =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let file_name = format!("{PREFIX}{:x}-{nanos:x}-{count:x}{SUFFIX}", std::process::id());
        let parent = target.parent().unwrap_or(&root);
        let path = parent.join(file_name);
        // A delete that empties the directory at this very moment may remove it between the two calls.
        let mut attempts = 0;
        let file = loop {
            create_dirs(parent)?;
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => break file,
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < 10 => attempts += 1,
                Err(error) => return Err(error),
            }
        };
        Ok(Temporary { root, target, path, file: Some(file) })
    }

    /// Another name of a file that is there; `None` when it cannot have one, on another disk for example.
    fn link(root: Arc<PathBuf>, target: PathBuf, source: &Path) -> io::Result<Option<Self>> {
        let file = open_source(source)?;
        // Made for the name and the directories.
        let mut temporary = Self::create(root, target)?;
        fs::remove_file(&temporary.path)?;
        if fs::hard_link(source, &temporary.path).is_err() {
            temporary.file = None;
            remove_empty_parents(&temporary.root, &temporary.target);
            return Ok(None);
        }
        temporary.file = Some(file);
        Ok(Some(temporary))
    }

    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("upload is finished"))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file()?.write_all(bytes)
    }

    /// Flushes the file to the disk and gives it its name.
    fn finish(mut self) -> io::Result<()> {
        self.file()?.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        self.file = None;
        // Nothing is renamed where both are names of one file, uploaded before.
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        sync_dir(self.target.parent().unwrap_or(&self.root))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nothing more can be done about a failure here: the file stays unlisted, and goes when it is stale.
            let _ = fs::remove_file(&self.path);
            remove_empty_parents(&self.root, &self.target);
        }
    }
}

/// Makes a directory and those above it, each flushed into its parent, so that a crash does not lose the way to a flushed file.
fn create_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let Some(parent) = dir.parent() else { return fs::create_dir(dir) };
    create_dirs(parent)?;
    match fs::create_dir(dir) {
        Ok(()) => sync_dir(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Opens the source of an upload.
fn open_source(source: &Path) -> io::Result<File> {
    File::open(source)
        .map_err(|error| io::Error::new(error.kind(), format!("open {}: {error}", source.display())))
}

/// Copies a file, within the kernel where it can.
fn copy(root: Arc<PathBuf>, target: PathBuf, source: &Path) -> io::Result<()> {
    let mut source = open_source(source)?;
    let mut temporary = Temporary::create(root, target)?;
    io::copy(&mut source, temporary.file()?)?;
    temporary.finish()
}

/// Writes `body` to `target`.
pub(super) async fn upload(root: Arc<PathBuf>, object: &str, target: PathBuf, body: Body) -> Result<()> {
    let io_error = |error: io::Error| Error::new(Operation::Upload, object, kind_of(&error), error);
    let joined =
        |error: tokio::task::JoinError| Error::new(Operation::Upload, object, ErrorKind::Permanent, error);
    match body {
        Body::Bytes(bytes) => {
            let write = move || {
                let mut temporary = Temporary::create(root, target)?;
                temporary.write(&bytes)?;
                temporary.finish()
            };
            tokio::task::spawn_blocking(write).await.map_err(joined)?.map_err(io_error)
        }
        Body::File(source) => {
            let write = move || copy(root, target, &source);
            tokio::task::spawn_blocking(write).await.map_err(joined)?.map_err(io_error)
        }
        Body::Final(source) => {
            let write = move || match Temporary::link(Arc::clone(&root), target.clone(), &source)? {
                Some(temporary) => temporary.finish(),
                None => copy(root, target, &source),
            };
            tokio::task::spawn_blocking(write).await.map_err(joined)?.map_err(io_error)
        }
        Body::Stream { size, mut stream } => {
            let create = move || Temporary::create(root, target);
            // Dropping this future drops `temporary`, which removes the file.
            let mut temporary =
                tokio::task::spawn_blocking(create).await.map_err(joined)?.map_err(io_error)?;
            let mut written = 0u64;
            while let Some(part) = stream.next().await {
                let part = part?;
                written += part.len() as u64;
                let write = move || temporary.write(&part).map(|()| temporary);
                temporary = tokio::task::spawn_blocking(write).await.map_err(joined)?.map_err(io_error)?;
            }
            if let Some(size) = size.filter(|size| *size != written) {
                let why = format!("content ends after {written} of {size} bytes");
                return Err(Error::new(Operation::Upload, object, ErrorKind::Permanent, why));
            }
            tokio::task::spawn_blocking(move || temporary.finish()).await.map_err(joined)?.map_err(io_error)
        }
    }
}

/// A missing source file or directory is no missing object.
fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::AccessDenied,
        _ => ErrorKind::Permanent,
    }
}

/// Removes the directories above `path`, up to `root`, that hold nothing or only stale temporary files. Best effort: a directory
/// that cannot be removed is not listed either, so long as it is empty.
pub(super) fn remove_empty_parents(root: &Path, path: &Path) {
    let mut dir = path.parent();
    while let Some(current) = dir.filter(|dir| *dir != root && dir.starts_with(root)) {
        if !remove_stale(current) || fs::remove_dir(current).is_err() {
            return;
        }
        dir = current.parent();
    }
}

/// Removes the temporary files below `dir` that nobody has written to for `age`, and the directories that hold nothing else.
pub(super) fn tidy(root: &Path, dir: &Path, age: Duration) -> io::Result<u64> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // It may go while it is looked for.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(0);
        }
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += tidy(root, &entry.path(), age)?;
        } else if entry.file_name().to_str().is_some_and(is_temporary) {
            // One that has gone meanwhile belongs to an upload that has ended.
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let idle = modified.ok().and_then(|modified| modified.elapsed().ok());
            if idle.is_some_and(|idle| idle >= age) && fs::remove_file(entry.path()).is_ok() {
                removed += 1;
                remove_empty_parents(root, &entry.path());
            }
        }
    }
    Ok(removed)
}

/// Removes stale temporary files of a directory. True when nothing else is in it.
fn remove_stale(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    let mut stale = Vec::new();
    for entry in entries {
        let Ok(entry) = entry else { return false };
        let is_stale = || {
            let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok()?;
            Some(modified.elapsed().ok()? > STALE)
        };
        if !entry.file_name().to_str().is_some_and(is_temporary) || is_stale() != Some(true) {
            return false;
        }
        stale.push(entry.path());
    }
    stale.iter().all(|path| fs::remove_file(path).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(path: &Path) {
        let old = std::time::SystemTime::now() - 2 * STALE;
        File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }

    #[test]
    fn stale_temporary_files_do_not_keep_a_directory() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");
        fs::create_dir_all(&dir).unwrap();
        let left = dir.join(".upload-1-2-3.tmp");
        fs::write(&left, "half").unwrap();

        remove_empty_parents(root.path(), &dir.join("object"));
        assert!(left.exists(), "a fresh one may be in use");

        age(&left);
        remove_empty_parents(root.path(), &dir.join("object"));
        assert!(!root.path().join("a").exists());
        assert!(root.path().exists());
    }

    #[test]
    fn tidying_takes_what_killed_uploads_have_left_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "half").unwrap();
            path
        };
        let (left, beside) = (file("block/chunks/.upload-1-2-3.tmp"), file("other/.upload-4-5-6.tmp"));
        let (fresh, object) = (file("third/.upload-7-8-9.tmp"), file("other/index"));
        age(&left);
        age(&beside);
        assert_eq!(tidy(root.path(), root.path(), STALE).unwrap(), 2);
        assert!(!root.path().join("block").exists() && !beside.exists());
        assert!(fresh.exists() && object.exists());
        assert_eq!(tidy(root.path(), &root.path().join("none"), STALE).unwrap(), 0);
    }

    #[test]
    fn an_unfinished_file_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let root = Arc::new(dir.path().to_owned());
        let mut temporary = Temporary::create(Arc::clone(&root), dir.path().join("x/y/z")).unwrap();
        temporary.write(b"some").unwrap();
        assert!(dir.path().join("x/y").exists());
        drop(temporary);
        assert!(!dir.path().join("x").exists());
    }
}
