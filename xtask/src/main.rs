//! Tasks of the project, run as `cargo xtask <task>`.
//!
//! - `codegen` writes the Rust code of the `.proto` files; `codegen --check` fails when what is committed is stale.
//! - `layers` checks the dependency rules of `ARCHITECTURE.md` over `cargo metadata`.

mod codegen;
mod layers;

use std::path::PathBuf;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["codegen"] => codegen::write(&workspace_root()),
        ["codegen", "--check"] => codegen::check(&workspace_root()),
        ["layers"] => layers::run(&workspace_root()),
        _ => bail!("usage: cargo xtask codegen [--check] | layers"),
    }
}

/// Folder of the workspace's `Cargo.toml`: the parent of this crate's folder.
fn workspace_root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
