//! The commands: settings from flags, parts, run group.

pub(crate) mod setup;

use crate::cli::Setup;

/// Builds the command `name` and adds its actors to the group.
pub(crate) async fn setup(name: &str, _setup: Setup<'_>) -> anyhow::Result<()> {
    anyhow::bail!("the command {name} is not wired")
}
