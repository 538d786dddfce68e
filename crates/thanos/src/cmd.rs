//! The commands: settings from flags, parts, run group.

mod compact;
mod query;
pub(crate) mod setup;
mod sidecar;
mod status;
mod store;
mod web;

use crate::cli::Setup;

/// Builds the command `name` and adds its actors to the group.
pub(crate) fn setup(name: &str, setup: Setup<'_>) -> anyhow::Result<()> {
    match name {
        "sidecar" => sidecar::add(setup),
        "store" => store::add(setup),
        "query" => query::add(setup),
        "compact" => compact::add(setup),
        _ => anyhow::bail!("the command {name} is not wired"),
    }
}
