//! A bucket in which a script decides call by call what happens.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use objstore::{
    Attributes, Body, Bucket, EntryStream, Error, ErrorKind, IterOptions, Object, Operation, Provider, Result,
};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is passed on.
    Pass,
    /// It fails before anything happens.
    FailBefore,
    /// It takes effect and fails all the same: a timeout, or a lost answer.
    FailAfter,
    /// What it sends or gets breaks off half-way; an upload leaves nothing.
    FailMidway,
    /// It never answers, and does nothing.
    HangBefore,
    /// It takes effect and never answers; what it sends or gets stands still half-way.
    HangAfter,
    /// An upload arrives with one bit flipped.
    Corrupt,
    /// An upload arrives without its last byte.
    Truncate,
}

/// Decides on the call with this number, from 0.
pub(crate) type Script = dyn Fn(u64, Operation, &str) -> Fate + Send + Sync;

pub(crate) struct ScriptedBucket {
    inner: Arc<dyn Bucket>,
    calls: AtomicU64,
    script: Box<Script>,
}

impl std::fmt::Debug for ScriptedBucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedBucket").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl ScriptedBucket {
    pub(crate) fn new(
        inner: Arc<dyn Bucket>,
        script: impl Fn(u64, Operation, &str) -> Fate + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { inner, calls: AtomicU64::new(0), script: Box::new(script) })
    }

    async fn fate(&self, operation: Operation, object: &str) -> Result<Fate> {
        match self.decide(operation, object)? {
            Fate::HangBefore => std::future::pending().await,
            fate => Ok(fate),
        }
    }

    fn decide(&self, operation: Operation, object: &str) -> Result<Fate> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        match (self.script)(number, operation, object) {
            Fate::FailBefore => Err(failed(operation, object)),
            fate => Ok(fate),
        }
    }
}

fn failed(operation: Operation, object: &str) -> Error {
    Error::new(operation, object, ErrorKind::Retryable, "scripted failure")
}

async fn after<T>(fate: Fate, operation: Operation, object: &str, done: T) -> Result<T> {
    match fate {
        Fate::HangAfter => std::future::pending().await,
        Fate::FailAfter | Fate::FailMidway => Err(failed(operation, object)),
        _ => Ok(done),
    }
}

async fn bytes(body: Body) -> Bytes {
    match body {
        Body::Bytes(bytes) => bytes,
        Body::File(path) | Body::Final(path) => std::fs::read(path).expect("a local file").into(),
        Body::Stream { .. } => panic!("blocks are uploaded from files and memory"),
    }
}

#[async_trait]
impl Bucket for ScriptedBucket {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        let fate = self.fate(Operation::Get, object).await?;
        let Object { size, stream } = self.inner.get_stream(object).await?;
        if matches!(fate, Fate::Pass) {
            return Ok(Object { size, stream });
        }
        let half = stream.take(1).map(|part| part.map(|part| part.slice(..part.len() / 2)));
        if fate == Fate::HangAfter {
            return Ok(Object { size, stream: half.chain(stream::pending()).boxed() });
        }
        let error = failed(Operation::Get, object);
        Ok(Object { size, stream: half.chain(stream::once(async { Err(error) })).boxed() })
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let fate = self.fate(Operation::GetRange, object).await?;
        after(fate, Operation::GetRange, object, self.inner.get_range(object, range).await?).await
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        let fate = self.fate(Operation::Exists, object).await?;
        after(fate, Operation::Exists, object, self.inner.exists(object).await?).await
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        let fate = self.fate(Operation::Attributes, object).await?;
        after(fate, Operation::Attributes, object, self.inner.attributes(object).await?).await
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        match self.fate(Operation::Upload, object).await? {
            Fate::FailMidway => Err(failed(Operation::Upload, object)),
            Fate::Corrupt => {
                let mut content = bytes(body).await.to_vec();
                let at = content.len() / 2;
                content[at] ^= 1;
                self.inner.upload(object, Bytes::from(content).into()).await
            }
            Fate::Truncate => {
                let content = bytes(body).await;
                self.inner.upload(object, content.slice(..content.len() - 1).into()).await
            }
            fate => {
                self.inner.upload(object, body).await?;
                after(fate, Operation::Upload, object, ()).await
            }
        }
    }

    async fn delete(&self, object: &str) -> Result<()> {
        let fate = self.fate(Operation::Delete, object).await?;
        if fate == Fate::FailMidway {
            return Err(failed(Operation::Delete, object));
        }
        self.inner.delete(object).await?;
        after(fate, Operation::Delete, object, ()).await
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        match self.decide(Operation::Iter, dir) {
            Err(error) => stream::once(async { Err(error) }).boxed(),
            Ok(Fate::FailAfter | Fate::FailMidway) => {
                let error = failed(Operation::Iter, dir);
                self.inner.iter(dir, options).take(1).chain(stream::once(async { Err(error) })).boxed()
            }
            Ok(Fate::HangBefore) => stream::pending().boxed(),
            Ok(Fate::HangAfter) => self.inner.iter(dir, options).take(1).chain(stream::pending()).boxed(),
            Ok(_) => self.inner.iter(dir, options),
        }
    }
}
