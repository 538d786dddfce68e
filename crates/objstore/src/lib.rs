//! Object storage behind one trait: the providers that Thanos's YAML can name, the layers around them, and the buckets that tests use.
//!
//! [`Bucket`] is what everything above speaks. [`config::open`] turns the text of `--objstore.config` into one, with retries,
//! prefix and metrics around it. [`FsBucket`], [`S3Bucket`] and [`MemoryBucket`] hold objects; [`PrefixBucket`], [`RetryBucket`],
//! [`MetricsBucket`] and [`FaultyBucket`] wrap another bucket.

pub mod config;

mod bucket;
mod error;
mod faulty;
mod fs;
mod memory;
mod metrics;
mod name;
mod prefix;
mod retry;
mod s3;
#[cfg(feature = "testing")]
pub mod testing;

pub use bucket::{Attributes, Body, Bucket, ByteStream, Entry, EntryStream, IterOptions, Object, Provider};
pub use error::{Error, ErrorKind, Operation, Result};
pub use faulty::{Fault, FaultyBucket};
pub use fs::FsBucket;
pub use memory::MemoryBucket;
pub use metrics::MetricsBucket;
pub use prefix::PrefixBucket;
pub use retry::{RetryBucket, RetryPolicy, SLOWEST_UPLOAD};
pub use s3::{S3Bucket, S3Config};
