//! Series descriptions: a metric and its values, the language of Prometheus's test files (`up 0+10x5 _ stale`), with
//! histogram literals (`{{schema:0 count:3 buckets:[1 2]}}`).

use std::collections::BTreeMap;
use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, Span};
use model::labels::Labels;
use model::value::stale_nan;

use super::ParseError;
use super::stream::{Fail, Parsed, Parser};
use super::token::{HistogramKey, Kind, ResetHint};
use crate::ast::{BinaryOp, PosRange};

/// How many values a series description may stand for. A few letters can ask for any number of them.
pub const MAX_SEQUENCE_LENGTH: u64 = 10_000_000;

/// A metric and its values, one a step.
#[derive(Clone, Debug)]
pub struct SeriesDescription {
    /// The metric.
    pub labels: Labels,
    /// The values.
    pub values: Vec<SequenceValue>,
}

/// The value of a series at one step.
#[derive(Clone, Debug)]
pub enum SequenceValue {
    /// `_`: none.
    Omitted,
    /// A float; `stale` is the staleness marker.
    Float(f64),
    /// A native histogram.
    Histogram {
        /// The histogram.
        histogram: Arc<FloatHistogram>,
        /// Whether its counter reset hint was written down, so that it is to be compared.
        hint_is_set: bool,
    },
}

#[derive(Clone, Copy)]
enum Combine {
    Add,
    Sub,
}

struct Literal {
    histogram: FloatHistogram,
    hint_is_set: bool,
}

impl Parser<'_> {
    pub(super) fn parse_series_description(mut self) -> Result<SeriesDescription, ParseError> {
        let result = self.series_description();
        self.finish(result)
    }

    fn series_description(&mut self) -> Parsed<SeriesDescription> {
        let labels = self.metric()?;
        let mut values = Vec::new();
        if !matches!(self.peek()?.kind, Kind::Space | Kind::Eof) {
            return Err(self.unexpected("series values", ""));
        }
        while self.accept(Kind::Space)?.is_some() {
            let item = self.series_item(&mut values);
            self.within(item, "series values", "")?;
        }
        self.expect(Kind::Eof)?;
        Ok(SeriesDescription { labels, values })
    }

    fn series_item(&mut self, values: &mut Vec<SequenceValue>) -> Parsed<()> {
        let token = self.peek()?;
        match token.kind {
            Kind::Blank => {
                self.next()?;
                let times = if self.accept(Kind::Times)?.is_some() { self.repetitions(values)? } else { 1 };
                values.extend((0..times).map(|_| SequenceValue::Omitted));
                Ok(())
            }
            Kind::OpenHistogram => self.histogram_item(values),
            Kind::Identifier => {
                self.next()?;
                if token.text != "stale" {
                    return Err(self.unexpected("series values", "number or \"stale\""));
                }
                self.float_item(stale_nan(), values)
            }
            Kind::Number | Kind::Duration | Kind::Binary(BinaryOp::Add | BinaryOp::Sub) => {
                let value = self.signed_number()?;
                self.float_item(value, values)
            }
            // Space at the end, or twice.
            _ => Ok(()),
        }
    }

    /// Parses what may follow a float: `x3`, `+1x3`, `-1x3`.
    fn float_item(&mut self, mut value: f64, values: &mut Vec<SequenceValue>) -> Parsed<()> {
        let mut step = None;
        if matches!(self.peek()?.kind, Kind::Binary(BinaryOp::Add | BinaryOp::Sub)) {
            step = Some(self.signed_number()?);
            self.expect(Kind::Times)?;
        } else if self.accept(Kind::Times)?.is_none() {
            values.push(SequenceValue::Float(value));
            return Ok(());
        }
        // The value itself comes in addition to its repetitions.
        for _ in 0..=self.repetitions(values)? {
            values.push(SequenceValue::Float(value));
            if let Some(step) = step {
                value += step;
            }
        }
        Ok(())
    }

    fn histogram_item(&mut self, values: &mut Vec<SequenceValue>) -> Parsed<()> {
        let base = self.histogram()?;
        let combine = match self.peek()?.kind {
            Kind::Binary(BinaryOp::Add) => Some(Combine::Add),
            Kind::Binary(BinaryOp::Sub) => Some(Combine::Sub),
            _ => None,
        };
        if let Some(combine) = combine {
            self.next()?;
            let step = self.histogram()?;
            self.expect(Kind::Times)?;
            let times = self.repetitions(values)?;
            return self.histogram_steps(base.histogram, &step, combine, times, values);
        }
        let histogram = Arc::new(base.histogram);
        let value = SequenceValue::Histogram { histogram, hint_is_set: base.hint_is_set };
        let times = if self.accept(Kind::Times)?.is_some() { self.repetitions(values)? } else { 0 };
        values.extend((0..=times).map(|_| value.clone()));
        Ok(())
    }

    fn histogram_steps(
        &self,
        mut current: FloatHistogram,
        step: &Literal,
        combine: Combine,
        times: u64,
        values: &mut Vec<SequenceValue>,
    ) -> Parsed<()> {
        let hint_is_set = step.hint_is_set;
        for n in 0..=times {
            if n > 0 {
                let (ours, theirs) = (current.schema, step.histogram.schema);
                if ours > theirs {
                    let message =
                        format!("error combining histograms: cannot merge from schema {theirs} to {ours}");
                    return Err(self.error(self.last_pos(), message));
                }
                let combined = match combine {
                    Combine::Add => current.add(&step.histogram),
                    Combine::Sub => current.sub(&step.histogram),
                };
                combined.map_err(|e| self.error(self.last_pos(), e.to_string()))?;
            }
            values.push(SequenceValue::Histogram { histogram: Arc::new(current.clone()), hint_is_set });
        }
        Ok(())
    }

    /// Parses how often something is repeated.
    fn repetitions(&mut self, values: &[SequenceValue]) -> Parsed<u64> {
        let times = self.unsigned()?;
        if times.saturating_add(values.len() as u64) >= MAX_SEQUENCE_LENGTH {
            let message = format!("series has more than {MAX_SEQUENCE_LENGTH} values");
            return Err(self.error(self.last_pos(), message));
        }
        Ok(times)
    }

    fn unsigned(&mut self) -> Parsed<u64> {
        let token = self.expect(Kind::Number)?;
        token.text.parse().map_err(|e: std::num::ParseIntError| {
            let why = match e.kind() {
                std::num::IntErrorKind::PosOverflow => "value out of range",
                _ => "invalid syntax",
            };
            let text = super::token::quote(token.text);
            self.error(
                token.pos(),
                format!("invalid repetition in series values: strconv.ParseUint: parsing {text}: {why}"),
            )
        })
    }

    fn integer(&mut self) -> Parsed<i64> {
        let minus = self.accept(Kind::Binary(BinaryOp::Sub))?.is_some();
        let value = self.unsigned()?;
        let value = i64::try_from(value).map_err(|_| {
            self.error(self.last_pos(), format!("number {value} of histogram description is out of range"))
        })?;
        Ok(if minus { -value } else { value })
    }

    fn histogram(&mut self) -> Parsed<Literal> {
        self.expect(Kind::OpenHistogram)?;
        let mut fields = Fields::default();
        let mut first = true;
        loop {
            let item = self.histogram_field(&mut fields, first);
            let more = if first {
                item?
            } else {
                self.within(
                    item,
                    "histogram description",
                    "histogram description key, e.g. buckets:[5 10 7]",
                )?
            };
            if !more {
                break;
            }
            first = false;
        }
        Ok(fields.into_literal())
    }

    /// Parses a field with the space before it; false at the end of the literal.
    fn histogram_field(&mut self, fields: &mut Fields, first: bool) -> Parsed<bool> {
        let space = self.accept(Kind::Space)?.is_some();
        if self.accept(Kind::CloseHistogram)?.is_some() {
            return Ok(false);
        }
        // The first field stands right behind the braces, the others behind space.
        if space == first {
            return Err(Fail::Unexpected);
        }
        let Kind::HistogramKey(key) = self.peek()?.kind else {
            return Err(Fail::Unexpected);
        };
        self.next()?;
        self.expect(Kind::Colon)?;
        let value = match key {
            HistogramKey::Schema | HistogramKey::Offset | HistogramKey::NegativeOffset => {
                Value::Integer(self.integer()?)
            }
            HistogramKey::Sum | HistogramKey::Count | HistogramKey::ZeroBucket => {
                Value::Float(self.signed_number()?)
            }
            HistogramKey::ZeroBucketWidth => {
                let token = self.expect(Kind::Number)?;
                Value::Float(self.literal_value(token)?)
            }
            HistogramKey::Buckets | HistogramKey::NegativeBuckets | HistogramKey::CustomValues => {
                Value::Floats(self.bucket_set()?)
            }
            HistogramKey::CounterResetHint => {
                let Kind::ResetHint(hint) = self.peek()?.kind else {
                    return Err(Fail::Unexpected);
                };
                self.next()?;
                Value::Hint(hint)
            }
        };
        if fields.values.insert(key, value).is_some() {
            let message = format!("duplicate key \"{}\" in histogram", key.as_str());
            return Err(self.error(PosRange::default(), message));
        }
        Ok(true)
    }

    fn bucket_set(&mut self) -> Parsed<Vec<f64>> {
        self.expect(Kind::LeftBracket)?;
        let mut values = vec![self.signed_number()?];
        loop {
            let space = self.accept(Kind::Space)?.is_some();
            if self.accept(Kind::RightBracket)?.is_some() {
                return Ok(values);
            }
            if !space {
                return Err(Fail::Unexpected);
            }
            values.push(self.signed_number()?);
        }
    }
}

enum Value {
    Integer(i64),
    Float(f64),
    Floats(Vec<f64>),
    Hint(ResetHint),
}

#[derive(Default)]
struct Fields {
    values: BTreeMap<HistogramKey, Value>,
}

impl Fields {
    fn integer(&self, key: HistogramKey) -> i32 {
        match self.values.get(&key) {
            // Prometheus cuts off what is too long here.
            Some(Value::Integer(v)) => *v as i32,
            _ => 0,
        }
    }

    fn float(&self, key: HistogramKey) -> f64 {
        match self.values.get(&key) {
            Some(Value::Float(v)) => *v,
            _ => 0.0,
        }
    }

    fn floats(&mut self, key: HistogramKey) -> Vec<f64> {
        match self.values.remove(&key) {
            Some(Value::Floats(v)) => v,
            _ => Vec::new(),
        }
    }

    /// Returns buckets and the one span they are in.
    fn buckets(&mut self, buckets: HistogramKey, offset: HistogramKey) -> (Vec<f64>, Vec<Span>) {
        let buckets = self.floats(buckets);
        let length = buckets.len() as u32;
        let spans = if length > 0 { vec![Span { offset: self.integer(offset), length }] } else { Vec::new() };
        (buckets, spans)
    }

    fn into_literal(mut self) -> Literal {
        let hint = match self.values.get(&HistogramKey::CounterResetHint) {
            Some(Value::Hint(hint)) => Some(*hint),
            _ => None,
        };
        let (positive_buckets, positive_spans) = self.buckets(HistogramKey::Buckets, HistogramKey::Offset);
        let (negative_buckets, negative_spans) =
            self.buckets(HistogramKey::NegativeBuckets, HistogramKey::NegativeOffset);
        let histogram = FloatHistogram {
            counter_reset_hint: match hint {
                None | Some(ResetHint::Unknown) => CounterResetHint::Unknown,
                Some(ResetHint::Reset) => CounterResetHint::CounterReset,
                Some(ResetHint::NotReset) => CounterResetHint::NotCounterReset,
                Some(ResetHint::Gauge) => CounterResetHint::Gauge,
            },
            schema: self.integer(HistogramKey::Schema),
            zero_threshold: self.float(HistogramKey::ZeroBucketWidth),
            zero_count: self.float(HistogramKey::ZeroBucket),
            count: self.float(HistogramKey::Count),
            sum: self.float(HistogramKey::Sum),
            positive_spans,
            negative_spans,
            positive_buckets,
            negative_buckets,
            custom_values: self.floats(HistogramKey::CustomValues),
        };
        Literal { histogram, hint_is_set: hint.is_some() }
    }
}
