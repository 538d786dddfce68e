//! Flags of `thanos store`.

use super::{Command, Flag, Kind, shared};

pub(crate) const COMMAND: Command = Command {
    name: "store",
    help: "The store gateway: serves the blocks of a bucket over the StoreAPI.",
    groups: &[
        shared::HTTP,
        shared::GRPC,
        shared::STORE_LIMITS,
        CACHES,
        shared::OBJSTORE,
        SYNC,
        shared::SELECTOR_RELABEL,
        INDEX_HEADER,
        WEB,
        shared::REQUEST_LOGGING,
    ],
};

const CACHES: &[Flag] = &[
    Flag::new(
        "data-dir",
        Kind::Text,
        &["./data"],
        "Directory for index-headers and metas. Losing it costs time, no data.",
    ),
    Flag::new(
        "cache-index-header",
        Kind::Bool,
        &["true"],
        "Keeps index-headers on disk, so that a restart need not fetch them.",
    ),
    Flag::new(
        "index-cache-size",
        Kind::Bytes,
        &["250MB"],
        "Size of the in-memory index cache, unless index-cache.config says otherwise.",
    ),
    Flag::new(
        "index-cache.config-file",
        Kind::YamlFile("index-cache.config"),
        &[],
        "YAML file with the settings of the index cache.",
    )
    .placeholder("<file-path>"),
    Flag::new(
        "index-cache.config",
        Kind::YamlInline("index-cache.config-file"),
        &[],
        "The content of index-cache.config-file in place of a file.",
    )
    .placeholder("<content>"),
    Flag::new(
        "store.caching-bucket.config-file",
        Kind::YamlFile("store.caching-bucket.config"),
        &[],
        "YAML file with the settings of the cache in front of the bucket.",
    )
    .unbuilt("a cache in front of the bucket is not built")
    .placeholder("<file-path>")
    .hidden(),
    Flag::new(
        "store.caching-bucket.config",
        Kind::YamlInline("store.caching-bucket.config-file"),
        &[],
        "The content of store.caching-bucket.config-file in place of a file.",
    )
    .unbuilt("a cache in front of the bucket is not built")
    .placeholder("<content>")
    .hidden(),
    Flag::new("chunk-pool-size", Kind::Bytes, &["2GB"], "Most memory for chunk bytes of all calls together."),
    Flag::new(
        "store.grpc.touched-series-limit",
        Kind::Uint,
        &["0"],
        "Older name of store.limits.request-series.",
    )
    .alias_of("store.limits.request-series"),
    Flag::new(
        "store.grpc.series-sample-limit",
        Kind::Uint,
        &["0"],
        "Older name of store.limits.request-samples.",
    )
    .alias_of("store.limits.request-samples"),
    Flag::new(
        "store.grpc.downloaded-bytes-limit",
        Kind::Bytes,
        &["0"],
        "Most bytes one Series call may fetch from the bucket; 0 is no limit.",
    ),
    Flag::new(
        "store.grpc.series-max-concurrency",
        Kind::Int,
        &["20"],
        "How many Series calls run at once; others wait.",
    ),
];

const SYNC: &[Flag] = &[
    Flag::new(
        "objstore-parquet.config-file",
        Kind::YamlFile("objstore-parquet.config"),
        &[],
        "YAML file of a bucket whose parquet files take the place of blocks.",
    )
    .unbuilt("parquet is not built")
    .placeholder("<file-path>"),
    Flag::new(
        "objstore-parquet.config",
        Kind::YamlInline("objstore-parquet.config-file"),
        &[],
        "The content of objstore-parquet.config-file in place of a file.",
    )
    .unbuilt("parquet is not built")
    .placeholder("<content>"),
    Flag::new(
        "sync-block-duration",
        Kind::GoDuration,
        &["15m"],
        "How often the bucket is looked through for new and gone blocks.",
    ),
    Flag::new(
        "block-discovery-strategy",
        Kind::Text,
        &["concurrent"],
        "How blocks are found: concurrent (list the root, ask for each meta.json) or recursive (list everything).",
    ),
    Flag::new("block-sync-concurrency", Kind::Int, &["20"], "How many blocks are loaded at once."),
    Flag::new("block-meta-fetch-concurrency", Kind::Int, &["32"], "How many metas are fetched at once."),
    Flag::new(
        "debug.series-batch-size",
        Kind::Int,
        &["10000"],
        "How many series are read from a block's index at a time.",
    )
    .hidden(),
    Flag::new(
        "debug.estimated-max-series-size",
        Kind::Uint,
        &["65536"],
        "Bytes fetched for one series at first.",
    )
    .hidden(),
    Flag::new(
        "debug.estimated-max-chunk-size",
        Kind::Uint,
        &["16000"],
        "Bytes fetched for one chunk at first.",
    )
    .hidden(),
    Flag::new(
        "min-time",
        Kind::TimeOrDuration,
        &["0000-01-01T00:00:00Z"],
        "Oldest time served: a time stamp, or a duration relative to now such as -6w.",
    ),
    Flag::new(
        "max-time",
        Kind::TimeOrDuration,
        &["9999-12-31T23:59:59Z"],
        "Newest time served, in the same form.",
    ),
];

const INDEX_HEADER: &[Flag] = &[
    Flag::new(
        "store.index-header-posting-offsets-in-mem-sampling",
        Kind::Int,
        &["32"],
        "Every how many-th postings offset is kept in memory.",
    )
    .hidden(),
    Flag::new(
        "consistency-delay",
        Kind::PromDuration,
        &["0s"],
        "Age below which a block is not served, for buckets that show files before they are whole.",
    ),
    Flag::new(
        "ignore-deletion-marks-delay",
        Kind::PromDuration,
        &["24h"],
        "How long a block marked for deletion is still served.",
    ),
    Flag::new(
        "store.enable-index-header-lazy-reader",
        Kind::Bool,
        &["false"],
        "Maps an index-header when a query needs it, and lets go of it when idle.",
    ),
    Flag::new(
        "store.index-header-lazy-reader-idle-timeout",
        Kind::GoDuration,
        &["5m"],
        "Idle time after which a lazily mapped index-header is let go.",
    )
    .hidden(),
    Flag::new(
        "store.enable-lazy-expanded-postings",
        Kind::Bool,
        &["false"],
        "Leaves out large postings where filtering the series costs less.",
    )
    .unbuilt("lazy postings are not built"),
    Flag::new(
        "store.posting-group-max-key-series-ratio",
        Kind::Float,
        &["100"],
        "With lazy postings: a group with more keys than this times the expected series is left out.",
    )
    .unbuilt("lazy postings are not built"),
    Flag::new(
        "store.index-header-lazy-download-strategy",
        Kind::Enum(&["eager", "lazy"]),
        &["eager"],
        "Fetches index-headers when a block is found (eager) or first queried (lazy).",
    ),
];

const WEB: &[Flag] = &[
    Flag::new("web.disable", Kind::Bool, &["false"], "Serves neither pages nor the blocks API."),
    Flag::new(
        "web.external-prefix",
        Kind::Text,
        &[],
        "Path prefix under which a reverse proxy shows the pages.",
    ),
    Flag::new("web.prefix-header", Kind::Text, &[], "Header in which a reverse proxy tells that prefix."),
    Flag::new("web.disable-cors", Kind::Bool, &["false"], "Sends no CORS headers."),
    Flag::new("bucket-web-label", Kind::Text, &[], "External label that groups the blocks on the page."),
    Flag::new("matcher-cache-size", Kind::Int, &["0"], "How many compiled matchers are kept; 0 is none.")
        .unbuilt("a cache of matchers is not built"),
    Flag::new("disable-admin-operations", Kind::Bool, &["false"], "Refuses marks on blocks over HTTP."),
];
