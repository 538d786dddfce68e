//! The `eval` command: a query and what is expected of it.

use std::collections::HashMap;

use model::duration::parse_prometheus;
use model::labels::Labels;
use model::matcher::{MatchType, Matcher};
use model::quote::quote;
use model::value::parse_float;

use super::ScriptError;
use crate::parse::{ParseOptions, SequenceValue, parse_expr, parse_series_description};

/// An `eval` command with its lines.
#[derive(Clone, Debug)]
pub(super) struct Eval {
    pub(super) line: usize,
    pub(super) expr: String,
    pub(super) time: Time,
    pub(super) expected: Expected,
    /// Whether the result must come in the order of the lines.
    pub(super) ordered: bool,
    /// What the error must look like, if there must be one.
    pub(super) fail: Option<Pattern>,
    pub(super) warnings: Annotated,
    pub(super) infos: Annotated,
    /// Whether an instant query is not to be run as a range query, too.
    pub(super) instant_only: bool,
}

/// When a query is evaluated, ms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// The value expected.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    Scalar(f64),
    String(String),
    Series {
        series: HashMap<Labels, ExpectedSeries>,
        /// The steps of the values, ms.
        start: i64,
        end: i64,
        step: i64,
    },
}

#[derive(Clone, Debug)]
pub(super) struct ExpectedSeries {
    /// Place among the lines, from 1.
    pub(super) position: usize,
    pub(super) values: Vec<SequenceValue>,
}

/// What annotations of one level are expected.
#[derive(Clone, Debug, Default)]
pub(super) struct Annotated {
    /// Each must match an annotation, and each annotation one of these, if there are any.
    pub(super) patterns: Vec<Pattern>,
    /// There must be some (the deprecated `eval_warn` and `eval_info`).
    pub(super) some: bool,
    pub(super) none: bool,
}

/// What a text must be.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Any,
    Text(String),
    /// The pattern as written, and a matcher that finds it anywhere.
    Regex(String, Matcher),
}

impl Pattern {
    fn regex(pattern: &str) -> Result<Self, String> {
        let anywhere = format!("(?s:.*)(?:{pattern})(?s:.*)");
        let matcher = Matcher::new(MatchType::Re, "text", &anywhere).map_err(|e| e.to_string())?;
        Ok(Self::Regex(pattern.to_owned(), matcher))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text(t) => t == text,
            Self::Regex(_, matcher) => matcher.matches(text),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Any => "anything",
            Self::Text(t) => t,
            Self::Regex(t, _) => t,
        }
    }
}

/// Splits the first word off.
fn word(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    Some((first, rest.trim_start()))
}

fn expect_word<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let (first, rest) = word(text)?;
    (first == wanted).then_some(rest)
}

fn duration(what: &str, text: &str) -> Result<i64, String> {
    parse_prometheus(text).map_err(|e| format!("invalid {what} definition {}: {e}", quote(text)))
}

/// Parses `from <start> to <end> step <step> <rest>`.
fn range(text: &str) -> Option<([&str; 3], &str)> {
    let (start, rest) = word(expect_word(text, "from")?)?;
    let (end, rest) = word(expect_word(rest, "to")?)?;
    let rest = expect_word(rest, "step")?;
    let (step, rest) = word(rest).unwrap_or((rest, ""));
    Some(([start, end, step], rest))
}

fn range_times([start, end, step]: [&str; 3]) -> Result<(i64, i64, i64), String> {
    let start_ms = duration("start timestamp", start)?;
    let end_ms = duration("end timestamp", end)?;
    if end_ms < start_ms {
        let message = format!("end timestamp ({end}) is before start timestamp ({start})");
        return Err(format!("invalid test definition, {message}"));
    }
    Ok((start_ms, end_ms, duration("step", step)?))
}

/// The query of a command line: how it is to end, when, and what.
fn command_line(line: &str) -> Option<(&str, Result<Time, String>, &str)> {
    let (command, rest) = word(line)?;
    let mode = match command.strip_prefix("eval")? {
        "" => "",
        mode => mode.strip_prefix('_')?,
    };
    if let Some(rest) = expect_word(rest, "instant") {
        let (at, expr) = word(expect_word(rest, "at")?)?;
        return matches!(mode, "" | "fail" | "warn" | "info" | "ordered")
            .then(|| (mode, duration("timestamp", at).map(Time::Instant), expr));
    }
    let (times, expr) = range(expect_word(rest, "range")?)?;
    let time = range_times(times).map(|(start, end, step)| Time::Range { start, end, step });
    (matches!(mode, "" | "fail" | "warn" | "info") && !expr.is_empty()).then_some((mode, time, expr))
}

impl Eval {
    /// Parses the command in the first of `lines` and the expectations in the others, up to an empty one; also returns how
    /// many lines that were. `first` is the number of the first line.
    pub(super) fn parse(lines: &[String], first: usize) -> Result<(Self, usize), ScriptError> {
        let at = |line: usize, message: String| ScriptError::new(line, message);
        let Some((mode, time, expr)) = command_line(&lines[0]) else {
            let message = "invalid evaluation command. Must be either 'eval[_fail|_warn|_ordered|_info] instant at \
                           <offset:duration> <query>' or 'eval[_fail|_warn|_info] range from <from> to <to> step <step> <query>'";
            return Err(at(first, message.to_owned()));
        };
        parse_expr(expr, &ParseOptions::all()).map_err(|e| at(first, format!("{expr}: {e}")))?;
        let time = time.map_err(|e| at(first, e))?;
        let (start, end, step) = match time {
            Time::Instant(t) => (t, t, 0),
            Time::Range { start, end, step } => (start, end, step),
        };
        let series = HashMap::new();
        let mut eval = Self {
            line: first,
            expr: expr.to_owned(),
            time,
            expected: Expected::Series { series, start, end, step },
            ordered: mode == "ordered",
            fail: (mode == "fail").then_some(Pattern::Any),
            warnings: Annotated { some: mode == "warn", ..Annotated::default() },
            infos: Annotated { some: mode == "info", ..Annotated::default() },
            instant_only: false,
        };
        let mut taken = 1;
        let mut position = 0;
        for text in lines[1..].iter().take_while(|l| !l.is_empty()) {
            let line = first + taken;
            taken += 1;
            if eval.expectation(text).map_err(|e| at(line, e))? {
                continue;
            }
            position += 1;
            // The old forms and numbers are the last line of a command.
            if mode == "fail"
                && let Some(message) = text.strip_prefix("expected_fail_message")
            {
                eval.fail = Some(Pattern::Text(message.trim().to_owned()));
                break;
            }
            if mode == "fail"
                && let Some(pattern) = text.strip_prefix("expected_fail_regexp")
            {
                let pattern = pattern.trim();
                eval.fail = Some(Pattern::regex(pattern).map_err(|e| {
                    at(line, format!("invalid regexp '{pattern}' for expected_fail_regexp: {e}"))
                })?);
                break;
            }
            if let Some(value) = number(text) {
                eval.expected = Expected::Scalar(value);
                break;
            }
            let description = parse_series_description(text).map_err(|e| at(line, e.to_string()))?;
            let Expected::Series { series, step, .. } = &mut eval.expected else {
                return Err(at(line, "series are expected where a string is".to_owned()));
            };
            if description.values.len() > 1 && *step == 0 {
                let message =
                    "more than one value expected of an instant query without 'expect range vector'";
                return Err(at(line, message.to_owned()));
            }
            series.insert(description.labels, ExpectedSeries { position, values: description.values });
        }
        Ok((eval, taken))
    }

    /// Takes a line that begins with `expect`; false if it does not.
    fn expectation(&mut self, text: &str) -> Result<bool, String> {
        if let Some(text) = text.strip_prefix("expect range vector") {
            let invalid = || format!("invalid range vector definition {}", quote(text));
            let (times, rest) = range(text.trim_start()).ok_or_else(invalid)?;
            if !rest.is_empty() {
                return Err(invalid());
            }
            let (from, to, by) = range_times(times)?;
            let Expected::Series { start, end, step, .. } = &mut self.expected else {
                return Err(invalid());
            };
            (*start, *end, *step) = (from, to, by);
            self.time = Time::Instant(to);
            self.instant_only = true;
            return Ok(true);
        }
        if let Some(text) = text.strip_prefix("expect string") {
            let text = text.trim();
            self.expected = Expected::String(unquote(text).ok_or_else(|| {
                format!("expected string literal not valid - check that {text} is correctly quoted")
            })?);
            self.instant_only = true;
            return Ok(true);
        }
        let Some(rest) = expect_word(text, "expect") else {
            return Ok(false);
        };
        let (kind, rest) = word(rest).unwrap_or((rest, ""));
        let pattern = match rest.split_once(':') {
            None if rest.is_empty() => Pattern::Any,
            Some(("msg", message)) => Pattern::Text(message.trim().to_owned()),
            Some(("regex", pattern)) => {
                let pattern = pattern.trim();
                Pattern::regex(pattern).map_err(|_| format!("invalid regex {pattern} for {kind}"))?
            }
            _ => return Err(format!("invalid expect statement {}", quote(text))),
        };
        match kind {
            "ordered" => self.ordered = true,
            "fail" if self.fail.is_some() => {
                return Err("invalid expect lines, multiple expect fail lines are not allowed".to_owned());
            }
            "fail" => self.fail = Some(pattern),
            "warn" => self.warnings.patterns.push(pattern),
            "info" => self.infos.patterns.push(pattern),
            "no_warn" => self.warnings.none = true,
            "no_info" => self.infos.none = true,
            other => return Err(format!("invalid expected error/annotation type {other}")),
        }
        for (name, annotated) in [("info", &self.infos), ("warn", &self.warnings)] {
            if annotated.none && !annotated.patterns.is_empty() {
                return Err(format!("invalid expect lines, {name} and no_{name} cannot be used together"));
            }
        }
        Ok(true)
    }
}

/// Parses a line that is a number, as of an expected scalar.
fn number(text: &str) -> Option<f64> {
    text.parse::<i64>().ok().map(|n| n as f64).or_else(|| parse_float(text))
}

/// Takes the quotes off a string in double quotes or backticks.
fn unquote(text: &str) -> Option<String> {
    if !text.starts_with(['"', '`']) {
        return None;
    }
    match parse_expr(text, &ParseOptions::default()) {
        Ok(crate::ast::Expr::String(s)) if s.broken.is_none() => Some(s.value),
        _ => None,
    }
}
