//! Flags of `thanos query`.

use super::{Command, Flag, Kind, shared};

pub(crate) const COMMAND: Command = Command {
    name: "query",
    help: "The querier: PromQL over the data of all endpoints, with the HTTP API of Prometheus.",
    groups: &[
        shared::HTTP,
        shared::GRPC,
        GRPC_CLIENT,
        WEB,
        ENGINE,
        shared::SELECTOR_RELABEL,
        shared::REQUEST_LOGGING,
        TENANCY,
        ENDPOINTS,
        shared::STORE_LIMITS,
        REMOVED,
    ],
};

const GRPC_CLIENT: &[Flag] = &[
    Flag::new("grpc-client-tls-secure", Kind::Bool, &["false"], "Calls endpoints over TLS."),
    Flag::new("grpc-client-tls-skip-verify", Kind::Bool, &["false"], "Takes any certificate of an endpoint."),
    Flag::new("grpc-client-tls-cert", Kind::Text, &[], "PEM file with the client certificate."),
    Flag::new("grpc-client-tls-key", Kind::Text, &[], "PEM file with the client key."),
    Flag::new(
        "grpc-client-tls-ca",
        Kind::Text,
        &[],
        "PEM file with the CAs of endpoints; without it those of the system.",
    ),
    Flag::new("grpc-client-server-name", Kind::Text, &[], "Name that certificates of endpoints must have."),
    Flag::new(
        "grpc-compression",
        Kind::Enum(&["snappy", "none"]),
        &["none"],
        "Compression of gRPC messages: snappy or none.",
    ),
    Flag::new(
        "grpc-client-tls-min-version",
        Kind::Enum(shared::TLS_VERSIONS),
        &["1.3"],
        "Lowest TLS version taken from endpoints. This build offers 1.2 and 1.3.",
    ),
];

const WEB: &[Flag] = &[
    Flag::new(
        "web.route-prefix",
        Kind::Text,
        &[],
        "Path prefix of the API and the pages; taken from web.external-prefix when not given.",
    ),
    Flag::new(
        "web.external-prefix",
        Kind::Text,
        &[],
        "Path prefix under which a reverse proxy shows the pages.",
    ),
    Flag::new(
        "web.prefix-header",
        Kind::Text,
        &[],
        "Header in which a reverse proxy tells that prefix, when web.external-prefix does not. Only for a proxy that always sets it.",
    ),
    Flag::new("web.disable-cors", Kind::Bool, &["false"], "Sends no CORS headers."),
];

const ENGINE: &[Flag] = &[
    Flag::new("query.timeout", Kind::PromDuration, &["2m"], "Longest time of one query."),
    Flag::new("query.promql-engine", Kind::Enum(&["prometheus", "thanos"]), &["prometheus"], "Engine when a request names none. There is one engine here; both names mean it."),
    Flag::new("query.disable-fallback", Kind::Bool, &["false"], "With the engine thanos: fails what it cannot evaluate.").hidden(),
    Flag::new("query.enable-x-functions", Kind::Bool, &["false"], "Enables xrate, xincrease and xdelta."),
    Flag::new("query.mode", Kind::Enum(&["local", "distributed"]), &["local"], "Where queries are evaluated: here, or in parts by the queriers among the endpoints. Distributed mode makes thanos the default engine."),
    Flag::new("query.max-concurrent", Kind::Int, &["20"], "How many queries run at once; others wait."),
    Flag::new("query.lookback-delta", Kind::GoDuration, &[], "How far back a sample counts as current; 5m when not given."),
    Flag::new("query.dynamic-lookback-delta", Kind::Bool, &["true"], "Widens the lookback for downsampled data.").hidden(),
    Flag::new("query.max-concurrent-select", Kind::Int, &["4"], "How many selects of one query run at once."),
    Flag::new("query.conn-metric.label", Kind::Enum(&["external_labels", "store_type", "ip_port"]), &["external_labels", "store_type"], "A label of thanos_store_nodes_grpc_connections; repeatable.").repeated(),
    Flag::new("deduplication.func", Kind::Enum(&["penalty", "chain"]), &["penalty"], "How replicas are merged: penalty picks one and changes over gaps, chain takes every sample once."),
    Flag::new("query.replica-label", Kind::Text, &[], "A label that tells replicas of the same series apart; repeatable. A value may be a comma-separated list.").repeated(),
    Flag::new("query.partition-label", Kind::Text, &[], "A label by which data are spread over remote queriers; repeatable. Without any, all external labels but replica labels are.").repeated(),
    Flag::new("query.distributed-with-overlapping-interval", Kind::Bool, &["false"], "Trusts a remote querier from the oldest time of any of its TSDBs on.").hidden(),
    Flag::new("query.instant.default.max_source_resolution", Kind::PromDuration, &["0s"], "Coarsest resolution of instant queries that name none.").hidden(),
    Flag::new("query.metadata.default-time-range", Kind::GoDuration, &["0s"], "Range of series, labels and label values requests that name none, counted back from now; 0s is all time."),
    Flag::new("selector-label", Kind::Text, &[], "An external label this querier shows to others; repeatable.").repeated().placeholder("<name>=\"<value>\""),
    Flag::new("query.auto-downsampling", Kind::Bool, &["false"], "Picks the resolution by the step when a request names none."),
    Flag::new("query.partial-response", Kind::Bool, &["true"], "Answers with warnings when an endpoint fails, unless a request says otherwise."),
    Flag::new("rule.partial-response", Kind::Bool, &["true"], "The same for rules.").hidden(),
    Flag::new("target.partial-response", Kind::Bool, &["true"], "The same for targets.").hidden(),
    Flag::new("metric-metadata.partial-response", Kind::Bool, &["true"], "The same for metric metadata.").hidden(),
    Flag::new("query.active-query-path", Kind::Text, &[], "Directory for a log of the queries that are running, queries.active; after a crash the next start tells which they were."),
    Flag::new("query.max-samples", Kind::Uint, &["0"], "Most samples that one query holds at once; it ends with an error at more. 0 is no limit. Thanos does not have this flag."),
    Flag::new("query.max-memory", Kind::Bytes, &["0"], "Most memory for the chunks, samples, columns and results of one query; it ends with an error at more. 0 is no limit. Thanos does not have this flag."),
    Flag::new("query.max-memory-total", Kind::Bytes, &["0"], "The same for all queries together; 0 is three quarters of the memory that the process may use. Thanos does not have this flag."),
    Flag::new("enable-feature", Kind::Text, &[], "A feature to turn on; repeatable.").repeated(),
    Flag::new("exemplar.partial-response", Kind::Bool, &["true"], "The same for exemplars.").hidden(),
    Flag::new("status.partial-response", Kind::Bool, &["true"], "The same for TSDB status.").hidden(),
    Flag::new("query.default-evaluation-interval", Kind::PromDuration, &["1m"], "Step of subqueries that name none."),
    Flag::new("query.default-step", Kind::PromDuration, &["1s"], "Smallest step of range queries that name none."),
    Flag::new("store.response-timeout", Kind::PromDuration, &["0ms"], "Longest time an endpoint may be silent in an answer; 0 is no limit."),
    Flag::new("alert.query-url", Kind::Text, &[], "Address of the query page in links of alerts and rules; http://localhost and the port of http-address when not given."),
    Flag::new("query.blocks-url", Kind::Text, &[], "Address of a page of blocks (/loaded of a store gateway, /blocks of a compactor or a bucket web); the blocks that a query has read link to it. Thanos does not have this flag."),
    Flag::new("grpc.proxy-strategy", Kind::Enum(&["eager", "lazy"]), &["eager"], "Whether answers of endpoints are read ahead.").hidden(),
    Flag::new("query.telemetry.request-duration-seconds-quantiles", Kind::Float, &["0.1", "0.25", "0.75", "1.25", "1.75", "2.5", "3", "5", "10"], "A bucket of the duration histogram of Series calls; repeatable.").repeated(),
    Flag::new("query.telemetry.request-samples-quantiles", Kind::Float, &["100", "1000", "10000", "100000", "1000000"], "A class of sample counts in that histogram; repeatable.").repeated(),
    Flag::new("query.telemetry.request-series-seconds-quantiles", Kind::Float, &["10", "100", "1000", "10000", "100000"], "A class of series counts in that histogram; repeatable.").repeated(),
];

const TENANCY: &[Flag] = &[
    Flag::new("query.tenant-header", Kind::Text, &["THANOS-TENANT"], "HTTP header that names the tenant."),
    Flag::new(
        "query.default-tenant-id",
        Kind::Text,
        &["default-tenant"],
        "Tenant of requests without that header.",
    ),
    Flag::new(
        "query.tenant-certificate-field",
        Kind::Enum(&["", "organization", "organizationalUnit", "commonName"]),
        &[],
        "Field of the client's certificate that names the tenant, in place of the header.",
    ),
    Flag::new(
        "query.enforce-tenancy",
        Kind::Bool,
        &["false"],
        "Only series with the tenant in the tenant label are seen.",
    ),
    Flag::new("query.tenant-label-name", Kind::Text, &["tenant_id"], "The tenant label."),
];

const ENDPOINTS: &[Flag] = &[
    Flag::new("store.sd-dns-interval", Kind::PromDuration, &["30s"], "How often names are looked up."),
    Flag::new("store.sd-dns-resolver", Kind::Text, &["miekgdns"], "Which resolver of Go's is used: golang or miekgdns. There is one resolver here; both names mean it.").hidden(),
    Flag::new("store.unhealthy-timeout", Kind::PromDuration, &["5m"], "How long an endpoint that fails stays on the stores page."),
    Flag::new("endpoint.info-timeout", Kind::PromDuration, &["5s"], "Longest time of an Info call, and how often it is made.").hidden(),
    Flag::new("endpoint.sd-config-file", Kind::YamlFile("endpoint.sd-config"), &[], "YAML file with endpoints. It is read again when it changes.").placeholder("<file-path>"),
    Flag::new("endpoint.sd-config", Kind::YamlInline("endpoint.sd-config-file"), &[], "The content of endpoint.sd-config-file in place of a file.").placeholder("<content>"),
    Flag::new("endpoint.sd-config-reload-interval", Kind::PromDuration, &["5m"], "How often that file is read whether or not a change was noticed."),
    Flag::new("store.sd-files", Kind::Text, &[], "Older: a file, or a pattern of files, with addresses in the form of Prometheus's file discovery; repeatable.").repeated().placeholder("<path>"),
    Flag::new("store.sd-interval", Kind::PromDuration, &["5m"], "Older: how often those files are read whether or not a change was noticed."),
    Flag::new("endpoint", Kind::Address, &[], "Address of an endpoint; repeatable. dns+ and dnssrv+ before it look it up.").repeated().placeholder("<endpoint>"),
    Flag::new("endpoint-group", Kind::Address, &[], "Name of a group of endpoints of which one answers each call; repeatable.").repeated().placeholder("<endpoint-group>"),
    Flag::new("endpoint-strict", Kind::Address, &[], "Address of an endpoint that is always queried, healthy or not; repeatable.").repeated().placeholder("<endpoint-strict>"),
    Flag::new("endpoint-group-strict", Kind::Address, &[], "Name of a group that is always queried; repeatable.").repeated().placeholder("<endpoint-group-strict>"),
    Flag::new("inject-test-addresses", Kind::Address, &[], "For tests of Thanos itself.").repeated().placeholder("<inject-test-address>").hidden().unbuilt("it serves tests of Thanos only"),
    Flag::new("query.lazy-retrieval-max-buffered-responses", Kind::Int, &["20"], "With the lazy proxy strategy: how many messages of an endpoint are held.").hidden(),
];

/// Flags that today's Thanos no longer has and that unit files still carry.
const REMOVED: &[Flag] = &[
    Flag::new("store", Kind::Address, &[], "Older name of endpoint.")
        .repeated()
        .placeholder("<store>")
        .alias_of("endpoint"),
    Flag::new("store-strict", Kind::Address, &[], "Older name of endpoint-strict.")
        .repeated()
        .placeholder("<staticstore>")
        .alias_of("endpoint-strict"),
    Flag::new("rule", Kind::Address, &[], "Older name of endpoint.")
        .repeated()
        .placeholder("<rule>")
        .hidden()
        .alias_of("endpoint"),
    Flag::new("target", Kind::Address, &[], "Older name of endpoint.")
        .repeated()
        .placeholder("<target>")
        .hidden()
        .alias_of("endpoint"),
    Flag::new("metadata", Kind::Address, &[], "Older name of endpoint.")
        .repeated()
        .placeholder("<metadata>")
        .hidden()
        .alias_of("endpoint"),
    Flag::new("exemplar", Kind::Address, &[], "Older name of endpoint.")
        .repeated()
        .placeholder("<exemplar>")
        .hidden()
        .alias_of("endpoint"),
];
