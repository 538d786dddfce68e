//! The `thanos` section of meta.json.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

use super::{RawJson, is_zero, or_default};

/// What Thanos knows of a block.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thanos {
    /// Version of the section; 0 and 1 are the same.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub version: i64,
    /// External labels of the block's producer.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Resolution.
    #[serde(deserialize_with = "or_default")]
    pub downsample: Downsample,
    /// Who uploaded it.
    #[serde(deserialize_with = "or_default")]
    pub source: Source,
    /// Names of the chunk files; older than `files`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub segment_files: Vec<String>,
    /// All files of the block, sorted by path.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub files: Vec<File>,
    /// What `tools bucket rewrite` did to it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub rewrites: Vec<Rewrite>,
    /// The largest entries.
    #[serde(deserialize_with = "or_default")]
    pub index_stats: IndexStats,
    /// Anything; carried along.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_unless_null")]
    pub extensions: Option<RawJson>,
    /// When the meta.json was uploaded.
    #[serde(deserialize_with = "or_default")]
    pub upload_time: UploadTime,
}

/// Downsampling of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Downsample {
    /// Distance of samples in ms; 0 for raw ones.
    #[serde(deserialize_with = "or_default")]
    pub resolution: i64,
}

/// Who made or uploaded a block. Any text is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(pub std::borrow::Cow<'static, str>);

#[allow(missing_docs)]
impl Source {
    pub const SIDECAR: Self = Self::named("sidecar");
    pub const RECEIVE: Self = Self::named("receive");
    pub const COMPACTOR: Self = Self::named("compactor");
    pub const COMPACTOR_REPAIR: Self = Self::named("compactor.repair");
    pub const RULER: Self = Self::named("ruler");
    pub const BUCKET_REPAIR: Self = Self::named("bucket.repair");
    pub const BUCKET_REWRITE: Self = Self::named("bucket.rewrite");
    pub const BUCKET_UPLOAD: Self = Self::named("bucket.upload");

    const fn named(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    /// Path within the block, such as `chunks/000001`.
    #[serde(deserialize_with = "or_default")]
    pub rel_path: String,
    /// Size in bytes; 0 for meta.json, which cannot know its own.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub size_bytes: i64,
    /// Its hash, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<FileHash>,
}

/// Hash of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileHash {
    /// `SHA256`, or empty for none.
    #[serde(rename = "hashFunc", deserialize_with = "or_default")]
    pub func: String,
    /// Lower-case hexadecimal.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}

/// One rewriting of a block.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rewrite {
    /// The blocks it was done on.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub sources: Vec<Ulid>,
    /// What was deleted.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub deletions_applied: Vec<DeletionRequest>,
    /// What was relabelled, as written by whoever did it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub relabels_applied: Vec<RawJson>,
}

/// One deletion of a rewriting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeletionRequest {
    /// Which series.
    pub matchers: Option<Vec<MetaMatcher>>,
    /// Which times; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub intervals: Vec<TimeInterval>,
    /// Name of the request.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub request_id: String,
}

/// A matcher as Go's encoder writes one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MetaMatcher {
    /// 0 `=`, 1 `!=`, 2 `=~`, 3 `!~`.
    #[serde(rename = "Type")]
    pub ty: i64,
    /// Label name.
    pub name: String,
    /// Value or expression.
    pub value: String,
}

/// A time range in ms, closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct TimeInterval {
    pub mint: i64,
    pub maxt: i64,
}

/// Largest entries of a block's index, set by compactor and downsampler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexStats {
    /// Of a series entry, in bytes.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub series_max_size: i64,
    /// Of a chunk, in bytes.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub chunk_max_size: i64,
}

/// A time as Go writes it; `None` is Go's zero time, the start of year 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UploadTime(pub Option<Timestamp>);

const GO_ZERO_TIME: &str = "0001-01-01T00:00:00Z";

impl Serialize for UploadTime {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => s.serialize_str(GO_ZERO_TIME),
            Some(t) => s.collect_str(&t),
        }
    }
}

impl<'de> Deserialize<'de> for UploadTime {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        if text == GO_ZERO_TIME {
            return Ok(Self(None));
        }
        text.parse().map(|t| Self(Some(t))).map_err(serde::de::Error::custom)
    }
}

fn some_unless_null<'de, D: Deserializer<'de>>(d: D) -> Result<Option<RawJson>, D::Error> {
    let raw = RawJson::deserialize(d)?;
    Ok((raw.as_str() != "null").then_some(raw))
}
