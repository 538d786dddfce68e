//! HTTP client configuration, gRPC dialling, DNS and file discovery, the Prometheus client, the config reloader.

pub mod dns;
pub mod grpc;
pub mod prometheus;
pub mod reloader;
pub mod tls;
