//! Fuzz targets: each takes bytes as an enemy would send them and must come back, with an error or without, in bounded memory.
//!
//! A target is one function over bytes. `make fuzz TARGET=name` runs it under libFuzzer on the stable toolchain; the tests
//! run every target over mutations of its seeds, with a fixed seed.

mod allocation;
pub mod mutate;
pub mod targets;

pub use allocation::LimitedAllocator;
