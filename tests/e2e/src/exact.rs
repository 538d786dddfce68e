//! Two answers of the query API that have to be the same: status, error, every bit of every value, all warnings.

use serde_json::Value;

/// What differs between the answers of Prometheus and of the querier to the same question; `None` if nothing does.
///
/// What the two never have in common is left out: Prometheus names the parameter that an error is about, Thanos has no list
/// `infos` but puts them among the warnings, and adds an analysis to the data. Series are compared without their order unless
/// `ordered`.
pub fn difference(prometheus: &Answer, querier: &Answer, ordered: bool) -> Option<String> {
    let (left, right) = (&prometheus.json, &querier.json);
    if left["status"] != "success" || right["status"] != "success" {
        let left = (prometheus.status, text(&left["errorType"]), without_parameter(text(&left["error"])));
        let right = (querier.status, text(&right["errorType"]), without_parameter(text(&right["error"])));
        return (left != right).then(|| format!("{left:?}\n    {right:?}"));
    }
    let kind = &left["data"]["resultType"];
    if *kind != right["data"]["resultType"] {
        return Some(format!("result type {kind} / {}", right["data"]["resultType"]));
    }
    let (l, r) = (&left["data"]["result"], &right["data"]["result"]);
    let values = match kind.as_str() {
        Some("vector" | "matrix") => series(l, r, ordered),
        _ => (l != r).then(|| format!("{l} / {r}")),
    };
    values.or_else(|| annotations(left, right))
}

/// An answer of the API.
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The body.
    pub json: Value,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn without_parameter(error: &str) -> &str {
    error.strip_prefix("invalid parameter \"query\": ").unwrap_or(error)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn series(left: &Value, right: &Value, ordered: bool) -> Option<String> {
    // Object keys are sorted by the parser.
    let keyed = |value: &Value| {
        let mut all: Vec<(String, Value)> =
            list(value).iter().map(|s| (s["metric"].to_string(), s.clone())).collect();
        if !ordered {
            all.sort_by(|a, b| (&a.0, a.1.to_string()).cmp(&(&b.0, b.1.to_string())));
        }
        all
    };
    let (left, right) = (keyed(left), keyed(right));
    let names = |all: &[(String, Value)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let (l, r) = (names(&left), names(&right));
    if l != r {
        let only = |a: &[String], b: &[String]| {
            a.iter().filter(|k| !b.contains(k)).take(3).cloned().collect::<Vec<_>>()
        };
        return Some(format!(
            "{} series / {}; only left {:?}, only right {:?}{}",
            l.len(),
            r.len(),
            only(&l, &r),
            only(&r, &l),
            if ordered { format!("; order {l:?} / {r:?}") } else { String::new() }
        ));
    }
    for ((name, l), (_, r)) in left.iter().zip(&right) {
        for field in ["value", "histogram"] {
            if l[field] != r[field] {
                return Some(format!("{name} {field}\n    {}\n    {}", l[field], r[field]));
            }
        }
        for field in ["values", "histograms"] {
            let (l, r) = (list(&l[field]), list(&r[field]));
            if let Some((l, r)) = l.iter().zip(r).find(|(l, r)| l != r) {
                return Some(format!("{name} {field}\n    {l}\n    {r}"));
            }
            if l.len() != r.len() {
                let more = if l.len() > r.len() { &l[r.len()] } else { &r[l.len()] };
                return Some(format!("{name}: {} {field} / {}, such as {more}", l.len(), r.len()));
            }
        }
    }
    None
}

fn annotations(left: &Value, right: &Value) -> Option<String> {
    let all = |answer: &Value| {
        let mut texts: Vec<String> = list(&answer["warnings"])
            .iter()
            .chain(list(&answer["infos"]))
            .map(|annotation| text(annotation).to_owned())
            .collect();
        texts.sort();
        texts
    };
    let (l, r) = (all(left), all(right));
    if l == r {
        return None;
    }
    let only = |a: &[String], b: &[String]| a.iter().filter(|t| !b.contains(t)).cloned().collect::<Vec<_>>();
    Some(format!("annotations\n    {:?}\n    {:?}", only(&l, &r), only(&r, &l)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(json: Value) -> Answer {
        Answer { status: 200, json }
    }

    fn vector(value: &str, warnings: &[&str]) -> Answer {
        answer(json!({"status": "success", "warnings": warnings,
            "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.0, value]}]}}))
    }

    #[test]
    fn sees_the_last_bit_and_a_missing_warning() {
        assert!(difference(&vector("1", &[]), &vector("1", &[]), true).is_none());
        assert!(difference(&vector("1", &[]), &vector("1.0000000000000002", &[]), false).is_some());
        assert!(difference(&vector("0", &[]), &vector("-0", &[]), false).is_some());
        assert!(difference(&vector("1", &["w"]), &vector("1", &[]), false).is_some());
    }

    #[test]
    fn compares_errors_to_the_letter() {
        let error = |text: &str| Answer {
            status: 400,
            json: json!({"status": "error", "errorType": "bad_data", "error": text}),
        };
        let (named, plain) =
            (error("invalid parameter \"query\": 1:1: parse error: x"), error("1:1: parse error: x"));
        assert!(difference(&named, &plain, false).is_none());
        assert!(difference(&named, &error("1:2: parse error: x"), false).is_some());
    }
}
