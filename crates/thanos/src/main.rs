//! The `thanos` binary: flags, wiring and tools; composition only.
fn main() {}
