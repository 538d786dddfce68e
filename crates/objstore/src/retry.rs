//! Tries operations again that may succeed later, with growing pauses, and gives each try a time limit.

use std::{future::Future, ops::Range, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::{
    Attributes, Body, Bucket, ByteStream, EntryStream, Error, ErrorKind, IterOptions, Object, Operation,
    Provider, Result,
};

/// How often and how patiently to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first included; at least 1.
    pub attempts: u32,
    /// The pause before the second try; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// The longest that one try may take, and that a content or a listing may stand still. Uploads get the time that their size takes at
    /// [`SLOWEST_UPLOAD`] more.
    pub timeout: Duration,
}

/// Bytes per second below which an upload is taken to hang.
pub const SLOWEST_UPLOAD: u64 = 32 * 1024;

impl RetryPolicy {
    /// How long an upload may take; `None` for a content whose size is not known.
    fn upload_timeout(&self, body: &Body) -> Option<Duration> {
        let size = match body {
            Body::Bytes(bytes) => bytes.len() as u64,
            // A file that cannot be asked for its size fails the upload at once.
            Body::File(path) | Body::Final(path) => {
                std::fs::metadata(path).map_or(0, |metadata| metadata.len())
            }
            Body::Stream { size, .. } => (*size)?,
        };
        Some(self.timeout + Duration::from_secs(size / SLOWEST_UPLOAD))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            attempts: 10,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            timeout: Duration::from_secs(120),
        }
    }
}

/// Retries the operations of a bucket. A content that breaks off half-way is taken up again where it stopped.
#[derive(Debug)]
pub struct RetryBucket {
    inner: Arc<dyn Bucket>,
    policy: RetryPolicy,
}

impl RetryBucket {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn Bucket>, policy: RetryPolicy) -> Self {
        RetryBucket { inner, policy }
    }

    /// One try of an upload. Dropping it half-way is sound: what has not arrived whole is not there.
    async fn upload_once(&self, object: &str, body: Body) -> Result<()> {
        let Some(limit) = self.policy.upload_timeout(&body) else {
            return self.inner.upload(object, body).await;
        };
        match tokio::time::timeout(limit, self.inner.upload(object, body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(timed_out(Operation::Upload, object, limit)),
        }
    }

    async fn pause(&self, attempt: u32) {
        let doubled = self.policy.first_pause.saturating_mul(1u32.checked_shl(attempt).unwrap_or(u32::MAX));
        tokio::time::sleep(doubled.min(self.policy.longest_pause)).await;
    }

    async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        operation: Operation,
        object: &str,
        call: impl Fn() -> F,
    ) -> Result<T> {
        let mut attempt = 0;
        loop {
            // Dropping a read or a delete half-way is sound: neither leaves a state that a second one would meet.
            let outcome = match tokio::time::timeout(self.policy.timeout, call()).await {
                Ok(outcome) => outcome,
                Err(_) => Err(timed_out(operation, object, self.policy.timeout)),
            };
            match outcome {
                Err(error) if error.is_retryable() && attempt + 1 < self.policy.attempts => {
                    tracing::debug!(%error, attempt, "bucket operation is tried again");
                    self.pause(attempt).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

fn timed_out(operation: Operation, object: &str, limit: Duration) -> Error {
    Error::new(operation, object, ErrorKind::Retryable, format!("no answer within {limit:?}"))
}

#[async_trait]
impl Bucket for RetryBucket {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        let Object { size, stream } =
            self.run(Operation::Get, object, || self.inner.get_stream(object)).await?;
        let again = RetryBucket { inner: Arc::clone(&self.inner), policy: self.policy.clone() };
        Ok(Object { size, stream: resumed(again, object.to_owned(), size, stream) })
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        self.run(Operation::GetRange, object, || self.inner.get_range(object, range.clone())).await
    }

    async fn link(&self, object: &str, path: &Path) -> Result<Option<u64>> {
        self.run(Operation::Get, object, || self.inner.link(object, path)).await
    }

    async fn tidy(&self, dir: &str, age: Duration) -> Result<u64> {
        self.inner.tidy(dir, age).await
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        self.run(Operation::Exists, object, || self.inner.exists(object)).await
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        self.run(Operation::Attributes, object, || self.inner.attributes(object)).await
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        let mut attempt = 0;
        loop {
            let this_try = match &body {
                Body::Bytes(bytes) => Body::Bytes(bytes.clone()),
                Body::File(path) => Body::File(path.clone()),
                Body::Final(path) => Body::Final(path.clone()),
                // A stream can be sent once only.
                Body::Stream { .. } => return self.upload_once(object, body).await,
            };
            match self.upload_once(object, this_try).await {
                Err(error) if error.is_retryable() && attempt + 1 < self.policy.attempts => {
                    tracing::debug!(%error, attempt, "upload is tried again");
                    self.pause(attempt).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn delete(&self, object: &str) -> Result<()> {
        self.run(Operation::Delete, object, || self.inner.delete(object)).await
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        let again = RetryBucket { inner: Arc::clone(&self.inner), policy: self.policy.clone() };
        let state = Listing { entries: self.inner.iter(dir, options), taken: 0, attempt: 0, over: false };
        let dir = dir.to_owned();
        stream::unfold((again, dir, state), move |(bucket, dir, mut listing)| async move {
            let next = listing.next(&bucket, &dir, options).await?;
            Some((next, (bucket, dir, listing)))
        })
        .boxed()
    }
}

/// A listing that starts over when it breaks off, skipping the entries it has given. The order of a listing is fixed, but objects
/// may come and go in between; a caller that must not miss one lists again anyway.
struct Listing {
    entries: EntryStream,
    taken: usize,
    attempt: u32,
    over: bool,
}

impl Listing {
    async fn next(
        &mut self,
        bucket: &RetryBucket,
        dir: &str,
        options: IterOptions,
    ) -> Option<Result<crate::Entry>> {
        let mut skip = 0;
        loop {
            if self.over {
                return None;
            }
            let next = match tokio::time::timeout(bucket.policy.timeout, self.entries.next()).await {
                Ok(next) => next,
                Err(_) => Some(Err(timed_out(Operation::Iter, dir, bucket.policy.timeout))),
            };
            match next {
                Some(Ok(_)) if skip > 0 => skip -= 1,
                Some(Ok(entry)) => {
                    self.taken += 1;
                    self.attempt = 0;
                    return Some(Ok(entry));
                }
                Some(Err(error)) if error.is_retryable() && self.attempt + 1 < bucket.policy.attempts => {
                    tracing::debug!(%error, attempt = self.attempt, "listing is tried again");
                    bucket.pause(self.attempt).await;
                    self.attempt += 1;
                    self.entries = bucket.inner.iter(dir, options);
                    skip = self.taken;
                }
                Some(Err(error)) => {
                    self.over = true;
                    return Some(Err(error));
                }
                None => {
                    self.over = true;
                    return None;
                }
            }
        }
    }
}

/// Bytes asked for at once when a broken content is taken up again.
const RESUME_SIZE: u64 = 8 * 1024 * 1024;

/// Passes a content on; where it breaks off, the rest is fetched by ranges.
fn resumed(bucket: RetryBucket, object: String, size: u64, stream: ByteStream) -> ByteStream {
    let state = (bucket, object, Some(stream), 0u64);
    stream::try_unfold(state, move |(bucket, object, stream, offset)| async move {
        if let Some(mut stream) = stream {
            let next = match tokio::time::timeout(bucket.policy.timeout, stream.next()).await {
                Ok(next) => next,
                Err(_) => Some(Err(timed_out(Operation::Get, &object, bucket.policy.timeout))),
            };
            match next {
                None if offset >= size => return Ok(None),
                None => {}
                Some(Ok(part)) => {
                    let offset = offset + part.len() as u64;
                    return Ok(Some((part, (bucket, object, Some(stream), offset))));
                }
                Some(Err(error)) if error.is_retryable() && bucket.policy.attempts > 1 => {
                    tracing::debug!(%error, offset, "content is taken up again");
                }
                Some(Err(error)) => return Err(error),
            }
        }
        if offset >= size {
            return Ok(None);
        }
        let part = bucket.get_range(&object, offset..size.min(offset + RESUME_SIZE)).await?;
        if part.is_empty() {
            let why = format!("content ends after {offset} of {size} bytes");
            return Err(Error::new(Operation::Get, &object, ErrorKind::Permanent, why));
        }
        let offset = offset + part.len() as u64;
        Ok(Some((part, (bucket, object, None, offset))))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, FaultyBucket, MemoryBucket};

    fn quick(attempts: u32) -> RetryPolicy {
        let pause = Duration::from_millis(1);
        RetryPolicy { attempts, first_pause: pause, longest_pause: pause, timeout: Duration::from_secs(5) }
    }

    #[tokio::test]
    async fn everything_gets_through_a_bad_connection() {
        let memory = Arc::new(MemoryBucket::new());
        let faulty = Arc::new(FaultyBucket::new(memory.clone(), 42));
        faulty.inject_all(Fault::Before, 0.2);
        faulty.inject_all(Fault::Midway, 0.2);
        faulty.inject_all(Fault::After, 0.2);
        let bucket = RetryBucket::new(faulty, quick(50));
        let content = Bytes::from((0..10_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        for round in 0..20 {
            let name = format!("dir/{round:02}");
            bucket.upload(&name, content.clone().into()).await.unwrap();
            assert_eq!(bucket.get(&name, u64::MAX).await.unwrap(), content);
            assert_eq!(bucket.get_range(&name, 10..20).await.unwrap(), content.slice(10..20));
            assert!(bucket.exists(&name).await.unwrap());
            assert_eq!(bucket.attributes(&name).await.unwrap().size, content.len() as u64);
            assert_eq!(bucket.list("dir", IterOptions::default()).await.unwrap().len(), round + 1);
        }
        bucket.delete("dir/03").await.unwrap();
        assert_eq!(memory.objects().len(), 19);
    }

    #[tokio::test]
    async fn gives_up_after_the_last_attempt_and_at_once_on_a_permanent_error() {
        let faulty = Arc::new(FaultyBucket::new(Arc::new(MemoryBucket::new()), 1));
        let bucket = RetryBucket::new(faulty.clone(), quick(3));
        faulty.cut_after(0);
        assert!(bucket.exists("a").await.unwrap_err().is_retryable());
        faulty.heal();
        faulty.inject(Operation::Exists, Fault::Permanent, 1.0);
        assert_eq!(bucket.exists("a").await.unwrap_err().kind(), ErrorKind::Permanent);
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_given_up() {
        #[derive(Debug)]
        struct Hanging(MemoryBucket);
        #[async_trait]
        impl Bucket for Hanging {
            fn name(&self) -> &str {
                "hanging"
            }
            fn provider(&self) -> Provider {
                Provider::Memory
            }
            async fn get_stream(&self, name: &str) -> Result<Object> {
                self.0.get_stream(name).await
            }
            async fn get_range(&self, _: &str, _: Range<u64>) -> Result<Bytes> {
                std::future::pending().await
            }
            async fn exists(&self, name: &str) -> Result<bool> {
                self.0.exists(name).await
            }
            async fn attributes(&self, name: &str) -> Result<Attributes> {
                self.0.attributes(name).await
            }
            async fn upload(&self, _: &str, _: Body) -> Result<()> {
                std::future::pending().await
            }
            async fn delete(&self, name: &str) -> Result<()> {
                self.0.delete(name).await
            }
            fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
                self.0.iter(dir, options)
            }
        }
        let policy = RetryPolicy { timeout: Duration::from_millis(20), ..quick(2) };
        let bucket = RetryBucket::new(Arc::new(Hanging(MemoryBucket::new())), policy);
        let error = bucket.get_range("a", 0..1).await.unwrap_err();
        assert_eq!(error.to_string(), "get_range a: no answer within 20ms");
        let error = bucket.upload("a", "b".into()).await.unwrap_err();
        assert_eq!(error.to_string(), "upload a: no answer within 20ms");
        let large = Body::Stream { size: Some(3 * SLOWEST_UPLOAD), stream: stream::empty().boxed() };
        assert_eq!(bucket.policy.upload_timeout(&large), Some(Duration::from_millis(3020)));
    }
}
