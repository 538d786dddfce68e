//! StoreAPI over a Prometheus: remote read, rules, targets, metadata, exemplars, status, start-up checks, heartbeat, shipping.

mod peer;
mod sister;
mod store;

pub use peer::{MinTime, Peer};
pub use sister::Sister;
pub use store::PrometheusStore;
