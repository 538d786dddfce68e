//! A bucket whose objects are as old as a test's clock says.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use objstore::{Attributes, Body, Bucket, EntryStream, IterOptions, MemoryBucket, Object, Provider, Result};
use parking_lot::Mutex;

use crate::lab::TestClock;

#[derive(Debug)]
pub(crate) struct TimedBucket {
    inner: Arc<MemoryBucket>,
    clock: TestClock,
    written: Arc<Mutex<BTreeMap<String, SystemTime>>>,
}

impl TimedBucket {
    pub(crate) fn new(inner: Arc<MemoryBucket>, clock: TestClock) -> Arc<Self> {
        Arc::new(Self { inner, clock, written: Arc::default() })
    }
}

#[async_trait]
impl Bucket for TimedBucket {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        self.inner.get_stream(object).await
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        self.inner.get_range(object, range).await
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        // Memory answers at once; a real bucket lets others run meanwhile.
        tokio::task::yield_now().await;
        self.inner.exists(object).await
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        let found = self.inner.attributes(object).await?;
        let last_modified = self.written.lock().get(object).copied().unwrap_or(found.last_modified);
        Ok(Attributes { last_modified, ..found })
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        self.inner.upload(object, body).await?;
        let now = UNIX_EPOCH + Duration::from_millis(self.clock.now_ms().unsigned_abs());
        self.written.lock().insert(object.to_owned(), now);
        Ok(())
    }

    async fn delete(&self, object: &str) -> Result<()> {
        self.inner.delete(object).await
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        let written = self.written.clone();
        let timed = self.inner.iter(dir, options).map(move |entry| {
            let mut entry = entry?;
            if entry.last_modified.is_some() {
                entry.last_modified = written.lock().get(&entry.name).copied().or(entry.last_modified);
            }
            Ok(entry)
        });
        timed.boxed()
    }
}
