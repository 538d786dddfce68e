//! Logs on stderr in Thanos's shapes: logfmt `ts=… caller=… [name=…] level=… msg=… key=value…`, JSON with the same keys, or
//! the systemd journal.

mod journal;
mod record;

use std::io::Write;
use std::str::FromStr;

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use record::Record;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `key=value` pairs.
    #[default]
    Logfmt,
    /// One JSON object a line.
    Json,
    /// The systemd journal's own protocol.
    Journald,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "logfmt" => Ok(Self::Logfmt),
            "json" => Ok(Self::Json),
            "journald" => Ok(Self::Journald),
            other => Err(format!("unexpected log format {other}")),
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// Lines of lower levels are left out.
    pub level: Level,
    /// The shape.
    pub format: Format,
    /// `--debug.name`: put on every line as `name`.
    pub name: Option<String>,
}

/// Crates whose lines below warning are left out whatever the level: they tell of single frames and lookups.
const NOISY: [&str; 14] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "tower_http",
    "rustls",
    "tokio_rustls",
    "reqwest",
    "hickory_resolver",
    "hickory_proto",
    "hickory_net",
    "opendal",
    "notify",
];

/// Sets up the logging of the process.
///
/// # Errors
/// When it is set up already, or the journal cannot be reached.
pub fn init(config: Config) -> Result<(), String> {
    let sink = match config.format {
        Format::Logfmt => Sink::Logfmt,
        Format::Json => Sink::Json,
        Format::Journald => Sink::Journal(
            journal::Journal::open().map_err(|error| format!("open the systemd journal: {error}"))?,
        ),
    };
    let layer = Lines { level: config.level, name: config.name, sink };
    tracing_subscriber::registry().with(layer).try_init().map_err(|error| error.to_string())
}

enum Sink {
    Logfmt,
    Json,
    Journal(journal::Journal),
}

struct Lines {
    level: Level,
    name: Option<String>,
    sink: Sink,
}

impl Lines {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let root = metadata.target().split("::").next().unwrap_or_default();
        let lowest = if NOISY.contains(&root) { self.level.min(Level::WARN) } else { self.level };
        *metadata.level() <= lowest
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let record = Record::of(event, self.name.as_deref());
        let line = match &self.sink {
            Sink::Logfmt => record.logfmt(),
            Sink::Json => record.json(),
            Sink::Journal(journal) => {
                if journal.send(&record).is_ok() {
                    return;
                }
                // The journal is gone; stderr is where its lines would be looked for next.
                record.logfmt()
            }
        };
        // Nothing is left to tell a failure to.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
