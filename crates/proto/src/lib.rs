//! Generated StoreAPI, Info, Rules, Targets, Metadata, Exemplars, Status, Query and remote-read messages, and conversions.
//!
//! The generated code comes from `proto/` by `cargo xtask codegen`. [`series`] and
//! [`decode_chunked_read`] are written by hand: they are the hot messages.

mod chunked_read;
mod codec;
mod generated;
mod labels;
mod matchers;
pub mod series;

pub use chunked_read::decode_chunked_read;
pub use generated::{FILE_DESCRIPTOR_SET, hintspb, prometheus_copy, thanos, write_v2};
pub use labels::{label_set, label_set_labels, labels_from_proto, labels_to_proto};
pub use matchers::{InvalidMatcher, matchers_from_proto, matchers_to_proto};
