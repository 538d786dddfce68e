//! Objects in memory, for tests.

use std::{collections::BTreeMap, ops::Range, time::SystemTime};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use parking_lot::RwLock;

use crate::{
    Attributes, Body, Bucket, Entry, EntryStream, Error, ErrorKind, IterOptions, Object, Operation, Provider,
    Result, name,
};

/// A bucket in the process's memory.
#[derive(Debug, Default)]
pub struct MemoryBucket {
    objects: RwLock<BTreeMap<String, (Bytes, SystemTime)>>,
}

impl MemoryBucket {
    /// An empty bucket.
    pub fn new() -> Self {
        MemoryBucket::default()
    }

    /// All objects by name.
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        self.objects.read().iter().map(|(name, (bytes, _))| (name.clone(), bytes.clone())).collect()
    }

    fn find(&self, operation: Operation, object: &str) -> Result<(Bytes, SystemTime)> {
        name::check(operation, object)?;
        self.objects.read().get(object).cloned().ok_or_else(|| Error::not_found(operation, object))
    }
}

#[async_trait]
impl Bucket for MemoryBucket {
    fn name(&self) -> &str {
        "inmem"
    }

    fn provider(&self) -> Provider {
        Provider::Memory
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        let (bytes, _) = self.find(Operation::Get, object)?;
        let size = bytes.len() as u64;
        Ok(Object { size, stream: stream::once(async { Ok(bytes) }).boxed() })
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let (bytes, _) = self.find(Operation::GetRange, object)?;
        let end = range.end.min(bytes.len() as u64);
        let start = range.start.min(end);
        Ok(bytes.slice(start as usize..end as usize))
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        name::check(Operation::Exists, object)?;
        Ok(self.objects.read().contains_key(object))
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        let (bytes, last_modified) = self.find(Operation::Attributes, object)?;
        Ok(Attributes { size: bytes.len() as u64, last_modified })
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        name::check(Operation::Upload, object)?;
        let content = match body {
            Body::Bytes(bytes) => bytes,
            Body::File(path) | Body::Final(path) => {
                let read = tokio::fs::read(&path).await;
                let failed = |error: std::io::Error| format!("read {}: {error}", path.display());
                Bytes::from(read.map_err(|error| {
                    Error::new(Operation::Upload, object, ErrorKind::Permanent, failed(error))
                })?)
            }
            Body::Stream { size, mut stream } => {
                let mut content = BytesMut::new();
                while let Some(part) = stream.next().await {
                    content.extend_from_slice(&part?);
                }
                if let Some(size) = size.filter(|size| *size != content.len() as u64) {
                    let why = format!("content ends after {} of {size} bytes", content.len());
                    return Err(Error::new(Operation::Upload, object, ErrorKind::Permanent, why));
                }
                content.freeze()
            }
        };
        self.objects.write().insert(object.to_owned(), (content, SystemTime::now()));
        Ok(())
    }

    async fn delete(&self, object: &str) -> Result<()> {
        name::check(Operation::Delete, object)?;
        self.objects.write().remove(object);
        Ok(())
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        let dir = match name::check_dir(dir) {
            Ok(dir) => dir,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let mut entries: Vec<Entry> = Vec::new();
        for (object, (_, time)) in self.objects.read().range(prefix.clone()..) {
            let Some(rest) = object.strip_prefix(&prefix) else { break };
            match rest.split_once('/').filter(|_| !options.recursive) {
                Some((child, _)) => {
                    let name = format!("{prefix}{child}/");
                    if entries.last().is_none_or(|last| last.name != name) {
                        entries.push(Entry { name, last_modified: None });
                    }
                }
                None => {
                    let last_modified = options.last_modified.then_some(*time);
                    entries.push(Entry { name: object.clone(), last_modified });
                }
            }
        }
        stream::iter(entries.into_iter().map(Ok)).boxed()
    }
}
