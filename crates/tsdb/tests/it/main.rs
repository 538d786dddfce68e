//! Integration tests: golden data of the Go programs, hostile bytes, and whole blocks of our own making.

mod blocks;
mod downsample;
mod golden;
mod golden_header;
mod histogram_windows;
mod merge;
mod own;
mod promtool;
mod properties;
mod rewrite;
mod shared;
