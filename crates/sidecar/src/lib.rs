//! StoreAPI over a Prometheus: remote read, rules, targets, metadata, exemplars, status, start-up checks, heartbeat, shipping.

mod checks;
mod component;
mod config;
mod heartbeat;
mod info;
mod peer;
mod sister;
mod store;

pub use component::{BuildError, Parts, Sidecar};
pub use config::{Config, ReloadMethod, ShipperConfig};
pub use heartbeat::NoExternalLabels;
pub use peer::{MinTime, Peer};
pub use sister::Sister;
pub use store::PrometheusStore;
