//! The shipper's work on the data folder. All of it blocks.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing::error;
use tsdb::meta::BlockMeta;

use crate::{Error, Result, block};

/// Metas of the blocks in `dir` by their start, and the number of those that cannot be read, if these may be skipped.
pub(super) fn blocks_from_oldest(dir: &Path, skip_corrupted: bool) -> Result<(Vec<BlockMeta>, usize)> {
    let mut metas = Vec::new();
    let mut corrupted = 0;
    for entry in std::fs::read_dir(dir).map_err(Error::file(dir))? {
        let entry = entry.map_err(Error::file(dir))?;
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(block::parse_dir) else { continue };
        let path = entry.path();
        match read_meta(&path) {
            Ok(Some(meta)) if meta.ulid == id => metas.push(meta),
            Ok(Some(meta)) => {
                let wrong = Error::block(id, format!("meta.json names block {}", meta.ulid));
                corrupted += skip(wrong, skip_corrupted)?;
            }
            Ok(None) => {}
            Err(err) => corrupted += skip(err, skip_corrupted)?,
        }
    }
    // The name decides between blocks with the same start, so that the order is always the same.
    metas.sort_by_key(|meta| (meta.min_time, meta.ulid));
    Ok((metas, corrupted))
}

fn skip(err: Error, allowed: bool) -> Result<usize> {
    if !allowed {
        return Err(err);
    }
    error!(%err, "read metadata for block");
    Ok(1)
}

/// The meta of the block in `path`; `None` when it is no folder, or is gone: Prometheus deletes blocks at any time.
fn read_meta(path: &Path) -> Result<Option<BlockMeta>> {
    let is_dir = |path: &Path| match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::file(path)(e)),
    };
    if !is_dir(path)? {
        return Ok(None);
    }
    match BlockMeta::read_dir(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(_) if !is_dir(path)? => Ok(None),
        Err(e) => Err(Error::block(path.display(), format!("read metadata for block: {e}"))),
    }
}

/// Links the chunk files, index and meta.json of the block in `from` to a fresh folder `to`.
pub(super) fn link_block(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    let chunks = to.join(block::CHUNKS_DIR);
    std::fs::create_dir_all(&chunks).map_err(Error::file(&chunks))?;
    let source = from.join(block::CHUNKS_DIR);
    let mut files = vec![PathBuf::from(block::META_FILE), PathBuf::from(block::INDEX_FILE)];
    for entry in std::fs::read_dir(&source).map_err(Error::file(&source))? {
        let entry = entry.map_err(Error::file(&source))?;
        files.push(Path::new(block::CHUNKS_DIR).join(entry.file_name()));
    }
    for file in files {
        let path = from.join(&file);
        std::fs::hard_link(&path, to.join(&file)).map_err(Error::file(&path))?;
    }
    Ok(())
}

/// Names of the chunk files of the block in `dir`, sorted.
pub(super) fn segment_files(dir: &Path) -> Result<Vec<String>> {
    let chunks = dir.join(block::CHUNKS_DIR);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&chunks).map_err(Error::file(&chunks))? {
        let name = entry.map_err(Error::file(&chunks))?.file_name();
        names.push(
            name.into_string().map_err(|name| Error::block(dir.display(), format!("file name {name:?}")))?,
        );
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes a folder with all that is in it, if it is there.
pub(super) fn remove(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::file(dir)(e)),
        _ => Ok(()),
    }
}

/// Removes all folders in `dir` that are named for a block.
pub(super) fn clean(dir: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::file(dir)(e)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::file(dir))?;
        if entry.file_name().to_str().and_then(block::parse_dir).is_some() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
