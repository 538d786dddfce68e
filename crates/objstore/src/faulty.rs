//! A bucket that fails on purpose, the same way for the same seed; for simulations.

use std::{collections::HashMap, ops::Range, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use parking_lot::Mutex;

use crate::{
    Attributes, Body, Bucket, ByteStream, EntryStream, Error, ErrorKind, IterOptions, Object, Operation,
    Provider, Result,
};

/// When an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Before anything happens, with a retryable error.
    Before,
    /// After the operation has taken effect, with a retryable error: the answer was lost.
    After,
    /// While content or entries are on their way, with a retryable error; of an upload, nothing is there then.
    Midway,
    /// Before anything happens, with an error that is not to be tried again.
    Permanent,
}

#[derive(Debug)]
struct Plan {
    random: u64,
    probability: HashMap<(Operation, Fault), f64>,
    /// Operations left until every one fails; for a crash at a chosen point.
    left: Option<u64>,
}

impl Plan {
    /// xorshift64*: small, seeded, and good enough to throw dice.
    fn next(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Wraps a bucket and lets operations fail by the chances that are set.
#[derive(Debug)]
pub struct FaultyBucket {
    inner: Arc<dyn Bucket>,
    plan: Mutex<Plan>,
}

impl FaultyBucket {
    /// Wraps `inner`. Nothing fails until [`FaultyBucket::inject`].
    pub fn new(inner: Arc<dyn Bucket>, seed: u64) -> Self {
        // The generator must not start from zero.
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        FaultyBucket { inner, plan: Mutex::new(Plan { random, probability: HashMap::new(), left: None }) }
    }

    /// Sets the chance (0 to 1) that `operation` fails with `fault`.
    pub fn inject(&self, operation: Operation, fault: Fault, probability: f64) {
        self.plan.lock().probability.insert((operation, fault), probability);
    }

    /// Sets the chance of `fault` for every operation.
    pub fn inject_all(&self, fault: Fault, probability: f64) {
        for operation in Operation::ALL {
            self.inject(operation, fault, probability);
        }
    }

    /// Lets `count` more operations through and fails every later one, as after a crash or a cut connection.
    pub fn cut_after(&self, count: u64) {
        self.plan.lock().left = Some(count);
    }

    /// Takes all faults away.
    pub fn heal(&self) {
        let mut plan = self.plan.lock();
        plan.probability.clear();
        plan.left = None;
    }

    fn throw(&self, operation: Operation, object: &str) -> std::result::Result<Option<Fault>, Error> {
        let mut plan = self.plan.lock();
        if let Some(left) = plan.left.as_mut() {
            if *left == 0 {
                return Err(Error::new(operation, object, ErrorKind::Retryable, "injected cut"));
            }
            *left -= 1;
        }
        for fault in [Fault::Before, Fault::Permanent, Fault::Midway, Fault::After] {
            let Some(&probability) = plan.probability.get(&(operation, fault)) else { continue };
            if plan.next() < probability {
                return match fault {
                    Fault::Before => Err(injected(operation, object)),
                    Fault::Permanent => {
                        Err(Error::new(operation, object, ErrorKind::Permanent, "injected permanent failure"))
                    }
                    Fault::Midway | Fault::After => Ok(Some(fault)),
                };
            }
        }
        Ok(None)
    }
}

fn injected(operation: Operation, object: &str) -> Error {
    Error::new(operation, object, ErrorKind::Retryable, "injected failure")
}

/// The first half of the first part, then an error.
fn cut(stream: ByteStream, operation: Operation, object: &str) -> ByteStream {
    let error = injected(operation, object);
    let first = stream.take(1).map(|part| part.map(|part| part.slice(..part.len() / 2)));
    first.chain(stream::once(async { Err(error) })).boxed()
}

#[async_trait]
impl Bucket for FaultyBucket {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        let fault = self.throw(Operation::Get, object)?;
        let Object { size, stream } = self.inner.get_stream(object).await?;
        match fault {
            None => Ok(Object { size, stream }),
            Some(_) => Ok(Object { size, stream: cut(stream, Operation::Get, object) }),
        }
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let fault = self.throw(Operation::GetRange, object)?;
        let bytes = self.inner.get_range(object, range).await?;
        if fault.is_some() { Err(injected(Operation::GetRange, object)) } else { Ok(bytes) }
    }

    async fn link(&self, object: &str, path: &Path) -> Result<Option<u64>> {
        let linked = self.inner.link(object, path).await?;
        // What cannot be linked is read as any other object, and may fail there.
        if linked.is_some() && self.throw(Operation::Get, object)?.is_some() {
            return Err(injected(Operation::Get, object));
        }
        Ok(linked)
    }

    async fn tidy(&self, dir: &str, age: Duration) -> Result<u64> {
        self.inner.tidy(dir, age).await
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        let fault = self.throw(Operation::Exists, object)?;
        let answer = self.inner.exists(object).await?;
        if fault.is_some() { Err(injected(Operation::Exists, object)) } else { Ok(answer) }
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        let fault = self.throw(Operation::Attributes, object)?;
        let answer = self.inner.attributes(object).await?;
        if fault.is_some() { Err(injected(Operation::Attributes, object)) } else { Ok(answer) }
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        match self.throw(Operation::Upload, object)? {
            Some(Fault::Midway) => {
                let content = match body {
                    Body::Bytes(bytes) => bytes,
                    // Half of nothing: what arrives is cut short in any case.
                    Body::File(_) | Body::Final(_) | Body::Stream { .. } => Bytes::new(),
                };
                let stream = cut(stream::once(async { Ok(content) }).boxed(), Operation::Upload, object);
                self.inner.upload(object, Body::Stream { size: None, stream }).await
            }
            Some(_) => {
                self.inner.upload(object, body).await?;
                Err(injected(Operation::Upload, object))
            }
            None => self.inner.upload(object, body).await,
        }
    }

    async fn delete(&self, object: &str) -> Result<()> {
        match self.throw(Operation::Delete, object)? {
            Some(Fault::Midway) => Err(injected(Operation::Delete, object)),
            Some(_) => {
                self.inner.delete(object).await?;
                Err(injected(Operation::Delete, object))
            }
            None => self.inner.delete(object).await,
        }
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        match self.throw(Operation::Iter, dir) {
            Err(error) => stream::once(async { Err(error) }).boxed(),
            Ok(None) => self.inner.iter(dir, options),
            Ok(Some(_)) => {
                let error = injected(Operation::Iter, dir);
                self.inner.iter(dir, options).take(1).chain(stream::once(async { Err(error) })).boxed()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryBucket;

    async fn outcomes(seed: u64) -> Vec<bool> {
        let bucket = FaultyBucket::new(Arc::new(MemoryBucket::new()), seed);
        bucket.inject(Operation::Exists, Fault::Before, 0.3);
        let mut outcomes = Vec::new();
        for _ in 0..200 {
            outcomes.push(bucket.exists("x").await.is_ok());
        }
        outcomes
    }

    #[tokio::test]
    async fn the_same_seed_fails_the_same_way() {
        assert_eq!(outcomes(7).await, outcomes(7).await);
        assert_ne!(outcomes(7).await, outcomes(8).await);
        let failed = outcomes(7).await.iter().filter(|ok| !**ok).count();
        assert!((30..90).contains(&failed), "{failed} of 200");
    }

    #[tokio::test]
    async fn a_fault_after_the_effect_leaves_the_object() {
        let memory = Arc::new(MemoryBucket::new());
        let bucket = FaultyBucket::new(memory.clone(), 1);
        bucket.inject(Operation::Upload, Fault::After, 1.0);
        assert!(bucket.upload("a", "b".into()).await.unwrap_err().is_retryable());
        assert_eq!(memory.objects().len(), 1);
        bucket.heal();
        bucket.inject(Operation::Upload, Fault::Midway, 1.0);
        assert!(bucket.upload("c", "d".into()).await.unwrap_err().is_retryable());
        assert_eq!(memory.objects().len(), 1);
    }

    #[tokio::test]
    async fn a_cut_lets_so_many_operations_through() {
        let bucket = FaultyBucket::new(Arc::new(MemoryBucket::new()), 1);
        bucket.cut_after(2);
        bucket.upload("a", "b".into()).await.unwrap();
        assert!(bucket.exists("a").await.unwrap());
        assert!(bucket.exists("a").await.is_err());
    }
}
