//! The real `thanos` with a real Prometheus on loopback.

mod differential;
mod failures;
mod limits;
mod old_command_lines;
mod queries;
mod s3;
mod sidecar_upload;
