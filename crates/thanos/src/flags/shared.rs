//! Flags that several commands have.

use super::{Flag, Kind};

pub(crate) const TLS_VERSIONS: &[&str] = &["1.0", "1.1", "1.2", "1.3"];

pub(crate) const HTTP: &[Flag] = &[
    Flag::new("http-address", Kind::Text, &["0.0.0.0:10902"], "host:port on which HTTP is served."),
    Flag::new(
        "http-grace-period",
        Kind::PromDuration,
        &["2m"],
        "Time for HTTP requests in flight after a signal to end; 0 cuts them off.",
    ),
    Flag::new(
        "http.config",
        Kind::Text,
        &[],
        "Web configuration file in the form of Prometheus's exporter toolkit: TLS, users, headers. It is read again when it changes.",
    ),
];

pub(crate) const GRPC: &[Flag] = &[
    Flag::new("grpc-address", Kind::Text, &["0.0.0.0:10901"], "host:port on which the StoreAPI and the other gRPC APIs are served. Other components must be able to reach it."),
    Flag::new("grpc-server-tls-cert", Kind::Text, &[], "PEM file with the certificate of the gRPC server; without it there is no TLS."),
    Flag::new("grpc-server-tls-key", Kind::Text, &[], "PEM file with the key of the gRPC server; without it there is no TLS."),
    Flag::new("grpc-server-tls-client-ca", Kind::Text, &[], "PEM file with the CAs of gRPC clients. When given, clients must have a certificate."),
    Flag::new("grpc-server-tls-min-version", Kind::Enum(TLS_VERSIONS), &["1.3"], "Lowest TLS version of the gRPC server. This build offers 1.2 and 1.3; 1.0 and 1.1 are refused."),
    Flag::new("grpc-server-tls-ciphers", Kind::Text, &[], "A TLS 1.2 cipher suite for the gRPC server, under Go's name; repeatable. Without it all safe ones are on. Those of TLS 1.3 always are.").repeated(),
    Flag::new("grpc-server-tls-curves", Kind::Text, &[], "A TLS curve for the gRPC server: CurveP256, CurveP384 or X25519; repeatable. Without it all are on.").repeated(),
    Flag::new("grpc-server-max-connection-age", Kind::GoDuration, &["60m"], "Age at which the gRPC server ends a connection, so that clients connect anew."),
    Flag::new("grpc-grace-period", Kind::GoDuration, &["2m"], "Time for gRPC calls in flight after a signal to end; 0 cuts them off."),
];

pub(crate) const STORE_LIMITS: &[Flag] = &[
    Flag::new(
        "store.limits.request-series",
        Kind::Uint,
        &["0"],
        "Most series of one Series call; a call with more fails. 0 is no limit.",
    ),
    Flag::new(
        "store.limits.request-samples",
        Kind::Uint,
        &["0"],
        "Most samples of one Series call; a call with more fails. Chunks are counted, each as 120 samples. 0 is no limit.",
    ),
];

pub(crate) const OBJSTORE: &[Flag] = &[
    Flag::new(
        "objstore.config-file",
        Kind::YamlFile("objstore.config"),
        &[],
        "YAML file with type and settings of the bucket. $(VAR) is replaced by environment variables.",
    )
    .placeholder("<file-path>"),
    Flag::new(
        "objstore.config",
        Kind::YamlInline("objstore.config-file"),
        &[],
        "The content of objstore.config-file in place of a file.",
    )
    .placeholder("<content>"),
];

pub(crate) const REQUEST_LOGGING: &[Flag] = &[
    Flag::new(
        "request.logging-config-file",
        Kind::YamlFile("request.logging-config"),
        &[],
        "YAML file that says which requests are logged.",
    )
    .placeholder("<file-path>"),
    Flag::new(
        "request.logging-config",
        Kind::YamlInline("request.logging-config-file"),
        &[],
        "The content of request.logging-config-file in place of a file.",
    )
    .placeholder("<content>"),
];

pub(crate) const SELECTOR_RELABEL: &[Flag] = &[
    Flag::new(
        "selector.relabel-config-file",
        Kind::YamlFile("selector.relabel-config"),
        &[],
        "YAML file with relabelling rules that choose by external labels what this instance serves.",
    )
    .placeholder("<file-path>"),
    Flag::new(
        "selector.relabel-config",
        Kind::YamlInline("selector.relabel-config-file"),
        &[],
        "The content of selector.relabel-config-file in place of a file.",
    )
    .placeholder("<content>"),
];
