//! The compactor's queues over a bucket in memory.

mod fake;
mod simulation;
