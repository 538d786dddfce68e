//! Immutable blocks: chunk encodings, chunk files, index, index-header, tombstones, meta.json, replica dedup.
