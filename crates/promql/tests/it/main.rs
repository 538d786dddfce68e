//! Tests of the language as a whole.

// What a test skips, it says.
#![allow(clippy::print_stderr)]

mod distributed;
mod evaluate;
mod fuzz;
mod parse;
mod queries;
mod random;
mod rng;
mod roundtrip;
mod scripts;
mod steps;
