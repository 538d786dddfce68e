//! Metadata of metrics from all endpoints.

use async_trait::async_trait;
use proto::thanos::{MetricMetadata, MetricMetadataRequest};
use storeapi::{Error, MetadataApi, WithWarnings};

use super::{Fanout, ask_all};

#[async_trait]
impl MetadataApi for Fanout {
    async fn metric_metadata(
        &self,
        request: MetricMetadataRequest,
    ) -> Result<WithWarnings<MetricMetadata>, Error> {
        let endpoints = self.serving(|info| info.metric_metadata);
        let asked = endpoints.into_iter().map(|endpoint| (endpoint, request.clone())).collect();
        let answers =
            ask_all(asked, request.partial_response_strategy, "metadata", |endpoint, request| async move {
                endpoint.remote.metric_metadata(request).await
            })
            .await?;
        let found = answers.value.into_iter().map(|answer| answer.value).collect();
        Ok(WithWarnings { value: join(found, request.limit), warnings: answers.warnings })
    }
}

/// Joins answers: different entries of a metric are all kept, and at most `limit` metrics when that is not negative.
fn join(answers: Vec<MetricMetadata>, limit: i32) -> MetricMetadata {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut joined = MetricMetadata::default();
    for (metric, entry) in answers.into_iter().flat_map(|answer| answer.metadata) {
        let full = joined.metadata.len() >= limit;
        if limit == 0 || (full && !joined.metadata.contains_key(&metric)) {
            continue;
        }
        let known = &mut joined.metadata.entry(metric).or_default().metas;
        for meta in entry.metas {
            if !known.contains(&meta) {
                known.push(meta);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proto::thanos::{Meta, MetricMetadataEntry};

    use super::*;

    fn answer(metric: &str, help: &str) -> MetricMetadata {
        let meta = Meta { r#type: "counter".into(), help: help.into(), unit: String::new() };
        MetricMetadata { metadata: [(metric.to_owned(), MetricMetadataEntry { metas: vec![meta] })].into() }
    }

    #[test]
    fn different_entries_are_kept_and_metrics_limited() {
        let answers = || vec![answer("a", "x"), answer("a", "x"), answer("b", "z"), answer("a", "y")];
        let joined = join(answers(), -1);
        assert_eq!((joined.metadata["a"].metas.len(), joined.metadata.len()), (2, 2));
        assert_eq!(join(answers(), 1).metadata.keys().collect::<Vec<_>>(), ["a"]);
        assert!(join(answers(), 0).metadata.is_empty());
    }
}
