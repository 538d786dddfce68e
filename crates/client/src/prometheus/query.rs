//! Instant queries.

use model::labels::Labels;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::exemplars::{float_text, seconds};
use super::json::LabelMap;
use super::{Client, Error, format_time};

/// One series of an instant query's result.
#[derive(Clone, Debug, PartialEq)]
pub struct InstantSample {
    /// Labels; empty for a scalar.
    pub labels: Labels,
    /// Time in milliseconds.
    pub timestamp_ms: i64,
    /// Value.
    pub value: f64,
}

/// Result of an instant query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstantResult {
    /// The samples, in the server's order.
    pub samples: Vec<InstantSample>,
    /// Warnings, for instance of a partial response.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Pair(#[serde(deserialize_with = "seconds")] i64, #[serde(deserialize_with = "float_text")] f64);

impl Client {
    /// Evaluates `query` at `time_ms`; `params` are further form fields (such as `dedup` of a querier).
    ///
    /// The result must be a vector or a scalar. Native histograms in it are an error.
    pub async fn query(
        &self,
        query: &str,
        time_ms: i64,
        params: &[(&str, String)],
    ) -> Result<InstantResult, Error> {
        let url = self.url(&["api", "v1", "query"]);
        let mut form = vec![("query", query.to_string()), ("time", format_time(time_ms))];
        form.extend(params.iter().cloned());
        let at = url.to_string();
        let (code, body) = self.post_form(url, &form).await?;
        parse(&body).map_err(|failure| match failure {
            Failure::Api(message) => Error::Api { code, message },
            Failure::Parse(reason) => Error::Parse { url: at, reason },
        })
    }
}

enum Failure {
    Api(String),
    Parse(String),
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::Parse(error.to_string())
    }
}

fn parse(body: &[u8]) -> Result<InstantResult, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        #[serde(default)]
        result_type: String,
        #[serde(borrow, default)]
        result: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Answer<'a> {
        status: String,
        #[serde(borrow, default)]
        data: Option<Data<'a>>,
        #[serde(default)]
        error: String,
        #[serde(default)]
        warnings: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Element {
        #[serde(default)]
        metric: LabelMap,
        value: Option<Pair>,
    }
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    if answer.status != "success" {
        return Err(Failure::Api(answer.error));
    }
    let Some(Data { result_type, result: Some(result) }) = answer.data else {
        return Err(Failure::Parse("the answer has no result".to_string()));
    };
    let samples = match result_type.as_str() {
        "vector" => serde_json::from_str::<Vec<Element>>(result.get())?
            .into_iter()
            .map(|e| match e.value {
                Some(Pair(timestamp_ms, value)) => {
                    Ok(InstantSample { labels: e.metric.0, timestamp_ms, value })
                }
                None => Err(Failure::Parse(format!("{} has no float value", e.metric.0))),
            })
            .collect::<Result<_, _>>()?,
        "scalar" => {
            let Pair(timestamp_ms, value) = serde_json::from_str(result.get())?;
            vec![InstantSample { labels: Labels::default(), timestamp_ms, value }]
        }
        other => return Err(Failure::Parse(format!("unknown response type: {other:?}"))),
    };
    Ok(InstantResult { samples, warnings: answer.warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_vectors_and_scalars() {
        let vector = br#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"job":"quay"},"value":[1714550400.5,"+Inf"]}]},"warnings":["partial"]}"#;
        let Ok(result) = parse(vector) else { panic!("a vector") };
        assert_eq!(result.samples[0].timestamp_ms, 1_714_550_400_500);
        assert_eq!(result.samples[0].value, f64::INFINITY);
        assert_eq!(result.warnings, ["partial"]);
        let Ok(result) = parse(br#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#)
        else {
            panic!("a scalar")
        };
        assert_eq!(result.samples[0].value, 2.0);
    }

    #[test]
    fn refuses_what_is_no_float() {
        let matrix = br#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        let histogram = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"histogram":[1,{}]}]}}"#;
        for (body, want) in [(&matrix[..], "matrix"), (&histogram[..], "{a=\"b\"} has no float value")] {
            match parse(body) {
                Err(Failure::Parse(reason)) => assert!(reason.contains(want), "{reason}"),
                _ => panic!("{want} taken"),
            }
        }
    }
}
