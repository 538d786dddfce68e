//! Is a block in the bucket whole? Asked of blocks that others are about to be marked for deletion in favour of.
//!
//! A job compares its own result byte for byte before it marks the sources ([`crate::verify`]). But a process can die between upload and
//! comparison, and another compactor can be at work on the same bucket: then the result is there, its sources are unmarked, and
//! nobody knows whether it is sound.

use std::sync::Arc;

use bucket::block;
use tsdb::meta::BlockMeta;

use crate::error::{Error, Result};
use crate::job::{Context, fresh_dir, remove_dir};
use crate::progress::Progress;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every file that meta.json lists is there, with its size.
    Files,
    /// Besides, the index is fetched and read from end to end, and holds as many series and chunks as meta.json says.
    Index,
}

/// Inspects a block in the bucket. `Ok(Some(why))` when it is broken; an error when nothing can be said now.
pub async fn inspect(context: &Context, meta: &Arc<BlockMeta>, depth: Depth) -> Result<Option<String>> {
    if let Some(why) = files(context, meta).await? {
        return Ok(Some(why));
    }
    match depth {
        Depth::Files => Ok(None),
        Depth::Index => {
            let dir = context.dir.join(format!("inspect-{}", meta.ulid));
            let found = index(context, meta, &dir).await;
            remove_dir(&dir).await;
            found
        }
    }
}

async fn files(context: &Context, meta: &BlockMeta) -> Result<Option<String>> {
    let id = meta.ulid;
    let listed = meta.thanos.files.iter().filter(|file| file.rel_path != block::META_FILE);
    let mut wanted: Vec<(String, Option<u64>)> = listed
        .map(|file| {
            (format!("{id}/{}", file.rel_path), u64::try_from(file.size_bytes).ok().filter(|s| *s > 0))
        })
        .collect();
    if wanted.is_empty() {
        wanted.push((block::index(id), None));
        wanted.extend(
            meta.thanos.segment_files.iter().map(|name| (format!("{id}/{}/{name}", block::CHUNKS_DIR), None)),
        );
    }
    for (object, size) in wanted {
        match context.bucket.attributes(&object).await {
            Ok(found) if size.is_none_or(|size| size == found.size) => {}
            Ok(found) => {
                let size = size.unwrap_or_default();
                return Ok(Some(format!("{object} has {} bytes, meta.json says {size}", found.size)));
            }
            Err(error) if error.is_not_found() => return Ok(Some(format!("{object} is missing"))),
            Err(error) => return Err(Error::storage(format!("inspect {object}"))(error)),
        }
    }
    Ok(None)
}

async fn index(context: &Context, meta: &Arc<BlockMeta>, dir: &std::path::Path) -> Result<Option<String>> {
    let object = block::index(meta.ulid);
    fresh_dir(dir).await?;
    let path = dir.join(block::INDEX_FILE);
    bucket::download::download_file(context.bucket.as_ref(), &object, &path)
        .await
        .map_err(Error::retry(format!("download {object}")))?;
    let (checked_dir, checked) = (dir.to_owned(), meta.clone());
    let health =
        context.blocking(&Progress::default(), move |work, p| work.check(&checked_dir, &checked, p)).await;
    let health = match health {
        Ok(health) => health,
        Err(error) if error.is_critical() => return Ok(Some(error.to_string())),
        Err(error) => return Err(error),
    };
    let (series, chunks) = (meta.stats.num_series, meta.stats.num_chunks);
    if (health.series, health.chunks) != (series, chunks) {
        return Ok(Some(format!(
            "{object} has {} series and {} chunks, meta.json says {series} and {chunks}",
            health.series, health.chunks
        )));
    }
    Ok(None)
}
