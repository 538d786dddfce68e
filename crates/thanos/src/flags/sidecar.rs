//! Flags of `thanos sidecar`.

use super::{Command, Flag, Kind, shared};

pub(crate) const COMMAND: Command = Command {
    name: "sidecar",
    help: "Runs beside a Prometheus server: serves its data over the StoreAPI and uploads its blocks.",
    groups: &[
        shared::HTTP,
        shared::GRPC,
        PROMETHEUS,
        shared::REQUEST_LOGGING,
        shared::OBJSTORE,
        SHIPPER,
        shared::STORE_LIMITS,
        TIME,
    ],
};

const PROMETHEUS: &[Flag] = &[
    Flag::new(
        "prometheus.url",
        Kind::Url,
        &["http://localhost:9090"],
        "Address of the Prometheus beside this sidecar.",
    ),
    Flag::new(
        "prometheus.ready_timeout",
        Kind::GoDuration,
        &["10m"],
        "Longest wait for Prometheus to come up before uploads give up.",
    ),
    Flag::new(
        "prometheus.get_config_interval",
        Kind::GoDuration,
        &["30s"],
        "How often Prometheus's configuration is read.",
    ),
    Flag::new(
        "prometheus.get_config_timeout",
        Kind::GoDuration,
        &["30s"],
        "Longest time one such read may take.",
    ),
    Flag::new(
        "prometheus.http-client-file",
        Kind::YamlFile("prometheus.http-client"),
        &[],
        "YAML file with credentials, TLS and transport for requests to Prometheus.",
    )
    .placeholder("<file-path>"),
    Flag::new(
        "prometheus.http-client",
        Kind::YamlInline("prometheus.http-client-file"),
        &[],
        "The content of prometheus.http-client-file in place of a file.",
    )
    .placeholder("<content>"),
    Flag::new("tsdb.path", Kind::Text, &["./data"], "Prometheus's data directory."),
    Flag::new(
        "reloader.config-file",
        Kind::Text,
        &[],
        "Configuration file that is watched; Prometheus is told to reload when it changes.",
    ),
    Flag::new(
        "reloader.config-envsubst-file",
        Kind::Text,
        &[],
        "Where the configuration file is written with environment variables filled in.",
    ),
    Flag::new("reloader.rule-dir", Kind::Text, &[], "A directory with rules that is watched; repeatable.")
        .repeated(),
    Flag::new(
        "reloader.watch-interval",
        Kind::GoDuration,
        &["3m"],
        "How often configuration and rules are read whether or not a change was noticed.",
    ),
    Flag::new(
        "reloader.retry-interval",
        Kind::GoDuration,
        &["5s"],
        "Pause before a failed reload is tried again.",
    ),
    Flag::new(
        "reloader.method",
        Kind::Enum(&["http", "signal"]),
        &["http"],
        "How Prometheus is told to reload: http (POST /-/reload) or signal (SIGHUP).",
    ),
    Flag::new(
        "reloader.process-name",
        Kind::Text,
        &["prometheus"],
        "Name of the executable that gets the signal.",
    ),
];

const SHIPPER: &[Flag] = &[
    Flag::new(
        "shipper.upload-compacted",
        Kind::Bool,
        &["false"],
        "Uploads blocks that Prometheus has compacted as well. Compaction must be off in Prometheus; meant for moving old data once.",
    ),
    Flag::new(
        "shipper.ignore-unequal-block-size",
        Kind::Bool,
        &["false"],
        "Only warns when Prometheus's lowest and highest block duration differ.",
    )
    .hidden(),
    Flag::new(
        "shipper.allow-out-of-order-uploads",
        Kind::Bool,
        &["false"],
        "Goes on with newer blocks when one fails to upload.",
    )
    .hidden(),
    Flag::new(
        "shipper.skip-corrupted-blocks",
        Kind::Bool,
        &["false"],
        "Passes over blocks that cannot be read.",
    )
    .hidden(),
    Flag::new(
        "hash-func",
        Kind::Enum(&["SHA256", ""]),
        &[],
        "Hash that is written into meta.json for each uploaded file: SHA256, or none.",
    ),
    Flag::new(
        "shipper.meta-file-name",
        Kind::Text,
        &["thanos.shipper.json"],
        "File in which the shipper keeps which blocks are uploaded.",
    ),
    Flag::new(
        "shipper.upload-concurrency",
        Kind::Int,
        &["0"],
        "How many files of a block are uploaded at once; 0 is one after the other.",
    ),
];

const TIME: &[Flag] = &[Flag::new(
    "min-time",
    Kind::TimeOrDuration,
    &["0000-01-01T00:00:00Z"],
    "Oldest time served: a time stamp, or a duration relative to now such as -1d.",
)];
