//! Listing: one directory is read at a time, sorted, and handed out before the next is opened.

use std::{fs, io, path::PathBuf, sync::Arc, vec};

use futures::{StreamExt, stream};

use super::upload::is_temporary;
use crate::{Entry, EntryStream, Error, ErrorKind, IterOptions, Operation, Result, name};

/// Lists `dir`, a checked name without trailing `/`.
pub(super) fn walk(root: Arc<PathBuf>, dir: String, options: IterOptions) -> EntryStream {
    // The stack holds the rest of each open directory; a directory on the way down is one level of it.
    let state = (root, Some(dir), Vec::<vec::IntoIter<Entry>>::new());
    stream::try_unfold(state, move |(root, mut pending, mut stack)| async move {
        loop {
            if let Some(dir) = pending.take() {
                let entries = read(Arc::clone(&root), dir, options).await?;
                stack.push(entries.into_iter());
            }
            let Some(top) = stack.last_mut() else { return Ok(None) };
            match top.next() {
                None => {
                    stack.pop();
                }
                Some(entry) if options.recursive && entry.is_dir() => {
                    pending = entry.name.strip_suffix('/').map(str::to_owned);
                }
                Some(entry) => return Ok(Some((entry, (root, pending, stack)))),
            }
        }
    })
    .boxed()
}

async fn read(root: Arc<PathBuf>, dir: String, options: IterOptions) -> Result<Vec<Entry>> {
    let object = format!("{dir}/");
    let read = tokio::task::spawn_blocking(move || read_blocking(&root, &dir, options)).await;
    match read {
        Ok(entries) => entries.map_err(|error| Error::io(Operation::Iter, object, error)),
        Err(error) => Err(Error::new(Operation::Iter, object, ErrorKind::Permanent, error)),
    }
}

fn read_blocking(root: &std::path::Path, dir: &str, options: IterOptions) -> io::Result<Vec<Entry>> {
    let path = root.join(dir);
    let listed = match fs::read_dir(&path) {
        Ok(listed) => listed,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut entries = Vec::new();
    for file in listed {
        let file = file?;
        let file_name = file.file_name();
        let Some(file_name) = file_name.to_str() else {
            let why = format!("file name {file_name:?} is not UTF-8");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        };
        if is_temporary(file_name) {
            continue;
        }
        let full = name::join(dir, file_name);
        // Symbolic links are listed as objects and not followed down, as in Thanos.
        if file.file_type()?.is_dir() {
            if options.recursive || !is_empty(&file.path())? {
                entries.push(Entry { name: full + "/", last_modified: None });
            }
            continue;
        }
        let last_modified = if options.last_modified {
            match fs::metadata(file.path()).and_then(|metadata| metadata.modified()) {
                Ok(time) => Some(time),
                // Removed since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
        } else {
            None
        };
        entries.push(Entry { name: full, last_modified });
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// True when a directory holds nothing that is listed at its own level.
fn is_empty(dir: &std::path::Path) -> io::Result<bool> {
    let listed = match fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    for file in listed {
        if !file?.file_name().to_str().is_some_and(is_temporary) {
            return Ok(false);
        }
    }
    Ok(true)
}
