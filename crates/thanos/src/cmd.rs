//! The commands: settings from flags, parts, run group.

pub(crate) mod setup;
mod sidecar;

use crate::cli::Setup;

/// Builds the command `name` and adds its actors to the group.
pub(crate) async fn setup(name: &str, setup: Setup<'_>) -> anyhow::Result<()> {
    match name {
        "sidecar" => sidecar::add(setup),
        _ => anyhow::bail!("the command {name} is not wired"),
    }
}
