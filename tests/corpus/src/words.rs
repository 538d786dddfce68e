//! The names and values that random queries are made of.

/// What queries are about.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// Metrics of floats.
    pub floats: &'static [&'static str],
    /// Metrics of native histograms, or of floats where there are none.
    pub histograms: &'static [&'static str],
    /// A metric of classic buckets.
    pub buckets: &'static str,
    /// Whole selectors.
    pub selectors: &'static [&'static str],
    /// Matchers.
    pub matchers: &'static [&'static str],
    /// Labels, in quotes where they need them.
    pub labels: &'static [&'static str],
    /// Metrics that are likely to match others.
    pub joins: &'static [&'static str],
    /// Labels by which they match, after `on` and `group_left`.
    pub on: &'static [&'static str],
    /// A label of joined metrics that the others have not.
    pub included: &'static str,
    /// Modifiers of a fixed time.
    pub at: &'static [&'static str],
    /// Whether Prometheus 2 shall understand the queries, and wrong ones are left out.
    pub old: bool,
}

/// Of the data of [`data::aligned`](crate::data::aligned) and [`data::irregular`](crate::data::irregular).
pub const LOADED: Vocabulary = Vocabulary {
    floats: &[
        "requests_total",
        "temperature",
        "up",
        "latency_count",
        "latency_sum",
        "started_total",
        "latency_bucket",
        "typed",
    ],
    histograms: &["size", "size", "mixed"],
    buckets: "latency_bucket",
    selectors: &[
        "{__name__=~\"requests_total|temperature\"}",
        "{job=\"api\"}",
        "{__name__=~\"size|mixed\",job!=\"api\"}",
        "{__name__=~\"requests.*\",code!=\"500\"}",
        "{\"utf8.metric\"}",
        "{\"utf8.metric\", \"dotted.label\"=\"\\u00e9\"}",
        "nonexistent",
        "{\"dotted.label\"=~\".+\"}",
        "{__name__=\"temperature\"}",
        "{__type__=\"counter\"}",
        "{job=\"a\\x70i\", code=~\"2(?i:0)0\"}",
        "{__name__!=\"\", room!~\"n.*|\"}",
    ],
    matchers: &[
        "job=\"api\"",
        "job=\"web\"",
        "job!=\"api\"",
        "job=~\"api|web\"",
        "job!~\"c.*\"",
        "instance=\"a:1\"",
        "code=~\"2..\"",
        "code=\"\"",
        "code!=\"\"",
        "room=~\"n.*|s.*\"",
        "le=~\"0.5|1|\\\\+Inf\"",
        "'job'=`web`,",
        "job=~\"(?i)API\"",
        "room=~\".*\"",
        "__type__=~\"counter|\"",
    ],
    labels: &[
        "job",
        "instance",
        "code",
        "room",
        "le",
        "unit",
        "version",
        "__name__",
        "none",
        "\"dotted.label\"",
        "__type__",
    ],
    joins: &["up", "target_info", "requests_total", "size", "up", "temperature"],
    on: &["job, instance", "job", ""],
    included: "version",
    at: &[
        " @ start()",
        " @ end()",
        " @ 600",
        " @ 133.7",
        " @ 1e3",
        " @ 1700001000",
        " @ 1700000412.25",
        " @ -5",
    ],
    old: false,
};

/// Of the harbour's measurements in the tests of whole programs.
pub const HARBOUR: Vocabulary = Vocabulary {
    floats: &[
        "crane_moves_total",
        "crane_power_kilowatts",
        "tide_metres",
        "berth_info",
        "gate_wait_seconds_bucket",
    ],
    histograms: &["gate_wait_seconds_bucket"],
    buckets: "gate_wait_seconds_bucket",
    selectors: &[
        "{__name__=~\"crane_.*\"}",
        "{job=\"crane\"}",
        "{__name__=~\"tide_metres|berth_info\",job!=\"office\"}",
        "{__name__=~\"gate.*\",le!=\"5\"}",
        "nonexistent",
    ],
    matchers: &[
        "berth=\"north\"",
        "berth!=\"north\"",
        "berth=~\"north|south\"",
        "crane=~\"c[12]\"",
        "result=\"ok\"",
        "quay=\"\"",
        "pier=~\"0|2\"",
        "le=~\"0.5|1|\\\\+Inf\"",
        "job!~\"c.*\"",
    ],
    labels: &["berth", "crane", "result", "job", "quay", "pier", "gate", "le", "__name__", "none"],
    joins: &["berth_info", "crane_power_kilowatts", "crane_moves_total", "crane_moves_total{result=\"ok\"}"],
    on: &["berth", "berth, crane", "job"],
    included: "quay",
    at: &[" @ start()", " @ end()", " @ 1709256011", " @ 1709262023.7"],
    old: true,
};
