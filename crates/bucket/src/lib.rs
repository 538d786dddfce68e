//! Blocks in object storage: which there are and which of them count, their marks, and their way up, down and out.
//!
//! [`fetcher::MetaFetcher`] lists a bucket and reads every block's meta.json through two caches; [`filters`] then take out the blocks
//! that a component shall not see. [`marks`] reads and writes the marks beside a block. [`upload`], [`download`] and [`delete`] move
//! whole blocks in the orders that let no reader meet half of one; [`shipper`] uploads what a Prometheus writes; [`views`] hold what
//! people are shown of a bucket.

pub mod block;
pub mod delete;
pub mod download;
pub mod fetcher;
pub mod filters;
pub mod marks;
pub mod shipper;
pub mod upload;
pub mod views;

mod error;

pub use error::{Error, Result};
