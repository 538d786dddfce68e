//! Two answers of the query API: do they mean the same?

use std::collections::BTreeMap;

use serde_json::Value;

/// Relative difference that two engines may have: the order in which floats are added differs between versions.
const TOLERANCE: f64 = 1e-9;

/// What differs between two answers of `/api/v1/query` or `query_range`; `None` when they mean the same.
pub fn difference(left: &Value, right: &Value, ordered: bool) -> Option<String> {
    if left["status"] != right["status"] {
        return Some(format!(
            "status {} {} / {} {}",
            left["status"], left["error"], right["status"], right["error"]
        ));
    }
    if left["status"] != "success" {
        return (left["errorType"] != right["errorType"])
            .then(|| format!("error type {} / {}", left["errorType"], right["errorType"]));
    }
    let (left, right) = (&left["data"], &right["data"]);
    if left["resultType"] != right["resultType"] {
        return Some(format!("result type {} / {}", left["resultType"], right["resultType"]));
    }
    match left["resultType"].as_str() {
        Some("vector" | "matrix") => series_difference(&left["result"], &right["result"], ordered),
        _ => (!same_point(&left["result"], &right["result"]))
            .then(|| format!("{} / {}", left["result"], right["result"])),
    }
}

fn series_difference(left: &Value, right: &Value, ordered: bool) -> Option<String> {
    let (Some(left), Some(right)) = (left.as_array(), right.as_array()) else {
        return Some(format!("not lists: {left} / {right}"));
    };
    if ordered {
        for (l, r) in left.iter().zip(right) {
            if l["metric"] != r["metric"] {
                return Some(format!("order: {} / {}", l["metric"], r["metric"]));
            }
        }
    }
    let by_metric = |list: &[Value]| -> BTreeMap<String, Value> {
        list.iter().map(|s| (canonical(&s["metric"]), s.clone())).collect()
    };
    let (left, right) = (by_metric(left), by_metric(right));
    let names = |map: &BTreeMap<String, Value>| map.keys().cloned().collect::<Vec<_>>();
    if names(&left) != names(&right) {
        let only = |a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>| {
            a.keys().filter(|k| !b.contains_key(*k)).take(3).cloned().collect::<Vec<_>>().join(" ")
        };
        return Some(format!(
            "{} series / {}; only left: {}; only right: {}",
            left.len(),
            right.len(),
            only(&left, &right),
            only(&right, &left)
        ));
    }
    for (metric, l) in &left {
        let r = &right[metric];
        if let Some(l) = l["values"].as_array() {
            let r = r["values"].as_array().map(Vec::as_slice).unwrap_or_default();
            if l.len() != r.len() {
                return Some(format!("{metric}: {} points / {}", l.len(), r.len()));
            }
            if let Some((l, r)) = l.iter().zip(r).find(|(l, r)| !same_point(l, r)) {
                return Some(format!("{metric}: {l} / {r}"));
            }
        } else if !same_point(&l["value"], &r["value"]) {
            return Some(format!("{metric}: {} / {}", l["value"], r["value"]));
        }
    }
    None
}

fn canonical(metric: &Value) -> String {
    let sorted: BTreeMap<_, _> = metric.as_object().into_iter().flatten().collect();
    serde_json::to_string(&sorted).unwrap_or_default()
}

fn same_point(left: &Value, right: &Value) -> bool {
    let (Some(lt), Some(rt)) = (left[0].as_f64(), right[0].as_f64()) else { return left == right };
    if (lt - rt).abs() > 0.000_5 {
        return false;
    }
    let (Some(l), Some(r)) = (left[1].as_str(), right[1].as_str()) else { return left[1] == right[1] };
    if l == r {
        return true;
    }
    match (l.parse::<f64>(), r.parse::<f64>()) {
        (Ok(l), Ok(r)) => {
            (l.is_nan() && r.is_nan()) || (l - r).abs() <= TOLERANCE * l.abs().max(r.abs()).max(1e-3)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vector(value: &str) -> Value {
        json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.0, value]}]}})
    }

    #[test]
    fn sees_a_wrong_value_and_forgives_the_last_bit() {
        assert!(difference(&vector("1"), &vector("2"), false).is_some());
        assert!(difference(&vector("1"), &vector("1.0000000000000002"), false).is_none());
        assert!(difference(&vector("NaN"), &vector("1"), false).is_some());
    }

    #[test]
    fn sees_a_missing_series() {
        let empty = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
        assert!(difference(&vector("1"), &empty, false).is_some());
    }
}
