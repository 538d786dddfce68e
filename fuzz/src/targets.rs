//! The targets, by name.

mod block;
mod text;
mod wire;

/// A fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Inputs that are well-formed, from which mutations start.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub fn all() -> impl Iterator<Item = &'static Target> {
    block::TARGETS.iter().chain(&text::TARGETS).chain(&wire::TARGETS)
}

/// The target of that name.
pub fn by_name(name: &str) -> Option<&'static Target> {
    all().find(|t| t.name == name)
}
