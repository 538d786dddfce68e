//! Tests of the language as a whole.

// What a test skips, it says.
#![allow(clippy::print_stderr)]

mod fuzz;
mod parse;
mod random;
mod roundtrip;
mod scripts;
mod steps;
