//! Flags of `thanos compact`.

use super::{Command, Flag, Kind, shared};

pub(crate) const COMMAND: Command = Command {
    name: "compact",
    help: "The compactor: merges, downsamples and deletes the blocks of a bucket. One instance for each part of a bucket.",
    groups: &[
        DEBUG,
        shared::HTTP,
        STORAGE,
        shared::OBJSTORE,
        RETENTION,
        LOOP,
        COMPACTION,
        DEDUPLICATION,
        TIME,
        WEB,
        shared::SELECTOR_RELABEL,
        OURS,
    ],
};

const DEBUG: &[Flag] = &[
    Flag::new("debug.halt-on-error", Kind::Bool, &["true"], "With --compact.halt-on-error: on an error that needs somebody, stays up without working instead of ending.").hidden(),
    Flag::new("debug.accept-malformed-index", Kind::Bool, &["false"], "Lets blocks pass whose labels are out of order.").hidden(),
    Flag::new("debug.max-compaction-level", Kind::Int, &["4"], "Highest compaction level: 1 is 2h, 2 is 8h, 3 is 2d, 4 is 14d.").hidden(),
];

const STORAGE: &[Flag] = &[Flag::new(
    "data-dir",
    Kind::Text,
    &["./data"],
    "Directory for metas and for the blocks being worked on. Losing it costs time, no data.",
)];

const RETENTION: &[Flag] = &[
    Flag::new(
        "consistency-delay",
        Kind::GoDuration,
        &["30m"],
        "Age below which a block is left alone, for buckets that show files before they are whole.",
    ),
    Flag::new(
        "retention.resolution-raw",
        Kind::PromDuration,
        &["0d"],
        "How long raw samples are kept; 0d keeps them for ever.",
    ),
    Flag::new(
        "retention.resolution-5m",
        Kind::PromDuration,
        &["0d"],
        "How long samples of 5 minutes are kept; 0d keeps them for ever.",
    ),
    Flag::new(
        "retention.resolution-1h",
        Kind::PromDuration,
        &["0d"],
        "How long samples of 1 hour are kept; 0d keeps them for ever.",
    ),
];

const LOOP: &[Flag] = &[
    Flag::new("wait", Kind::Bool, &["false"], "Goes on for ever instead of ending when everything is done.")
        .short('w'),
    Flag::new("wait-interval", Kind::GoDuration, &["5m"], "Between two passes, with --wait."),
    Flag::new(
        "downsampling.disable",
        Kind::Bool,
        &["false"],
        "Does not downsample. Long ranges are slow to query without.",
    ),
    Flag::new(
        "block-discovery-strategy",
        Kind::Text,
        &["concurrent"],
        "How blocks are found: concurrent (list the root, ask for each meta.json) or recursive (list everything).",
    ),
    Flag::new("block-meta-fetch-concurrency", Kind::Int, &["32"], "How many metas are fetched at once."),
    Flag::new("block-files-concurrency", Kind::Int, &["1"], "How many files of a block are fetched at once."),
    Flag::new(
        "block-viewer.global.sync-block-interval",
        Kind::GoDuration,
        &["1m"],
        "How often the blocks page looks at the bucket.",
    ),
    Flag::new(
        "block-viewer.global.sync-block-timeout",
        Kind::GoDuration,
        &["5m"],
        "How long one such look may take.",
    ),
];

const COMPACTION: &[Flag] = &[
    Flag::new(
        "compact.cleanup-interval",
        Kind::GoDuration,
        &["5m"],
        "How often marked blocks and aborted uploads are deleted, with --wait; 0 only after passes.",
    ),
    Flag::new(
        "compact.progress-interval",
        Kind::GoDuration,
        &["5m"],
        "How often the gauges of work to do are set, with --wait; 0 never.",
    ),
    Flag::new("compact.concurrency", Kind::Int, &["1"], "How many groups are compacted at once."),
    Flag::new(
        "compact.blocks-fetch-concurrency",
        Kind::Int,
        &["1"],
        "How many blocks of a compaction are fetched at once.",
    ),
    Flag::new("downsample.concurrency", Kind::Int, &["1"], "How many blocks are downsampled at once."),
    Flag::new(
        "delete-delay",
        Kind::PromDuration,
        &["48h"],
        "From the mark on a block to its deletion; 0 deletes at the next cleaning. Store gateways need the time to learn of the block in its place.",
    ),
    Flag::new(
        "compact.enable-vertical-compaction",
        Kind::Bool,
        &["false"],
        "Merges blocks that overlap, which cannot be undone.",
    )
    .hidden(),
];

const DEDUPLICATION: &[Flag] = &[
    Flag::new("deduplication.func", Kind::Enum(&["penalty", ""]), &[], "How samples of replicas are merged: penalty, for replicas that scrape the same; empty, for copies of the same samples."),
    Flag::new("deduplication.replica-label", Kind::Text, &[], "An external label that tells replicas apart; repeatable. Their blocks are merged for good.").repeated(),
    Flag::new("compact.block-max-index-size", Kind::Bytes, &["64GB"], "Largest index of a block; groups that would exceed it leave their largest block out.").hidden(),
    Flag::new("compact.skip-block-with-out-of-order-chunks", Kind::Bool, &["false"], "Leaves a block with chunks out of order out of compaction, with a mark, instead of setting its group aside.").hidden(),
    Flag::new("hash-func", Kind::Enum(&["SHA256", ""]), &[], "Hash function for files in meta.json; empty for none."),
];

const TIME: &[Flag] = &[
    Flag::new(
        "min-time",
        Kind::TimeOrDuration,
        &["0000-01-01T00:00:00Z"],
        "Oldest time worked on: a time stamp, or a duration relative to now such as -6w.",
    ),
    Flag::new(
        "max-time",
        Kind::TimeOrDuration,
        &["9999-12-31T23:59:59Z"],
        "Newest time worked on, in the same form.",
    ),
];

const WEB: &[Flag] = &[
    Flag::new("web.disable", Kind::Bool, &["false"], "Serves no pages."),
    Flag::new(
        "web.route-prefix",
        Kind::Text,
        &[],
        "Path prefix under which pages and API are served, too; Thanos takes the flag and serves at / only.",
    ),
    Flag::new(
        "web.external-prefix",
        Kind::Text,
        &[],
        "Path prefix under which a reverse proxy shows the pages.",
    ),
    Flag::new("web.prefix-header", Kind::Text, &[], "Header in which a reverse proxy tells that prefix."),
    Flag::new("web.disable-cors", Kind::Bool, &["false"], "Sends no CORS headers."),
    Flag::new("bucket-web-label", Kind::Text, &[], "External label that groups the blocks on the page."),
    Flag::new("disable-admin-operations", Kind::Bool, &["false"], "Refuses marks on blocks over HTTP."),
];

/// Flags that Thanos does not have.
const OURS: &[Flag] = &[
    Flag::new(
        "compact.halt-on-error",
        Kind::Bool,
        &["false"],
        "Stops all work when a group cannot be compacted, as Thanos does, instead of setting that group aside.",
    ),
    Flag::new(
        "compact.threads",
        Kind::Int,
        &["0"],
        "Threads that one merge or downsampling uses; 0 is one for each CPU.",
    ),
    Flag::new(
        "retention.keep-until-downsampled",
        Kind::Bool,
        &["true"],
        "Keeps data past their retention until their downsampled copy is there.",
    ),
];
