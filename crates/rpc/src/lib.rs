//! What both ends of a gRPC call share: message framing, snappy compression, call metrics, the request id.

pub mod frame;
pub mod methods;
pub mod metrics;
pub mod observe;
pub mod request_id;
pub mod snappy;
