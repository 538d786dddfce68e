//! The marks beside a block: to be deleted, not to be compacted, not to be downsampled. Format: `docs/format/marks.md`.

use objstore::Bucket;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ulid::Ulid;

use crate::{Error, Result};

/// The only version of all marks.
pub const VERSION: i64 = 1;

/// The most bytes of a mark that are read. Details are a sentence.
const MAX_SIZE: u64 = 1 << 20;

/// A kind of mark.
pub trait Mark: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The name of the file in the block's directory.
    const FILE: &'static str;
    /// The version the mark says it has.
    fn version(&self) -> i64;
}

/// The block is to be deleted some time after `deletion_time`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionMark {
    /// The block.
    #[serde(default)]
    pub id: Ulid,
    /// Version of the mark.
    #[serde(default)]
    pub version: i64,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// When it was marked, in seconds since 1970.
    #[serde(default)]
    pub deletion_time: i64,
}

/// The block is left out of compaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoCompactMark {
    /// The block.
    #[serde(default)]
    pub id: Ulid,
    /// Version of the mark.
    #[serde(default)]
    pub version: i64,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// When it was marked, in seconds since 1970.
    #[serde(default)]
    pub no_compact_time: i64,
    /// Why, for programs; one of [`reason`] or another text.
    #[serde(default)]
    pub reason: String,
}

/// The block is left out of downsampling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoDownsampleMark {
    /// The block.
    #[serde(default)]
    pub id: Ulid,
    /// Version of the mark.
    #[serde(default)]
    pub version: i64,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// When it was marked, in seconds since 1970.
    #[serde(default)]
    pub no_downsample_time: i64,
    /// Why, for programs; one of [`reason`] or another text.
    #[serde(default)]
    pub reason: String,
}

/// The reasons in use.
pub mod reason {
    /// Somebody asked for it.
    pub const MANUAL: &str = "manual";
    /// The index would get too large.
    pub const INDEX_SIZE_EXCEEDING: &str = "index-size-exceeding";
    /// The index has chunks out of order.
    pub const OUT_OF_ORDER_CHUNK: &str = "block-index-out-of-order-chunk";
    /// Overlapping blocks that are downsampled.
    pub const DOWNSAMPLE_VERTICAL_COMPACTION: &str = "downsample-vertical-compaction";
}

impl Mark for DeletionMark {
    const FILE: &'static str = "deletion-mark.json";
    fn version(&self) -> i64 {
        self.version
    }
}

impl Mark for NoCompactMark {
    const FILE: &'static str = "no-compact-mark.json";
    fn version(&self) -> i64 {
        self.version
    }
}

impl Mark for NoDownsampleMark {
    const FILE: &'static str = "no-downsample-mark.json";
    fn version(&self) -> i64 {
        self.version
    }
}

/// The object of a block's mark.
pub fn object<M: Mark>(id: Ulid) -> String {
    format!("{id}/{}", M::FILE)
}

/// Reads a block's mark. `None` when there is none; [`Error::CorruptMark`] when it is no JSON of a mark, as half of one would be.
pub async fn read<M: Mark>(bucket: &dyn Bucket, id: Ulid) -> Result<Option<M>> {
    let object = object::<M>(id);
    let bytes = match bucket.get(&object, MAX_SIZE).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mark: M = match serde_json::from_slice(&bytes) {
        Ok(mark) => mark,
        Err(error) => return Err(Error::CorruptMark { object, why: error.to_string() }),
    };
    if mark.version() != VERSION {
        return Err(Error::MarkVersion { object, version: mark.version() });
    }
    Ok(Some(mark))
}

/// Writes a block's mark, unless it has one already. True when it was written.
pub async fn write<M: Mark>(bucket: &dyn Bucket, id: Ulid, mark: &M) -> Result<bool> {
    let object = object::<M>(id);
    if bucket.exists(&object).await? {
        tracing::warn!(block = %id, mark = M::FILE, "requested to mark block, but it has this mark already");
        return Ok(false);
    }
    let json = match serde_json::to_vec(mark) {
        Ok(json) => json,
        Err(error) => return Err(Error::CorruptMark { object, why: error.to_string() }),
    };
    bucket.upload(&object, json.into()).await?;
    tracing::info!(block = %id, mark = M::FILE, "block has been marked");
    Ok(true)
}

/// Takes a block's mark away. True when there was one.
pub async fn remove<M: Mark>(bucket: &dyn Bucket, id: Ulid) -> Result<bool> {
    let object = object::<M>(id);
    if !bucket.exists(&object).await? {
        tracing::warn!(block = %id, mark = M::FILE, "requested to remove a mark that is not there");
        return Ok(false);
    }
    bucket.delete(&object).await?;
    tracing::info!(block = %id, mark = M::FILE, "mark has been removed from block");
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use objstore::MemoryBucket;

    #[tokio::test]
    async fn marks_read_as_they_were_written() {
        let bucket = MemoryBucket::new();
        let id = Ulid::from_parts(1_700_000_000_000, 7);
        assert_eq!(read::<DeletionMark>(&bucket, id).await.unwrap(), None);
        let mark = DeletionMark {
            id,
            version: VERSION,
            details: "outdated block".into(),
            deletion_time: 1_700_000_001,
        };
        assert!(write(&bucket, id, &mark).await.unwrap());
        assert!(!write(&bucket, id, &mark).await.unwrap(), "the first mark stays");
        let json = bucket.get(&object::<DeletionMark>(id), 1000).await.unwrap();
        let expected =
            format!(r#"{{"id":"{id}","version":1,"details":"outdated block","deletion_time":1700000001}}"#);
        assert_eq!(json, expected);
        assert_eq!(read::<DeletionMark>(&bucket, id).await.unwrap(), Some(mark));
        assert!(remove::<DeletionMark>(&bucket, id).await.unwrap());
        assert!(!remove::<DeletionMark>(&bucket, id).await.unwrap());
    }

    #[tokio::test]
    async fn broken_and_unknown_marks_are_told_apart() {
        let bucket = MemoryBucket::new();
        let id = Ulid::from_parts(1, 1);
        bucket.upload(&object::<NoCompactMark>(id), r#"{"id":"#.into()).await.unwrap();
        assert!(matches!(read::<NoCompactMark>(&bucket, id).await, Err(Error::CorruptMark { .. })));
        let two = format!(r#"{{"id":"{id}","version":2}}"#);
        bucket.upload(&object::<NoCompactMark>(id), two.into()).await.unwrap();
        assert!(matches!(
            read::<NoCompactMark>(&bucket, id).await,
            Err(Error::MarkVersion { version: 2, .. })
        ));
    }
}
