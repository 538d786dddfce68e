//! `prefix:` of the configuration: a bucket within a bucket.

use std::{ops::Range, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Attributes, Body, Bucket, EntryStream, Error, IterOptions, Object, Operation, Provider, Result, name,
};

/// Puts a prefix before every name. Names in answers and errors are without it.
#[derive(Debug)]
pub struct PrefixBucket {
    inner: Arc<dyn Bucket>,
    prefix: Arc<str>,
}

impl PrefixBucket {
    /// Wraps `inner`; slashes around `prefix` make no difference. An empty prefix gives `inner` back.
    pub fn wrap(inner: Arc<dyn Bucket>, prefix: &str) -> Result<Arc<dyn Bucket>> {
        let prefix = prefix.trim_matches('/');
        if prefix.is_empty() {
            return Ok(inner);
        }
        name::check(Operation::Iter, prefix).map_err(|_| {
            Error::config(format!("prefix {prefix:?} of the bucket is no path of proper parts"))
        })?;
        Ok(Arc::new(PrefixBucket { inner, prefix: prefix.into() }))
    }

    fn full(&self, operation: Operation, object: &str) -> Result<String> {
        name::check(operation, object)?;
        Ok(format!("{}/{object}", self.prefix))
    }
}

/// The name without the prefix; names that lack it are kept.
fn strip<'a>(prefix: &str, full: &'a str) -> &'a str {
    full.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).unwrap_or(full)
}

fn strip_error(prefix: &str, error: Error) -> Error {
    let object = strip(prefix, error.object()).to_owned();
    error.with_object(object)
}

#[async_trait]
impl Bucket for PrefixBucket {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        let full = self.full(Operation::Get, object)?;
        let Object { size, stream } =
            self.inner.get_stream(&full).await.map_err(|error| strip_error(&self.prefix, error))?;
        let prefix = Arc::clone(&self.prefix);
        Ok(Object { size, stream: stream.map_err(move |error| strip_error(&prefix, error)).boxed() })
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let full = self.full(Operation::GetRange, object)?;
        self.inner.get_range(&full, range).await.map_err(|error| strip_error(&self.prefix, error))
    }

    async fn get_ranges(&self, object: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let full = self.full(Operation::GetRange, object)?;
        self.inner.get_ranges(&full, ranges).await.map_err(|error| strip_error(&self.prefix, error))
    }

    async fn link(&self, object: &str, path: &Path) -> Result<Option<u64>> {
        let full = self.full(Operation::Get, object)?;
        self.inner.link(&full, path).await.map_err(|error| strip_error(&self.prefix, error))
    }

    async fn tidy(&self, dir: &str, age: Duration) -> Result<u64> {
        let full = name::join(&self.prefix, name::check_dir(dir)?);
        self.inner.tidy(&full, age).await.map_err(|error| strip_error(&self.prefix, error))
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        let full = self.full(Operation::Exists, object)?;
        self.inner.exists(&full).await.map_err(|error| strip_error(&self.prefix, error))
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        let full = self.full(Operation::Attributes, object)?;
        self.inner.attributes(&full).await.map_err(|error| strip_error(&self.prefix, error))
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        let full = self.full(Operation::Upload, object)?;
        self.inner.upload(&full, body).await.map_err(|error| strip_error(&self.prefix, error))
    }

    async fn delete(&self, object: &str) -> Result<()> {
        let full = self.full(Operation::Delete, object)?;
        self.inner.delete(&full).await.map_err(|error| strip_error(&self.prefix, error))
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        let full = match name::check_dir(dir) {
            Ok(dir) => name::join(&self.prefix, dir),
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let prefix = Arc::clone(&self.prefix);
        let renamed = self.inner.iter(&full, options).map(move |entry| match entry {
            Ok(mut entry) => {
                entry.name = strip(&prefix, &entry.name).to_owned();
                Ok(entry)
            }
            Err(error) => Err(strip_error(&prefix, error)),
        });
        renamed.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryBucket;

    #[tokio::test]
    async fn errors_and_entries_lack_the_prefix() {
        let inner = Arc::new(MemoryBucket::new());
        inner.upload("other/x", "x".into()).await.unwrap();
        let bucket = PrefixBucket::wrap(inner.clone(), "/a/b/").unwrap();
        bucket.upload("c/d", "text".into()).await.unwrap();
        assert_eq!(inner.objects().keys().collect::<Vec<_>>(), ["a/b/c/d", "other/x"]);
        let entries = bucket.list("", IterOptions::recursive()).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["c/d"]);
        let error = bucket.get("c/e", 10).await.unwrap_err();
        assert_eq!(error.to_string(), "get c/e: object not found");
    }

    #[test]
    fn slashes_alone_are_no_prefix() {
        let inner: Arc<dyn Bucket> = Arc::new(MemoryBucket::new());
        assert!(Arc::ptr_eq(&PrefixBucket::wrap(Arc::clone(&inner), "//").unwrap(), &inner));
        assert!(PrefixBucket::wrap(inner, "a/../b").is_err());
    }
}
