//! For tests of this and other crates: a store in memory, and the acceptance suite that every StoreAPI has to pass.

mod acceptance;
mod block;
mod memory;

pub use acceptance::{Fixture, accept, fixture_series};
pub use block::{BLOCK, write_block};
pub use memory::MemoryStore;
