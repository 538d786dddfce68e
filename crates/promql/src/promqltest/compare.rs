//! Whether a value is what was expected, up to the rounding that Prometheus's runner allows.

use model::histogram::{Bucket, FloatHistogram};
use model::labels::Labels;
use model::value::{format_float_g, is_stale};

use super::eval::{Eval, Expected, ExpectedSeries};
use crate::parse::SequenceValue;
use crate::value::{MatrixSeries, Sample, SampleValue, Value};

/// The relative error allowed.
const EPSILON: f64 = 1e-6;

/// Whether two floats are the same up to the error allowed. NaNs are the same, but a staleness marker is only itself.
fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

/// Whether two histograms are the same; the counter reset hint only where it was written down.
fn histograms_equal(expected: &FloatHistogram, actual: &FloatHistogram, compare_hint: bool) -> bool {
    let side = |a: &mut dyn Iterator<Item = Bucket>, b: &mut dyn Iterator<Item = Bucket>| {
        let a: Vec<Bucket> = a.filter(|b| b.count != 0.0).collect();
        let b: Vec<Bucket> = b.filter(|b| b.count != 0.0).collect();
        a.len() == b.len()
            && a.iter().zip(&b).all(|(a, b)| a.index == b.index && almost_equal(a.count, b.count))
    };
    expected.schema == actual.schema
        && almost_equal(expected.count, actual.count)
        && almost_equal(expected.sum, actual.sum)
        && (!expected.uses_custom_buckets() || expected.custom_values == actual.custom_values)
        && expected.zero_threshold == actual.zero_threshold
        && almost_equal(expected.zero_count, actual.zero_count)
        && side(&mut expected.positive_iter(), &mut actual.positive_iter())
        && side(&mut expected.negative_iter(), &mut actual.negative_iter())
        && (!compare_hint || expected.counter_reset_hint == actual.counter_reset_hint)
}

fn describe(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(v) => format_float_g(*v),
        SampleValue::Histogram(h) => format!("histogram {}", h.to_test_expression()),
    }
}

fn describe_expected(value: &SequenceValue) -> String {
    match value {
        SequenceValue::Omitted => "nothing".to_owned(),
        SequenceValue::Float(v) => format_float_g(*v),
        SequenceValue::Histogram { histogram, .. } => format!("histogram {}", histogram.to_test_expression()),
    }
}

fn values_equal(expected: &SequenceValue, actual: &SampleValue) -> bool {
    match (expected, actual) {
        (SequenceValue::Float(e), SampleValue::Float(a)) => almost_equal(*e, *a),
        (SequenceValue::Histogram { histogram, hint_is_set }, SampleValue::Histogram(a)) => {
            histograms_equal(histogram, a, *hint_is_set)
        }
        _ => false,
    }
}

/// Compares a value with what an `eval` expects; the error says what differs.
pub(super) fn compare(eval: &Eval, value: &Value) -> Result<(), String> {
    match (&eval.expected, value) {
        (Expected::Scalar(e), Value::Scalar { value, .. }) => {
            let (e, value) = (*e, *value);
            if almost_equal(e, value) { Ok(()) } else { Err(format!("expected scalar {e} but got {value}")) }
        }
        (Expected::String(e), Value::String { value, .. }) => {
            if e == value {
                Ok(())
            } else {
                Err(format!("expected string {e:?} but got {value:?}"))
            }
        }
        (Expected::Series { .. }, Value::Vector(samples)) => compare_vector(eval, samples),
        (Expected::Series { .. }, Value::Matrix(series)) => compare_matrix(eval, series),
        (Expected::Scalar(_), other) => Err(format!("expected scalar result but got {}", other.value_type())),
        (Expected::String(_), other) => Err(format!("expected string result but got {}", other.value_type())),
        (Expected::Series { .. }, other) => {
            Err(format!("expected vector or matrix result but got {}", other.value_type()))
        }
    }
}

/// Compares the samples of one step with the first value of each line.
pub(super) fn compare_vector(eval: &Eval, samples: &[Sample]) -> Result<(), String> {
    let Expected::Series { series, .. } = &eval.expected else {
        return Err("expected another result than a vector".to_owned());
    };
    let mut seen: Vec<&Labels> = Vec::new();
    for (i, sample) in samples.iter().enumerate() {
        let (labels, got) = (&sample.labels, describe(&sample.value));
        let Some(ExpectedSeries { position, values }) = series.get(labels) else {
            return Err(format!("unexpected metric {labels} in result, has value {got}"));
        };
        if eval.ordered && *position != i + 1 {
            return Err(format!("expected metric {labels} at position {position} but it was at {}", i + 1));
        }
        let expected = values.first().unwrap_or(&SequenceValue::Omitted);
        if !values_equal(expected, &sample.value) {
            return Err(format!("expected {} for {labels} but got {got}", describe_expected(expected)));
        }
        seen.push(labels);
    }
    match series.iter().find(|(labels, _)| !seen.contains(labels)) {
        Some((labels, _)) => Err(format!("expected metric {labels} not found")),
        None => Ok(()),
    }
}

fn describe_series(series: &MatrixSeries) -> String {
    let floats: Vec<String> = series.floats().map(|(t, v)| format!("{} @[{t}]", format_float_g(v))).collect();
    let histograms: Vec<String> =
        series.histograms().map(|(t, h)| format!("{} @[{t}]", h.to_test_expression())).collect();
    format!("floats [{}] and histograms [{}]", floats.join(" "), histograms.join(" "))
}

fn compare_matrix(eval: &Eval, matrix: &[MatrixSeries]) -> Result<(), String> {
    let Expected::Series { series, start, end, step } = &eval.expected else {
        return Err("expected another result than a matrix".to_owned());
    };
    if eval.ordered {
        return Err("expected ordered result, but query returned a matrix".to_owned());
    }
    check_sorted(matrix)?;
    for actual in matrix {
        let labels = actual.labels();
        let Some(expected) = series.get(labels) else {
            return Err(format!("unexpected metric {labels} in result, has {}", describe_series(actual)));
        };
        let (mut floats, mut histograms) = (Vec::new(), Vec::new());
        for (i, value) in expected.values.iter().enumerate() {
            let t = start + step * i as i64;
            if t > *end {
                let points = expected.values.len();
                return Err(format!(
                    "expected {points} points for {labels}, but the range cannot have that many"
                ));
            }
            match value {
                SequenceValue::Omitted => {}
                SequenceValue::Float(v) => floats.push((t, *v)),
                SequenceValue::Histogram { histogram, hint_is_set } => {
                    histograms.push((t, histogram, *hint_is_set))
                }
            }
        }
        let actual_floats: Vec<(i64, f64)> = actual.floats().collect();
        let actual_histograms: Vec<_> = actual.histograms().collect();
        let has = || format!("(result has {})", describe_series(actual));
        if floats.len() != actual_floats.len() || histograms.len() != actual_histograms.len() {
            let (f, h) = (floats.len(), histograms.len());
            return Err(format!("expected {f} float points and {h} histogram points for {labels} {}", has()));
        }
        for ((t, e), (at, a)) in floats.into_iter().zip(actual_floats) {
            if t != at || !almost_equal(e, a) {
                let (e, a) = (format_float_g(e), format_float_g(a));
                return Err(format!("expected {e} at {t} for {labels}, but got {a} at {at} {}", has()));
            }
        }
        for ((t, e, hint), (at, a)) in histograms.into_iter().zip(actual_histograms) {
            if t != at || !histograms_equal(e, a, hint) {
                let (e, a) = (e.to_test_expression(), a.to_test_expression());
                return Err(format!("expected {e} at {t} for {labels}, but got {a} at {at} {}", has()));
            }
        }
    }
    match series.keys().find(|labels| matrix.iter().all(|s| s.labels() != *labels)) {
        Some(labels) => Err(format!("expected metric {labels} not found")),
        None => Ok(()),
    }
}

/// Checks that the series of a matrix are in the order of their labels.
pub(super) fn check_sorted(matrix: &[MatrixSeries]) -> Result<(), String> {
    match matrix.windows(2).find(|pair| pair[0].labels() > pair[1].labels()) {
        Some(pair) => {
            Err(format!("result is not sorted: {} comes before {}", pair[0].labels(), pair[1].labels()))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_forgiven_and_kinds_of_nan_are_not() {
        assert!(almost_equal(1.0, 1.000_001));
        assert!(!almost_equal(1.0, 1.000_003));
        assert!(!almost_equal(0.0, 1e-300));
        assert!(almost_equal(f64::NAN, -f64::NAN));
        assert!(!almost_equal(f64::NAN, model::value::stale_nan()));
        assert!(almost_equal(f64::INFINITY, f64::INFINITY));
        assert!(!almost_equal(f64::INFINITY, f64::MAX));
    }
}
