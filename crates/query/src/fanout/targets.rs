//! Targets of all endpoints, those of replicas made one.

use async_trait::async_trait;
use proto::thanos::{ActiveTarget, DroppedTarget, TargetDiscovery, TargetsRequest, ZLabelSet};
use proto::{label_set, label_set_labels};
use storeapi::{Error, TargetsApi, WithWarnings};

use super::{Fanout, ask_all};

#[async_trait]
impl TargetsApi for Fanout {
    async fn targets(&self, request: TargetsRequest) -> Result<WithWarnings<TargetDiscovery>, Error> {
        let asked =
            self.serving(|info| info.targets).into_iter().map(|endpoint| (endpoint, request)).collect();
        let answers =
            ask_all(asked, request.partial_response_strategy, "targets", |endpoint, request| async move {
                endpoint.remote.targets(request).await
            })
            .await?;
        let mut all = TargetDiscovery::default();
        for targets in answers.value {
            all.active_targets.extend(targets.active_targets);
            all.dropped_targets.extend(targets.dropped_targets);
        }
        Ok(WithWarnings { value: all, warnings: answers.warnings })
    }
}

impl Fanout {
    /// Targets as the HTTP API shows them.
    pub async fn merged_targets(
        &self,
        request: TargetsRequest,
    ) -> Result<WithWarnings<TargetDiscovery>, Error> {
        let mut answer = self.targets(request).await.map_err(|error| error.context("proxy Targets"))?;
        deduplicate(&mut answer.value, &self.replica_labels);
        Ok(answer)
    }
}

fn deduplicate(targets: &mut TargetDiscovery, replica_labels: &[String]) {
    let order = |a: &ActiveTarget, b: &ActiveTarget| {
        (a.scrape_url.cmp(&b.scrape_url))
            .then_with(|| a.scrape_pool.cmp(&b.scrape_pool))
            .then_with(|| {
                label_set_labels(a.discovered_labels.as_ref())
                    .cmp(&label_set_labels(b.discovered_labels.as_ref()))
            })
            .then_with(|| label_set_labels(a.labels.as_ref()).cmp(&label_set_labels(b.labels.as_ref())))
    };
    // Sorted with the replica labels first, so that which of equal targets comes first is not left to chance.
    targets.active_targets.sort_by(order);
    for target in &mut targets.active_targets {
        strip(&mut target.discovered_labels, replica_labels);
        strip(&mut target.labels, replica_labels);
    }
    targets.active_targets.dedup_by(|next, kept| {
        let same = order(next, kept).is_eq();
        if same && better(next, kept) {
            std::mem::swap(next, kept);
        }
        same
    });
    let order = |a: &DroppedTarget, b: &DroppedTarget| {
        label_set_labels(a.discovered_labels.as_ref()).cmp(&label_set_labels(b.discovered_labels.as_ref()))
    };
    targets.dropped_targets.sort_by(order);
    for target in &mut targets.dropped_targets {
        strip(&mut target.discovered_labels, replica_labels);
    }
    targets.dropped_targets.dedup_by(|next, kept| order(next, kept).is_eq());
}

/// Whether a target says more: an unhealthy one does, then the one scraped last.
fn better(a: &ActiveTarget, b: &ActiveTarget) -> bool {
    let scraped =
        |target: &ActiveTarget| target.last_scrape.map_or((i64::MIN, 0), |time| (time.seconds, time.nanos));
    a.health < b.health || (a.health == b.health && scraped(a) > scraped(b))
}

fn strip(labels: &mut Option<ZLabelSet>, replica_labels: &[String]) {
    *labels = Some(label_set(&label_set_labels(labels.as_ref()).without(replica_labels)));
}

#[cfg(test)]
mod tests {
    use model::labels::Labels;
    use prost_types::Timestamp;

    use super::*;

    fn target(replica: &str, health: i32, scraped: i64) -> ActiveTarget {
        let labels = Some(label_set(&Labels::from_pairs([("job", "j"), ("replica", replica)])));
        ActiveTarget {
            labels: labels.clone(),
            discovered_labels: labels,
            health,
            last_scrape: Some(Timestamp { seconds: scraped, nanos: 0 }),
            ..ActiveTarget::default()
        }
    }

    #[test]
    fn replicas_of_a_target_become_one() {
        let mut targets = TargetDiscovery {
            active_targets: vec![target("a", 1, 5), target("b", 1, 9), target("c", 1, 1)],
            dropped_targets: vec![DroppedTarget::default(), DroppedTarget::default()],
        };
        deduplicate(&mut targets, &["replica".to_owned()]);
        assert_eq!(targets.active_targets.len(), 1);
        assert_eq!(targets.active_targets[0].last_scrape.unwrap().seconds, 9);
        assert_eq!(targets.dropped_targets.len(), 1);
    }
}
