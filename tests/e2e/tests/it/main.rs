//! The real `thanos` with a real Prometheus on loopback.

mod compact;
mod compacted;
mod differential;
mod distributed;
mod failures;
mod fanout;
mod limits;
mod old_command_lines;
mod pages;
mod queries;
mod random;
mod s3;
mod sidecar_upload;
