//! One log line.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// The parts of a log line in their order.
pub(super) struct Record {
    pub(super) level: Level,
    ts: String,
    caller: String,
    name: Option<String>,
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// A value and whether JSON writes it bare.
pub(super) struct Value {
    pub(super) text: String,
    bare: bool,
}

impl Record {
    pub(super) fn of(event: &Event<'_>, name: Option<&str>) -> Self {
        let metadata = event.metadata();
        let file = metadata.file().map_or("unknown", |file| file.rsplit('/').next().unwrap_or(file));
        let mut record = Self {
            level: *metadata.level(),
            ts: timestamp(jiff::Timestamp::now()),
            caller: format!("{file}:{}", metadata.line().unwrap_or(0)),
            name: name.filter(|name| !name.is_empty()).map(str::to_owned),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut record);
        record
    }

    pub(super) fn level_name(&self) -> &'static str {
        match self.level {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            // Thanos has no level below debug.
            Level::DEBUG | Level::TRACE => "debug",
        }
    }

    pub(super) fn logfmt(&self) -> String {
        let mut line = String::with_capacity(160);
        pair(&mut line, "ts", &self.ts);
        pair(&mut line, "caller", &self.caller);
        if let Some(name) = &self.name {
            pair(&mut line, "name", name);
        }
        pair(&mut line, "level", self.level_name());
        if !self.message.is_empty() {
            pair(&mut line, "msg", &self.message);
        }
        for (key, value) in &self.fields {
            pair(&mut line, key, &value.text);
        }
        line.push('\n');
        line
    }

    /// The keys in order, as Go writes a map.
    pub(super) fn json(&self) -> String {
        let level = self.level_name();
        let mut keys: Vec<(&str, &str, bool)> =
            vec![("ts", &self.ts, false), ("caller", &self.caller, false), ("level", level, false)];
        if let Some(name) = &self.name {
            keys.push(("name", name, false));
        }
        if !self.message.is_empty() {
            keys.push(("msg", &self.message, false));
        }
        keys.extend(self.fields.iter().map(|(key, value)| (*key, value.text.as_str(), value.bare)));
        keys.sort_by_key(|(key, _, _)| *key);
        let mut line = String::from("{");
        for (position, (key, value, bare)) in keys.iter().enumerate() {
            if position > 0 {
                line.push(',');
            }
            json_string(&mut line, key);
            line.push(':');
            if *bare {
                line.push_str(value);
            } else {
                json_string(&mut line, value);
            }
        }
        line.push_str("}\n");
        line
    }

    fn push(&mut self, field: &Field, text: String, bare: bool) {
        match field.name() {
            "message" => self.message = text,
            name => self.fields.push((name, Value { text, bare })),
        }
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push(field, format!("{value:?}"), false);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.to_owned(), false);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.to_string(), true);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.to_string(), true);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.push(field, value.to_string(), true);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.push(field, value.to_string(), true);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.to_string(), true);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value.to_string(), value.is_finite());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            // Errors that already tell their cause in their own message are not repeated.
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                let _ = write!(text, ": {cause_text}");
            }
            source = cause.source();
        }
        self.push(field, text, false);
    }
}

/// RFC 3339 in UTC with nanoseconds, without trailing zeroes, as Go's RFC3339Nano.
fn timestamp(now: jiff::Timestamp) -> String {
    now.to_string()
}

fn pair(line: &mut String, key: &str, value: &str) {
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(key);
    line.push('=');
    let quoted =
        |c: char| c <= ' ' || c == '=' || c == '"' || c == '\u{7f}' || c == char::REPLACEMENT_CHARACTER;
    if value.chars().any(quoted) { json_string(line, value) } else { line.push_str(value) }
}

fn json_string(line: &mut String, value: &str) {
    line.push('"');
    for c in value.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            level: Level::INFO,
            ts: "2026-01-02T03:04:05.6Z".into(),
            caller: "x.rs:7".into(),
            name: Some("n".into()),
            message: "two words".into(),
            fields: vec![
                ("count", Value { text: "3".into(), bare: true }),
                ("a", Value { text: "q\"=\n".into(), bare: false }),
                ("empty", Value { text: String::new(), bare: false }),
            ],
        }
    }

    #[test]
    fn logfmt_in_the_shape_of_thanos() {
        let line = record().logfmt();
        let expected = "ts=2026-01-02T03:04:05.6Z caller=x.rs:7 name=n level=info msg=\"two words\" count=3 a=\"q\\\"=\\n\" empty=\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn json_with_sorted_keys() {
        let line = record().json();
        let expected = "{\"a\":\"q\\\"=\\n\",\"caller\":\"x.rs:7\",\"count\":3,\"empty\":\"\",\"level\":\"info\",\"msg\":\"two words\",\"name\":\"n\",\"ts\":\"2026-01-02T03:04:05.6Z\"}\n";
        assert_eq!(line, expected);
    }
}
