//! Tests of the language as a whole.

// What a test skips, it says.
#![allow(clippy::print_stderr)]

mod distributed;
mod evaluate;
mod fuzz;
mod outcome;
mod parse;
mod random;
mod roundtrip;
mod rules;
mod scripts;
mod splits;
mod steps;
