//! Embeds `ui/dist`, the built pages, each file compressed once here so that no request pays for it.
//!
//! Without `ui/dist` the list of files is empty and the pages say how to get them: a build needs no Node.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        println!("cargo::rerun-if-changed={}", dist.display());
        list(&dist, &dist, &mut files)?;
        files.sort();
    }
    let mut table = String::from("&[\n");
    for (number, (path, file)) in files.iter().enumerate() {
        let content = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        entry(&mut table, &out, number, path, &content)?;
    }
    table.push_str("]\n");
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// Files below `folder` with their paths relative to `root`, `/` between the parts. Source maps are not for users.
fn list(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else if path.extension().is_none_or(|extension| extension != "map") {
            let parts: Vec<_> = path.strip_prefix(root)?.iter().map(|part| part.to_string_lossy()).collect();
            files.push((parts.join("/"), path));
        }
    }
    Ok(())
}

/// Adds one file to the table. The compressed forms are kept only when they are smaller; the plain form only when not.
fn entry(table: &mut String, out: &Path, number: usize, path: &str, content: &[u8]) -> Outcome<()> {
    let digest = Sha256::digest(content);
    let tag: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let gzip = gzip(content)?;
    // The index is filled in for every request and stays as it is.
    let body = if path != "index.html" && gzip.len() < content.len() {
        let brotli = brotli(content)?;
        format!(
            "Body::Compressed {{ brotli: {}, gzip: {} }}",
            include(out, &format!("{number}.br"), &brotli)?,
            include(out, &format!("{number}.gz"), &gzip)?
        )
    } else {
        format!("Body::Plain({})", include(out, &format!("{number}.raw"), content)?)
    };
    writeln!(table, "    Asset {{ path: {path:?}, tag: {tag:?}, body: {body} }},")?;
    Ok(())
}

fn include(out: &Path, name: &str, content: &[u8]) -> Outcome<String> {
    let path = out.join(name);
    fs::write(&path, content)?;
    Ok(format!("include_bytes!({:?})", path.to_str().ok_or("OUT_DIR is not UTF-8")?))
}

fn gzip(content: &[u8]) -> Outcome<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn brotli(content: &[u8]) -> Outcome<Vec<u8>> {
    let mut encoded = Vec::new();
    let mut input = content;
    // The best quality, and a window that spans the largest of our files.
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut input, &mut encoded, &params)?;
    Ok(encoded)
}
