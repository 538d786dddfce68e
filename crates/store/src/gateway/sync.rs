//! Bringing the served blocks in line with the bucket.

use std::sync::Arc;

use bucket::fetcher::Metas;
use bucket::views::ViewKind;
use futures::{StreamExt, stream};
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use super::{BucketStore, now_ms};
use crate::{block::Block, block_set::BlockSet, error::Error};

impl BucketStore {
    /// Loads the blocks that are new in the bucket and lets go of those that are gone. A block that cannot be loaded is left out and
    /// tried again next time. When some metas could not be read, no block is let go of, and the error says so.
    pub async fn sync(&self) -> Result<(), Error> {
        let fetched = match self.fetcher.fetch().await {
            Ok(fetched) => fetched,
            Err(error) => {
                self.views.failed(ViewKind::Loaded, error.to_string(), now_ms());
                return Err(Error::Sync(error.to_string()));
            }
        };
        let incomplete = fetched.incomplete();
        self.views.fetched(ViewKind::Loaded, &fetched, now_ms());
        self.add_new(&fetched.metas).await;
        if let Some(error) = incomplete {
            return Err(Error::Sync(error));
        }
        self.drop_gone(&fetched.metas).await;
        Ok(())
    }

    /// The first synchronization, which also removes local files of blocks that are not served.
    pub async fn initial_sync(&self) -> Result<(), Error> {
        self.sync().await?;
        let dir = self.config.data_dir.clone();
        let failed = |source| Error::DataDir { path: dir.clone(), source };
        let mut entries = tokio::fs::read_dir(&dir).await.map_err(failed)?;
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let id = entry.file_name().to_str().and_then(bucket::block::parse_dir);
            let Some(id) = id.filter(|id| !self.blocks.read().by_id.contains_key(id)) else { continue };
            if let Err(error) = tokio::fs::remove_dir_all(entry.path()).await {
                tracing::warn!(block = %id, %error, "failed to remove block which is not needed");
            }
        }
        Ok(())
    }

    async fn add_new(&self, metas: &Metas) {
        let new: Vec<Arc<BlockMeta>> = {
            let blocks = self.blocks.read();
            metas.values().filter(|meta| !blocks.by_id.contains_key(&meta.ulid)).cloned().collect()
        };
        stream::iter(new)
            .for_each_concurrent(self.config.block_sync_concurrency, |meta| async move {
                self.add(meta).await;
            })
            .await;
    }

    async fn add(&self, meta: Arc<BlockMeta>) {
        let (id, start) = (meta.ulid, std::time::Instant::now());
        self.metrics.block_loads.inc();
        let loaded = Block::load(self.bucket.as_ref(), meta, Arc::clone(&self.headers), &self.config).await;
        let added = loaded.and_then(|block| self.insert(Arc::new(block)));
        let elapsed = start.elapsed();
        match added {
            Ok(()) => {
                tracing::info!(block = %id, ?elapsed, "loaded new block");
                self.metrics.block_load_duration.observe(elapsed.as_secs_f64());
                self.metrics.last_loaded.set(now_ms() as f64 / 1000.0);
            }
            Err(error) => {
                self.metrics.block_load_failures.inc();
                tracing::warn!(block = %id, ?elapsed, error, "loading block failed");
                self.remove_dir(id).await;
            }
        }
        self.metrics.blocks_loaded.set(self.block_count() as f64);
    }

    fn insert(&self, block: Arc<Block>) -> Result<(), String> {
        let mut blocks = self.blocks.write();
        let set = blocks.by_labels.entry(block.labels.clone());
        let set = set.or_insert_with(|| BlockSet::new(block.labels.clone()));
        let added = set.add(Arc::clone(&block));
        let empty = set.is_empty();
        if let Err(error) = added {
            if empty {
                blocks.by_labels.remove(&block.labels);
            }
            return Err(format!("add block to set: {error}"));
        }
        blocks.by_id.insert(block.id, block);
        Ok(())
    }

    async fn drop_gone(&self, metas: &Metas) {
        let gone: Vec<Ulid> = {
            let blocks = self.blocks.read();
            blocks.by_id.keys().filter(|id| !metas.contains_key(id)).copied().collect()
        };
        for id in gone {
            // Requests that hold the block go on with it; its files stay mapped until they end.
            self.take_out(id);
            if !self.remove_dir(id).await {
                self.metrics.block_drop_failures.inc();
            }
            self.metrics.block_drops.inc();
            tracing::info!(block = %id, "dropped outdated block");
        }
        self.metrics.blocks_loaded.set(self.block_count() as f64);
    }

    fn take_out(&self, id: Ulid) {
        let mut blocks = self.blocks.write();
        let Some(block) = blocks.by_id.remove(&id) else { return };
        let Some(set) = blocks.by_labels.get_mut(&block.labels) else { return };
        set.remove(id);
        if set.is_empty() {
            blocks.by_labels.remove(&block.labels);
        }
    }

    /// Removes the local files of a block. True when they are gone.
    async fn remove_dir(&self, id: Ulid) -> bool {
        let dir = self.config.data_dir.join(id.to_string());
        match tokio::fs::remove_dir_all(&dir).await {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => {
                tracing::warn!(block = %id, %error, "failed to remove local files of block");
                false
            }
        }
    }
}
