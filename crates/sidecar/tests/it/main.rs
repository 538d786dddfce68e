//! The sidecar beside a real Prometheus, and beside servers that misbehave.

mod component;
mod fake;
mod prometheus;
mod store;
