//! The `load` command.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::duration::parse_prometheus;
use model::histogram::FloatHistogram;
use model::labels::Labels;
use model::quote::quote;

use super::storage::{AppendError, MemoryStorage};
use super::{ScriptError, nhcb};
use crate::parse::{MAX_SEQUENCE_LENGTH, SequenceValue, parse_series_description};

/// A sample to load; `start` is 0 where there is no start timestamp.
#[derive(Clone, Debug)]
pub(super) struct LoadedSample {
    pub(super) t: i64,
    pub(super) start: i64,
    pub(super) value: LoadedValue,
}

#[derive(Clone, Debug)]
pub(super) enum LoadedValue {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

/// A `load` command with its lines.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) line: usize,
    pub(super) series: BTreeMap<Labels, Vec<LoadedSample>>,
    /// Whether classic histograms are loaded as native ones, too.
    pub(super) with_nhcb: bool,
}

/// The start timestamps of the line that follows, as offsets in ms to its samples; `None` where there is none.
struct StartLine {
    line: usize,
    labels: Labels,
    offsets: Vec<Option<i64>>,
}

impl Load {
    /// Parses the command in the first of `lines` and its series in the others, up to an empty one; also returns how many
    /// lines that were. `first` is the number of the first line.
    pub(super) fn parse(lines: &[String], first: usize) -> Result<(Self, usize), ScriptError> {
        let invalid = || ScriptError::new(first, "invalid load command. (load[_with_nhcb] <step:duration>)");
        let (command, step) = lines[0].split_once(char::is_whitespace).ok_or_else(invalid)?;
        let with_nhcb = match command {
            "load" => false,
            "load_with_nhcb" => true,
            _ => return Err(invalid()),
        };
        let step = step.trim();
        let step = parse_prometheus(step)
            .map_err(|e| ScriptError::new(first, format!("invalid step definition {}: {e}", quote(step))))?;

        let mut load = Self { line: first, series: BTreeMap::new(), with_nhcb };
        let mut pending: Option<StartLine> = None;
        let mut taken = 1;
        for text in lines[1..].iter().take_while(|l| !l.is_empty()) {
            let line = first + taken;
            taken += 1;
            if let Some((metric, offsets)) = split_start_line(text) {
                if let Some(pending) = pending {
                    return Err(ScriptError::new(pending.line, "@st line has no following sample line"));
                }
                pending = Some(StartLine::parse(metric, offsets, line)?);
                continue;
            }
            let description =
                parse_series_description(text).map_err(|e| ScriptError::new(line, e.to_string()))?;
            if let Some(start) = &pending {
                start.check(&description.labels, description.values.len())?;
            }
            let starts = pending.take().map(|p| p.offsets);
            let samples = samples(&description.values, starts.as_deref(), step);
            load.series.insert(description.labels, samples);
        }
        if let Some(pending) = pending {
            return Err(ScriptError::new(pending.line, "@st line has no following sample line"));
        }
        Ok((load, taken))
    }

    /// Puts the samples into a storage.
    pub(super) fn append_to(&self, storage: &mut MemoryStorage) -> Result<(), ScriptError> {
        let failed = |e: AppendError| ScriptError::new(self.line, e.to_string());
        for (labels, samples) in &self.series {
            for sample in samples {
                match &sample.value {
                    LoadedValue::Float(v) => storage.append_float(labels, sample.start, sample.t, *v),
                    LoadedValue::Histogram(h) => {
                        storage.append_histogram(labels, sample.start, sample.t, (**h).clone())
                    }
                }
                .map_err(failed)?;
            }
        }
        if self.with_nhcb {
            let converted =
                nhcb::convert(&self.series).map_err(|e| ScriptError::new(self.line, e.to_string()))?;
            for (labels, samples) in converted {
                for (t, histogram) in samples {
                    storage.append_histogram(&labels, 0, t, histogram).map_err(failed)?;
                }
            }
        }
        Ok(())
    }
}

fn samples(values: &[SequenceValue], starts: Option<&[Option<i64>]>, step: i64) -> Vec<LoadedSample> {
    let mut samples = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let value = match value {
            SequenceValue::Omitted => continue,
            SequenceValue::Float(v) => LoadedValue::Float(*v),
            SequenceValue::Histogram { histogram, .. } => LoadedValue::Histogram(histogram.clone()),
        };
        let t = step.saturating_mul(i as i64);
        let start = starts.and_then(|s| s[i]).map_or(0, |offset| t.saturating_add(offset));
        samples.push(LoadedSample { t, start, value });
    }
    samples
}

/// Splits `metric{…}@st <offsets>`; `None` if the line is no such.
fn split_start_line(line: &str) -> Option<(&str, &str)> {
    let (metric, offsets) = line.split_once([' ', '\t'])?;
    Some((metric.strip_suffix("@st")?, offsets.trim()))
}

impl StartLine {
    fn parse(metric: &str, offsets: &str, line: usize) -> Result<Self, ScriptError> {
        let description = parse_series_description(&format!("{metric} _"))
            .map_err(|e| ScriptError::new(line, format!("invalid @st line metric {}: {e}", quote(metric))))?;
        let mut parsed = Vec::new();
        for item in offsets.split_whitespace() {
            parse_start_item(item, &mut parsed).map_err(|why| {
                let message = format!("invalid @st sequence: invalid ST item {}: {why}", quote(item));
                ScriptError::new(line, message)
            })?;
        }
        Ok(Self { line, labels: description.labels, offsets: parsed })
    }

    fn check(&self, labels: &Labels, values: usize) -> Result<(), ScriptError> {
        if *labels != self.labels {
            let message = "@st metric does not match the following sample line metric";
            return Err(ScriptError::new(self.line, message));
        }
        if self.offsets.len() != values {
            let starts = self.offsets.len();
            let message = format!("@st line has {starts} values but sample line has {values}");
            return Err(ScriptError::new(self.line, message));
        }
        Ok(())
    }
}

/// Parses `_`, `_xN`, `-30s`, `-30sxN` or `-30s+10sxN`.
fn parse_start_item(item: &str, out: &mut Vec<Option<i64>>) -> Result<(), String> {
    let push = |out: &mut Vec<Option<i64>>, count: u64, value: &mut dyn FnMut(u64) -> Option<i64>| {
        if count.saturating_add(out.len() as u64) > MAX_SEQUENCE_LENGTH {
            return Err(format!("more than {MAX_SEQUENCE_LENGTH} values"));
        }
        out.extend((0..count).map(value));
        Ok(())
    };
    if let Some(rest) = item.strip_prefix('_') {
        let count = match rest.strip_prefix('x') {
            Some(count) => count.parse().ok().filter(|n| *n > 0).ok_or("invalid repeat count")?,
            None if rest.is_empty() => 1,
            None => return Err(format!("unexpected {} after _", quote(rest))),
        };
        return push(out, count, &mut |_| None);
    }
    let (base, rest) = split_duration(item)?;
    if rest.is_empty() {
        return push(out, 1, &mut |_| Some(base));
    }
    let mut step = 0;
    let mut repeats = rest;
    if rest.starts_with(['+', '-']) {
        let negative = rest.starts_with('-');
        (step, repeats) = split_duration(&rest[1..]).map_err(|e| format!("invalid step duration: {e}"))?;
        if negative {
            step = -step;
        }
    }
    let count: u64 = repeats
        .strip_prefix('x')
        .ok_or_else(|| format!("expected x<count> instead of {}", quote(repeats)))?
        .parse()
        .map_err(|_| "invalid repeat count")?;
    // The offset itself comes in addition to its repetitions.
    let count = count.saturating_add(1);
    push(out, count, &mut |n| Some(base.saturating_add(step.saturating_mul(n as i64))))
}

/// Splits a signed duration of one unit off the front, in ms.
fn split_duration(text: &str) -> Result<(i64, &str), String> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    // An x counts repetitions and is in no unit.
    let unit = unsigned[digits..].bytes().take_while(|b| b.is_ascii_alphabetic() && *b != b'x').count();
    let (duration, rest) = unsigned.split_at(digits + unit);
    let ms = parse_prometheus(duration).map_err(|e| e.to_string())?;
    Ok((if negative { -ms } else { ms }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_start_timestamps() {
        let parsed = |text: &str| {
            let mut out = Vec::new();
            parse_start_item(text, &mut out).map(|()| out)
        };
        assert_eq!(parsed("_x2"), Ok(vec![None, None]));
        assert_eq!(parsed("-1m"), Ok(vec![Some(-60_000)]));
        assert_eq!(parsed("0sx1"), Ok(vec![Some(0), Some(0)]));
        assert_eq!(parsed("-30s-1mx2"), Ok(vec![Some(-30_000), Some(-90_000), Some(-150_000)]));
        for text in ["", "x3", "_x0", "1m+", "1mx", "_y"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_start_line_needs_its_series() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let load = Load::parse(&lines("load 1m\na@st _ -1s\na 1 2"), 1).unwrap().0;
        let samples = load.series.values().next().unwrap();
        assert_eq!(samples.iter().map(|s| s.start).collect::<Vec<_>>(), [0, 59_000]);
        for (text, line) in [
            ("load 1m\na@st _\nb 1", 2),
            ("load 1m\na@st _", 2),
            ("load 1m\na@st _\na 1 2", 2),
            ("load x", 1),
        ] {
            assert_eq!(Load::parse(&lines(text), 1).unwrap_err().line, line, "{text}");
        }
    }
}
