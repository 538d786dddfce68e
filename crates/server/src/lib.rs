//! HTTP and gRPC listeners, TLS, probes, ordered run and shutdown, logging, metrics registry.

pub mod grpc;
pub mod http;
pub mod listener;
pub mod log;
pub mod metrics;
mod panic;
pub mod probe;
pub mod request_log;
pub mod run;
pub mod tls;
pub mod web_config;

pub use probe::Probes;
