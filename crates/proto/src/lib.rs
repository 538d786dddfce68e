//! Generated StoreAPI, Info, Rules, Targets, Metadata, Exemplars, Status, Query and remote-read messages, and conversions.
//!
//! The generated code comes from `proto/` by `cargo xtask codegen`. [`series`] is written by hand: it is the one hot message.

mod generated;
mod labels;
mod matchers;
pub mod series;

pub use generated::{FILE_DESCRIPTOR_SET, hintspb, prometheus_copy, thanos, write_v2};
pub use labels::{label_set, label_set_labels, labels_from_proto, labels_to_proto};
pub use matchers::{InvalidMatcher, matchers_from_proto, matchers_to_proto};
