//! Golden data beside the checkout: a folder `shared`, named by `THANOS_SHARED` or found in a parent folder.

use std::io::Read;
use std::path::{Path, PathBuf};

/// The golden folder, or `None` with a line on standard output.
pub(crate) fn golden() -> Option<PathBuf> {
    let shared = std::env::var_os("THANOS_SHARED").map(PathBuf::from).or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|dir| dir.join("shared"))
            .find(|dir| dir.is_dir())
    });
    match shared.map(|dir| dir.join("golden")).filter(|dir| dir.is_dir()) {
        Some(dir) => Some(dir),
        None => {
            #[allow(clippy::print_stdout)]
            {
                println!("skipped: no folder shared/golden beside the checkout");
            }
            None
        }
    }
}

/// Unpacks a `tar.zst` of regular files.
pub(crate) fn unpack(archive: &Path, into: &Path) {
    let file = std::fs::File::open(archive).unwrap();
    let mut tar = Vec::new();
    zstd::Decoder::new(file).unwrap().read_to_end(&mut tar).unwrap();
    let mut rest = &tar[..];
    while let Some((header, body)) = rest.split_first_chunk::<512>() {
        if header.iter().all(|b| *b == 0) {
            break;
        }
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            std::str::from_utf8(&field[..end]).unwrap().trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        let name = match text(345..500) {
            prefix if prefix.is_empty() || !header[257..].starts_with(b"ustar\0") => text(0..100),
            prefix => format!("{prefix}/{}", text(0..100)),
        };
        match header[156] {
            b'0' | 0 => {
                let path = into.join(&name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, &body[..size]).unwrap();
            }
            b'5' => std::fs::create_dir_all(into.join(&name)).unwrap(),
            b'x' | b'g' => {}
            other => panic!("{name}: tar entry of type {other}"),
        }
        rest = &body[size.next_multiple_of(512)..];
    }
}

/// Unpacks a golden archive into a fresh folder.
pub(crate) fn unpacked(archive: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    unpack(archive, dir.path());
    dir
}

/// The lines of a gzipped JSON-lines file.
pub(crate) fn json_lines(path: &Path) -> Vec<serde_json::Value> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The folders of blocks below a folder.
pub(crate) fn block_dirs(dir: &Path) -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.join("index").is_file() {
            dirs.push(path);
        } else if path.is_dir() {
            dirs.extend(block_dirs(&path));
        }
    }
    dirs.sort();
    dirs
}
