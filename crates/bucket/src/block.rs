//! Names of a block's objects.

use ulid::Ulid;

/// Name of the file that describes a block.
pub const META_FILE: &str = tsdb::meta::FILE_NAME;
/// Name of a block's index.
pub const INDEX_FILE: &str = "index";
/// Name of the directory of a block's chunk segments.
pub const CHUNKS_DIR: &str = "chunks";

/// The block that a directory is named for. A trailing `/` makes no difference.
///
/// Differs from Thanos: a name must be the canonical form of a ULID, where Thanos takes any 26 characters.
pub fn parse_dir(name: &str) -> Option<Ulid> {
    let name = name.strip_suffix('/').unwrap_or(name);
    let id = Ulid::from_string(name).ok()?;
    (id.to_string() == name).then_some(id)
}

/// The object of a block's meta.json.
pub fn meta(id: Ulid) -> String {
    format!("{id}/{META_FILE}")
}

/// The object of a block's index.
pub fn index(id: Ulid) -> String {
    format!("{id}/{INDEX_FILE}")
}

/// The object of a block's chunk segment; segments are counted from 0 here and from 1 in names.
pub fn chunk_segment(id: Ulid, segment: u32) -> String {
    format!("{id}/{CHUNKS_DIR}/{:06}", u64::from(segment) + 1)
}

/// The time in a block's name, when it was made, in ms since 1970.
pub fn created_ms(id: Ulid) -> i64 {
    // 48 bits always fit.
    id.timestamp_ms() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_names_are_blocks() {
        let id = Ulid::from_string("01M7YQK3AB75H5TCNT8FTEGJD7").unwrap();
        assert_eq!(parse_dir("01M7YQK3AB75H5TCNT8FTEGJD7"), Some(id));
        assert_eq!(parse_dir("01M7YQK3AB75H5TCNT8FTEGJD7/"), Some(id));
        for other in [
            "",
            "debug",
            "01m7yqk3ab75h5tcnt8ftegjd7",
            "01M7YQK3AB75H5TCNT8FTEGJD",
            "not-a-block",
            "aaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(parse_dir(other), None, "{other}");
        }
        assert_eq!(chunk_segment(id, 0), "01M7YQK3AB75H5TCNT8FTEGJD7/chunks/000001");
    }
}
