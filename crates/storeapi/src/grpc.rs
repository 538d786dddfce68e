//! The gRPC adapters: our traits served over gRPC, and remote endpoints as our traits.

mod batch;
mod client;
mod convert;
mod query;
pub mod server;

pub use batch::{Events, Frames};
pub use client::Remote;
pub use query::QueryAnswer;

/// Largest message, bytes: what Go's gRPC can carry. Thanos sets no lower limit, and neither do we.
pub const MAX_MESSAGE_SIZE: usize = i32::MAX as usize;
