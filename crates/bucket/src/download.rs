//! Downloads a block into a directory.

use std::path::{Component, Path, PathBuf};

use futures::{StreamExt, TryStreamExt, stream};
use objstore::{Bucket, IterOptions};
use tokio::io::AsyncWriteExt;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::{Error, Result, block, fetcher::read_meta, upload};

/// Downloads a block into `dir`, `concurrency` files at once. Files that are there already with the hash that meta.json gives are kept.
/// After an error `dir` is removed. meta.json is written last, so that a directory with one is whole. Nothing waits for the disk: after a crash of
/// the machine the directory has to be downloaded again.
pub async fn download(bucket: &dyn Bucket, id: Ulid, dir: &Path, concurrency: usize) -> Result<BlockMeta> {
    tokio::fs::create_dir_all(dir.join(block::CHUNKS_DIR)).await.map_err(Error::file(dir))?;
    match download_into(bucket, id, dir, concurrency).await {
        Ok(meta) => Ok(meta),
        Err(error) => {
            if let Err(error) = tokio::fs::remove_dir_all(dir).await {
                tracing::warn!(block = %id, dir = %dir.display(), %error, "failed to remove partly downloaded block");
            }
            Err(error)
        }
    }
}

async fn download_into(bucket: &dyn Bucket, id: Ulid, dir: &Path, concurrency: usize) -> Result<BlockMeta> {
    let meta = read_meta(bucket, id).await?;
    let prefix = format!("{id}/");
    let entries = bucket.list(&prefix, IterOptions::recursive()).await?;
    let objects = entries.into_iter().map(|entry| entry.name).filter(|name| *name != block::meta(id));
    let mut wanted = Vec::new();
    for object in objects {
        let rel_path = object.strip_prefix(&prefix).unwrap_or(&object).to_owned();
        if !Path::new(&rel_path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Error::block(id, format!("object {object:?} has no proper path")));
        }
        let hash = meta
            .thanos
            .files
            .iter()
            .find(|file| file.rel_path == rel_path)
            .and_then(|file| file.hash.clone());
        wanted.push((
            object,
            dir.join(rel_path),
            hash.filter(|hash| hash.func == "SHA256").map(|hash| hash.value),
        ));
    }
    stream::iter(wanted)
        .map(|(object, path, hash)| async move {
            if let Some(hash) = hash
                && is_there(id, path.clone(), hash).await?
            {
                return Ok(());
            }
            download_file(bucket, &object, &path).await
        })
        .buffer_unordered(concurrency.max(1))
        .try_collect::<()>()
        .await?;
    let local = dir.to_owned();
    upload::blocking(id, move || {
        meta.write_scratch_dir(&local).map_err(|error| Error::block(id, error))?;
        Ok(meta)
    })
    .await
}

async fn is_there(id: Ulid, path: PathBuf, hash: String) -> Result<bool> {
    upload::blocking(id, move || Ok(path.is_file() && upload::sha256(&path)? == hash)).await
}

/// Downloads one object into a file: whole under its name, or not there. The file may be the bucket's own ([`Bucket::link`]), so it must not be
/// written to, only replaced or removed.
pub async fn download_file(bucket: &dyn Bucket, object: &str, path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(Error::file(parent))?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let outcome = async {
        // What a process that was killed has left may be a name of something else.
        remove_if_there(&temporary).await?;
        if bucket.link(object, &temporary).await?.is_some() {
            tokio::fs::rename(&temporary, path).await.map_err(Error::file(path))?;
            // Nothing is renamed where both are names of one file.
            return remove_if_there(&temporary).await;
        }
        let mut content = bucket.get_stream(object).await?;
        let mut file = tokio::fs::File::create(&temporary).await.map_err(Error::file(&temporary))?;
        while let Some(part) = content.stream.try_next().await? {
            file.write_all(&part).await.map_err(Error::file(&temporary))?;
        }
        file.flush().await.map_err(Error::file(&temporary))?;
        tokio::fs::rename(&temporary, path).await.map_err(Error::file(path))
    }
    .await;
    if outcome.is_err() {
        // It may never have been made; nothing is lost either way, as the name is not that of the file.
        let _ = tokio::fs::remove_file(&temporary).await;
    }
    outcome
}

async fn remove_if_there(path: &Path) -> Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(path)(error)),
        _ => Ok(()),
    }
}
