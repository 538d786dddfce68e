//! The disk cache of metas: `<data-dir>/meta-syncer/<ULID>/meta.json`, as Thanos keeps it. Every failure here is a warning: the bucket has
//! the truth.

use std::{path::PathBuf, sync::Arc};

use tsdb::meta::BlockMeta;
use ulid::Ulid;

use super::Metas;
use crate::{Error, Result, block};

/// The cache's directory in the data directory.
const DIR: &str = "meta-syncer";

#[derive(Debug, Clone)]
pub(super) struct DiskCache {
    dir: Arc<PathBuf>,
}

impl DiskCache {
    /// Uses the cache in a data directory; both directories are made if they are not there.
    pub(super) fn open(data_dir: &std::path::Path) -> Result<Self> {
        let dir = data_dir.join(DIR);
        std::fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
        Ok(DiskCache { dir: Arc::new(dir) })
    }

    /// The cached meta of a block. A broken one is removed.
    pub(super) async fn read(&self, id: Ulid) -> Option<BlockMeta> {
        let dir = self.dir.join(id.to_string());
        let read = move || match BlockMeta::read_dir(&dir) {
            Ok(meta) if meta.ulid == id => Some(meta),
            Err(error) if error.is_not_found() => None,
            outcome => {
                let error = outcome
                    .err()
                    .map_or_else(|| "meta of another block".to_owned(), |error| error.to_string());
                tracing::warn!(block = %id, %error, "best effort read of the local meta.json failed; removing cached block dir");
                remove(&dir);
                None
            }
        };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    /// Caches a meta.
    pub(super) async fn write(&self, meta: &BlockMeta) {
        let dir = self.dir.join(meta.ulid.to_string());
        let meta = meta.clone();
        let write = move || {
            let written = std::fs::create_dir_all(&dir)
                .map_err(|error| error.to_string())
                .and_then(|()| meta.write_scratch_dir(&dir).map_err(|error| error.to_string()));
            if let Err(error) = written {
                tracing::warn!(block = %meta.ulid, error, "best effort save of the meta.json to local dir failed; ignoring");
            }
        };
        // A panic in the writer is the only way to an error, and has been printed.
        let _ = tokio::task::spawn_blocking(write).await;
    }

    /// Removes the metas of all blocks but these.
    pub(super) async fn retain(&self, metas: &Metas) {
        let dir = Arc::clone(&self.dir);
        let listed = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<String>> {
            let names =
                std::fs::read_dir(dir.as_path())?.map(|entry| Ok(entry?.file_name().into_string().ok()));
            Ok(names.collect::<std::io::Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
        .await;
        let names = match listed {
            Ok(Ok(names)) => names,
            Ok(Err(error)) => {
                tracing::warn!(%error, "best effort remove of not needed cached dirs failed; ignoring");
                return;
            }
            Err(_) => return,
        };
        let gone =
            names.into_iter().filter_map(|name| block::parse_dir(&name)).filter(|id| !metas.contains_key(id));
        let gone: Vec<PathBuf> = gone.map(|id| self.dir.join(id.to_string())).collect();
        if !gone.is_empty() {
            let _ = tokio::task::spawn_blocking(move || gone.iter().for_each(|dir| remove(dir))).await;
        }
    }
}

fn remove(dir: &std::path::Path) {
    if let Err(error) = std::fs::remove_dir_all(dir)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(dir = %dir.display(), %error, "best effort remove of cached dir failed; ignoring");
    }
}
