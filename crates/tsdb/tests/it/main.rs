//! Golden blocks, written by the Go programs, read and written again.

mod golden;
mod rewrite;
