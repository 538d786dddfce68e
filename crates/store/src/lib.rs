//! The store gateway: serves the blocks of a bucket over StoreAPI, fetching of each object only the ranges that a request needs.
//!
//! A request enters at [`BucketStore`] ([`gateway`](BucketStore)): blocks are chosen by labels, time and resolution, then each block runs a
//! pipeline of its own — postings, series entries, chunks — whose sorted outputs are merged. [`Component`] is the running gateway.

mod block;
mod block_set;
pub mod cache;
mod component;
mod config;
mod error;
mod gate;
mod gateway;
mod header;
mod labels;
mod metrics;
mod ranges;
mod select;
mod series;
mod stats;

pub use component::{Component, Parts};
pub use config::{Config, HeaderConfig, Limits, StoreConfig};
pub use error::Error;
pub use gateway::BucketStore;
