//! The golden data beside the checkout: `THANOS_SHARED`, or a folder `shared` next to one of the parents of the crate.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The folder of golden data, or `None` with a line that says so.
pub(crate) fn dir() -> Option<PathBuf> {
    let found = match std::env::var_os("THANOS_SHARED") {
        Some(dir) => Some(PathBuf::from(dir)),
        None => {
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|p| p.join("shared")).find(|p| p.is_dir())
        }
    };
    let golden = found.map(|dir| dir.join("golden")).filter(|dir| dir.is_dir());
    if golden.is_none() {
        eprintln!("skipped: no folder of golden data");
    }
    golden
}

/// Unpacks a `tar.zst` of blocks; the folder goes with the value.
pub(crate) fn unpack(archive: &Path) -> TempDir {
    let out = tempfile::tempdir().unwrap();
    let tar = zstd::decode_all(std::fs::File::open(archive).unwrap()).unwrap();
    let mut rest = tar.as_slice();
    let mut long_name = None;
    while rest.len() >= 512 && rest[..512].iter().any(|b| *b != 0) {
        let header = &rest[..512];
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            std::str::from_utf8(&field[..end]).unwrap().trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        let data = &rest[512..512 + size];
        let name = long_name.take().unwrap_or_else(|| format!("{}/{}", text(345..500), text(0..100)));
        let path = out.path().join(name.trim_start_matches('/'));
        match header[156] {
            b'5' => std::fs::create_dir_all(path).unwrap(),
            b'0' | 0 => {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, data).unwrap();
            }
            // Long names and extended headers.
            b'L' => {
                long_name = Some(String::from_utf8(data.to_vec()).unwrap().trim_end_matches('\0').to_owned())
            }
            _ => {}
        }
        rest = &rest[512 + size.next_multiple_of(512)..];
    }
    out
}

/// The block folders in `dir`, by name.
pub(crate) fn blocks(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walk(dir).into_iter().filter(|p| p.join("meta.json").is_file()).collect();
    found.sort();
    found
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut out = vec![dir.to_owned()];
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(walk(&path));
        }
    }
    out
}
