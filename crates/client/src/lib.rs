//! HTTP client configuration, gRPC dialling, DNS and file discovery, the Prometheus client, the config reloader.

pub mod dns;
pub mod file_or_content;
pub mod file_sd;
pub mod grpc;
pub mod http_config;
pub mod prometheus;
pub mod reloader;
pub mod tls;
