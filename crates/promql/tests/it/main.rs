//! Tests of the language as a whole.

mod fuzz;
mod parse;
mod random;
mod roundtrip;
