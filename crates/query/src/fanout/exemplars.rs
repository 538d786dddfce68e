//! Exemplars of all endpoints, those of replicas made one.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::labels::Labels;
use model::matcher::Matcher;
use promql::ast::Expr;
use promql::parse::{ParseOptions, parse_expr};
use proto::thanos::{Exemplar, ExemplarData, ExemplarsRequest};
use proto::{label_set, label_set_labels};
use storeapi::endpoint::ServingEndpoint;
use storeapi::{ComponentType, Error, ExemplarsApi, WithWarnings, label_sets_match, match_external_labels};

use super::{Fanout, ask_all};

#[async_trait]
impl ExemplarsApi for Fanout {
    async fn exemplars(&self, request: ExemplarsRequest) -> Result<WithWarnings<Vec<ExemplarData>>, Error> {
        let expr = parse_expr(&request.query, &ParseOptions::all())
            .map_err(|error| Error::invalid_argument(error.to_string()))?;
        let mut selectors = Vec::new();
        let mut any = false;
        for matchers in selectors_of(&expr) {
            if let Some(rest) = match_external_labels(&matchers, &self.selector_labels) {
                any = true;
                if !rest.is_empty() {
                    selectors.push(rest);
                }
            }
        }
        if !any {
            return Ok(WithWarnings::default());
        }
        if selectors.is_empty() {
            return Err(Error::invalid_argument("no matchers specified (excluding external labels)"));
        }
        let asked = self
            .serving(|info| info.exemplars.is_some())
            .into_iter()
            .filter_map(|endpoint| {
                let query = query_for(&endpoint, &selectors)?;
                Some((endpoint, ExemplarsRequest { query, ..request.clone() }))
            })
            .collect();
        let answers =
            ask_all(asked, request.partial_response_strategy, "exemplars", |endpoint, request| async move {
                endpoint.remote.exemplars(request).await
            })
            .await?;
        Ok(WithWarnings {
            value: answers.value.into_iter().flat_map(|answer| answer.value).collect(),
            warnings: answers.warnings,
        })
    }
}

impl Fanout {
    /// Exemplars as the HTTP API shows them.
    pub async fn merged_exemplars(
        &self,
        request: ExemplarsRequest,
    ) -> Result<WithWarnings<Vec<ExemplarData>>, Error> {
        let mut answer = self.exemplars(request).await.map_err(|error| error.context("proxy Exemplars"))?;
        answer.value = deduplicate(answer.value, &self.replica_labels);
        Ok(answer)
    }
}

fn selectors_of(expr: &Expr) -> Vec<Vec<Matcher>> {
    let mut selectors = Vec::new();
    expr.walk(&mut |expr| match expr {
        Expr::VectorSelector(selector) => selectors.push(selector.matchers.clone()),
        Expr::MatrixSelector(matrix) => selectors.push(matrix.selector.matchers.clone()),
        _ => {}
    });
    selectors
}

/// The selectors that an endpoint may have something for, as one expression; `None` when there are none.
///
/// Only queriers know external labels; for others matchers on them are left out, since Prometheus has no such labels.
fn query_for(endpoint: &ServingEndpoint, selectors: &[Vec<Matcher>]) -> Option<String> {
    let external = |name: &str| endpoint.label_sets.iter().any(|set| set.has(name));
    let knows_external = endpoint.component == ComponentType::Query;
    let parts: Vec<String> = selectors
        .iter()
        .filter(|matchers| label_sets_match(matchers, &endpoint.label_sets))
        .map(|matchers| {
            let kept: Vec<String> = matchers
                .iter()
                .filter(|matcher| knows_external || !external(matcher.name()))
                .map(ToString::to_string)
                .collect();
            format!("{{{}}}", kept.join(", "))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("+"))
}

fn deduplicate(data: Vec<ExemplarData>, replica_labels: &[String]) -> Vec<ExemplarData> {
    let mut by_series: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
    for series in data.into_iter().filter(|series| !series.exemplars.is_empty()) {
        let labels = label_set_labels(series.series_labels.as_ref()).without(replica_labels);
        by_series.entry(labels).or_default().extend(series.exemplars);
    }
    let order = |a: &Exemplar, b: &Exemplar| {
        (a.ts.cmp(&b.ts))
            .then_with(|| label_set_labels(a.labels.as_ref()).cmp(&label_set_labels(b.labels.as_ref())))
            .then_with(|| a.value.total_cmp(&b.value))
    };
    by_series
        .into_iter()
        .map(|(labels, mut exemplars)| {
            exemplars.sort_by(order);
            exemplars.dedup_by(|a, b| order(a, b).is_eq());
            ExemplarData { series_labels: Some(label_set(&labels)), exemplars }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exemplars_of_replicas_become_one() {
        let exemplar =
            |ts| Exemplar { labels: Some(label_set(&Labels::from_pairs([("id", "1")]))), value: 1.0, ts };
        let series = |replica: &str, exemplars| ExemplarData {
            series_labels: Some(label_set(&Labels::from_pairs([("a", "b"), ("replica", replica)]))),
            exemplars,
        };
        let data = vec![
            series("1", vec![exemplar(2), exemplar(1)]),
            series("2", vec![exemplar(1)]),
            series("3", vec![]),
        ];
        let merged = deduplicate(data, &["replica".to_owned()]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].exemplars, [exemplar(1), exemplar(2)]);
    }

    #[test]
    fn selectors_are_those_of_the_whole_expression() {
        let expr = parse_expr("rate(a[5m]) + on () b{c=\"d\"}", &ParseOptions::default()).unwrap();
        assert_eq!(selectors_of(&expr).len(), 2);
    }
}
