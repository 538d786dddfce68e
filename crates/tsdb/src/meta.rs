//! `meta.json` of a block, with the section that Thanos adds.
//!
//! Reading is as lenient as Go's: unknown keys are ignored, missing ones and `null` are zero. Writing gives the same
//! bytes as Go's encoder with tab indentation. Source of the format: Prometheus `tsdb/block.go`, Thanos
//! `pkg/block/metadata/meta.go`; see `docs/format/meta-json.md`.

mod go_json;
mod thanos;

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};
use ulid::Ulid;

pub use go_json::RawJson;
pub use thanos::{
    DeletionRequest, Downsample, File, FileHash, IndexStats, MetaMatcher, Rewrite, Source, Thanos,
    TimeInterval, UploadTime,
};

use crate::error::Error;
use crate::write::Durability;

/// Name of the file in a block's directory.
pub const FILE_NAME: &str = "meta.json";
/// The only version of the file.
pub const VERSION: i64 = 1;
/// The only version of the Thanos section; 0 stands for it too.
pub const THANOS_VERSION: i64 = 1;
/// The most bytes of a meta.json that are read; far more than the largest block's.
pub const MAX_SIZE: u64 = 64 << 20;

/// What is known of a block without looking into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockMeta {
    /// The block's name.
    #[serde(default = "Ulid::nil", deserialize_with = "or_nil")]
    pub ulid: Ulid,
    /// First time of the block in ms.
    #[serde(rename = "minTime", default, deserialize_with = "or_default")]
    pub min_time: i64,
    /// End of the block in ms; not part of it.
    #[serde(rename = "maxTime", default, deserialize_with = "or_default")]
    pub max_time: i64,
    /// How much is in it.
    #[serde(default, deserialize_with = "or_default")]
    pub stats: Stats,
    /// Where it comes from.
    #[serde(default, deserialize_with = "or_default")]
    pub compaction: Compaction,
    /// Version of the file.
    #[serde(default, deserialize_with = "or_default")]
    pub version: i64,
    /// What Thanos adds; all empty in blocks of Prometheus.
    #[serde(default, deserialize_with = "or_default")]
    pub thanos: Thanos,
}

/// Counts of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Stats {
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub num_samples: u64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub num_float_samples: u64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub num_histogram_samples: u64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub num_series: u64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub num_chunks: u64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub num_tombstones: u64,
}

/// The compactions behind a block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compaction {
    /// 1 for a block straight from a head, else one more than the highest of its sources.
    #[serde(deserialize_with = "or_default")]
    pub level: i64,
    /// The level-1 blocks that went into it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub sources: Vec<Ulid>,
    /// Whether the block came out empty and is to be deleted.
    #[serde(skip_serializing_if = "is_false", deserialize_with = "or_default")]
    pub deletable: bool,
    /// The blocks it was made of.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub parents: Vec<BlockDesc>,
    /// Whether compacting it failed.
    #[serde(skip_serializing_if = "is_false", deserialize_with = "or_default")]
    pub failed: bool,
    /// Such as [`FROM_OUT_OF_ORDER`].
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub hints: Vec<String>,
}

/// The hint of blocks made of out-of-order chunks.
pub const FROM_OUT_OF_ORDER: &str = "from-out-of-order";

/// Name and time range of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockDesc {
    /// The block's name.
    #[serde(default = "Ulid::nil")]
    pub ulid: Ulid,
    /// First time in ms.
    #[serde(rename = "minTime", default)]
    pub min_time: i64,
    /// End in ms, not part of the block.
    #[serde(rename = "maxTime", default)]
    pub max_time: i64,
}

impl BlockMeta {
    /// An empty meta of today's version.
    pub fn new(ulid: Ulid, min_time: i64, max_time: i64) -> Self {
        Self {
            ulid,
            min_time,
            max_time,
            stats: Stats::default(),
            compaction: Compaction::default(),
            version: VERSION,
            thanos: Thanos::default(),
        }
    }

    /// Reads a meta.json. What follows after the first JSON value is ignored, as in Go.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        // Serde would take an array for a struct.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            let error: serde_json::Error =
                serde::de::Error::invalid_type(serde::de::Unexpected::Seq, &"an object");
            return Err(error.into());
        }
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Self>();
        let meta = match values.next() {
            Some(meta) => meta?,
            // An empty file: the error of an unexpected end.
            None => serde_json::from_slice::<Self>(bytes)?,
        };
        if meta.version != VERSION {
            return Err(Error::Version(format!("unexpected meta file version {}", meta.version)));
        }
        if ![0, THANOS_VERSION].contains(&meta.thanos.version) {
            // Differs from Thanos: names the version of the section, where Thanos prints that of the file.
            return Err(Error::Version(format!(
                "unexpected meta file Thanos section version {}",
                meta.thanos.version
            )));
        }
        Ok(meta)
    }

    /// Reads the meta.json of a block's directory.
    pub fn read_dir(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let path = dir.as_ref().join(FILE_NAME);
        let len = std::fs::metadata(&path).map_err(|e| Error::io(&path, e))?.len();
        if len > MAX_SIZE {
            return Err(
                Error::Version(format!("meta file of {len} bytes is too large")).within(path.display())
            );
        }
        let bytes = std::fs::read(&path).map_err(|e| Error::io(&path, e))?;
        Self::from_json(&bytes).map_err(|e| e.within(path.display()))
    }

    /// The bytes that Thanos writes: with its section, a line end at the end.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let mut out = go_json::indented(&serde_json::to_string(self)?);
        out.push(b'\n');
        Ok(out)
    }

    /// The bytes that Prometheus writes: without the section and the line end.
    pub fn to_prometheus_json(&self) -> Result<Vec<u8>, Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Plain<'a> {
            ulid: Ulid,
            min_time: i64,
            max_time: i64,
            stats: &'a Stats,
            compaction: &'a Compaction,
            version: i64,
        }
        let plain = Plain {
            ulid: self.ulid,
            min_time: self.min_time,
            max_time: self.max_time,
            stats: &self.stats,
            compaction: &self.compaction,
            version: self.version,
        };
        Ok(go_json::indented(&serde_json::to_string(&plain)?))
    }

    /// Writes the meta.json of a block's directory: whole or not at all.
    pub fn write_dir(&self, dir: impl AsRef<Path>) -> Result<(), Error> {
        write_file(dir.as_ref(), &self.to_json()?, Durability::Synced)
    }

    /// As [`write_dir`](Self::write_dir), without waiting for the disk: for directories that are made anew after a crash.
    pub fn write_scratch_dir(&self, dir: impl AsRef<Path>) -> Result<(), Error> {
        write_file(dir.as_ref(), &self.to_json()?, Durability::Begun)
    }

    /// As [`write_dir`](Self::write_dir) without the Thanos section.
    pub fn write_prometheus_dir(&self, dir: impl AsRef<Path>) -> Result<(), Error> {
        write_file(dir.as_ref(), &self.to_prometheus_json()?, Durability::Synced)
    }

    /// The key of the compaction group: resolution and hash of the external labels.
    pub fn group_key(&self) -> String {
        let labels = model::labels::Labels::from_sorted(self.thanos.labels.iter());
        format!("{}@{}", self.thanos.downsample.resolution, labels.hash())
    }
}

fn write_file(dir: &Path, bytes: &[u8], durability: Durability) -> Result<(), Error> {
    let path = dir.join(FILE_NAME);
    let tmp = dir.join(format!("{FILE_NAME}.tmp"));
    let write = || {
        let mut file = std::fs::File::create(&tmp)?;
        file.write_all(bytes)?;
        if durability == Durability::Synced { file.sync_all() } else { Ok(()) }
    };
    write().map_err(|e| Error::io(&tmp, e))?;
    std::fs::rename(&tmp, &path).map_err(|e| Error::io(&path, e))?;
    if durability == Durability::Begun {
        return Ok(());
    }
    std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(dir, e))
}

/// Takes `null` for the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Option::deserialize(d).map(Option::unwrap_or_default)
}

fn or_nil<'de, D: Deserializer<'de>>(d: D) -> Result<Ulid, D::Error> {
    Option::deserialize(d).map(|u| u.unwrap_or(Ulid::nil()))
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero<T: Default + PartialEq>(v: &T) -> bool {
    *v == T::default()
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(v: &bool) -> bool {
    !v
}

#[cfg(test)]
mod tests;
