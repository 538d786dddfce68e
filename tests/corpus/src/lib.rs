//! What tests ask and of which data, shared by the tests of the engine and those of whole programs.
//!
//! [`Generator`] makes random queries by type over all of the language, about the words of a [`Vocabulary`]; [`corners`] is a
//! list by hand; [`data`] has the series that both are asked of, and [`write_block`] puts series into a block.

mod block;
mod corners;
pub mod data;
mod generator;
mod random;
mod words;

pub use block::write_block;
pub use corners::{corners, queries_of};
pub use generator::Generator;
pub use random::Random;
pub use words::{HARBOUR, LOADED, Vocabulary};
