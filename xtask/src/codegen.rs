//! Code generation: `crates/proto/proto/**.proto` to `crates/proto/src/gen/`.
//!
//! Compiled with protox, so no `protoc` is needed. The output is committed; a build never runs this.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use prost::Message as _;
use prost_types::FileDescriptorSet;

/// File descriptors of all our `.proto` files, for gRPC reflection.
const DESCRIPTORS: &str = "descriptors.bin";

/// Messages that the `proto` crate writes by hand, because they are the hot path and decode straight into `model` types.
const HAND_WRITTEN: &[(&str, &str)] = &[(".thanos.SeriesResponse", "crate::series::SeriesResponse")];

/// Writes the generated files, removing those no longer generated.
pub(crate) fn write(root: &Path) -> Result<()> {
    let out = out_dir(root);
    let generated = generate(root)?;
    fs::create_dir_all(&out).with_context(|| format!("create {}", out.display()))?;
    for name in committed(&out)?.into_keys() {
        if !generated.contains_key(&name) {
            fs::remove_file(out.join(&name)).with_context(|| format!("remove stale {name}"))?;
        }
    }
    for (name, content) in generated {
        let path = out.join(name);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Fails when the committed files differ from what the `.proto` files give.
pub(crate) fn check(root: &Path) -> Result<()> {
    let generated = generate(root)?;
    let committed = committed(&out_dir(root))?;
    let stale: Vec<&str> = generated
        .keys()
        .chain(committed.keys())
        .filter(|name| generated.get(*name) != committed.get(*name))
        .map(String::as_str)
        .collect();
    if !stale.is_empty() {
        bail!("generated code is stale, run `cargo xtask codegen`: {}", stale.join(", "));
    }
    Ok(())
}

fn out_dir(root: &Path) -> PathBuf {
    root.join("crates/proto/src/gen")
}

fn committed(out: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !out.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(out).with_context(|| format!("list {}", out.display()))? {
        let entry = entry?;
        let content = fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), content);
    }
    Ok(files)
}

/// File name to content of everything generated.
fn generate(root: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let protos = root.join("crates/proto/proto");
    let files = proto_files(&protos)?;
    let descriptors = protox::compile(&files, [&protos]).context("compile .proto files")?;

    let scratch = root.join("target/xtask-codegen");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("empty {}", scratch.display()))?;
    }
    fs::create_dir_all(&scratch).with_context(|| format!("create {}", scratch.display()))?;
    let mut builder = tonic_prost_build::configure()
        .out_dir(&scratch)
        .build_transport(false)
        .codec_path("crate::codec::Codec")
        .emit_rerun_if_changed(false)
        .bytes(".")
        .btree_map(".");
    for (message, path) in HAND_WRITTEN {
        builder = builder.extern_path(*message, *path);
    }
    builder.compile_fds(descriptors.clone()).context("generate code")?;

    let mut generated = committed(&scratch)?;
    generated.remove("google.protobuf.rs");
    generated.insert(DESCRIPTORS.to_owned(), encode_descriptors(descriptors));
    Ok(generated)
}

/// The set without comments and positions, which reflection does not need.
fn encode_descriptors(mut set: FileDescriptorSet) -> Vec<u8> {
    for file in &mut set.file {
        file.source_code_info = None;
    }
    set.encode_to_vec()
}

/// All `.proto` files below `dir`, relative to it, sorted.
fn proto_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|ext| ext == "proto") {
                found.push(path.strip_prefix(dir)?.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_code_is_current() {
        super::check(&crate::workspace_root()).unwrap();
    }
}
