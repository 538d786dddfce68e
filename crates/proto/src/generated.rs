//! The module tree of the generated code, by protobuf package.

#![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]

/// File descriptors of all services and messages, for gRPC reflection (a serialised `google.protobuf.FileDescriptorSet`).
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptors.bin");

/// Package `thanos`: StoreAPI, Rules, Targets, Metadata, Exemplars, Status, Query.
pub mod thanos {
    include!("gen/thanos.rs");

    /// Package `thanos.info`.
    pub mod info {
        include!("gen/thanos.info.rs");
    }
}

/// Package `hintspb`: contents of StoreAPI's hints.
pub mod hintspb {
    include!("gen/hintspb.rs");
}

/// Package `prometheus_copy`: Prometheus remote write 1.0 and remote read. Byte for byte those of package `prometheus`.
pub mod prometheus_copy {
    include!("gen/prometheus_copy.rs");
}

/// Package `io.prometheus.write.v2`: Prometheus remote write 2.0.
pub mod write_v2 {
    include!("gen/thanos.io.prometheus.write.v2.rs");
}
