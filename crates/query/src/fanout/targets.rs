//! Targets of all endpoints, those of replicas made one.

use async_trait::async_trait;
use proto::thanos::{ActiveTarget, DroppedTarget, TargetDiscovery, TargetsRequest, ZLabelSet};
use proto::{label_set, label_set_labels};
use storeapi::{Error, TargetsApi, WithWarnings};

use super::{Answer, Fanout, Sourced, ask_all};

#[async_trait]
impl TargetsApi for Fanout {
    async fn targets(&self, request: TargetsRequest) -> Result<WithWarnings<TargetDiscovery>, Error> {
        let answers = self.ask_targets(request).await?;
        let mut all = TargetDiscovery::default();
        for Answer { value: targets, .. } in answers.value {
            all.active_targets.extend(targets.active_targets);
            all.dropped_targets.extend(targets.dropped_targets);
        }
        Ok(WithWarnings { value: all, warnings: answers.warnings })
    }
}

/// The targets of all endpoints, those of replicas made one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MergedTargets {
    /// Targets that are scraped.
    pub active: Vec<Sourced<ActiveTarget>>,
    /// Targets that relabelling dropped.
    pub dropped: Vec<Sourced<DroppedTarget>>,
}

impl Fanout {
    async fn ask_targets(
        &self,
        request: TargetsRequest,
    ) -> Result<WithWarnings<Vec<Answer<TargetDiscovery>>>, Error> {
        let asked =
            self.serving(|info| info.targets).into_iter().map(|endpoint| (endpoint, request)).collect();
        ask_all(asked, request.partial_response_strategy, "targets", |endpoint, request| async move {
            endpoint.remote.targets(request).await
        })
        .await
    }

    /// Targets as the HTTP API shows them.
    pub async fn merged_targets(
        &self,
        request: TargetsRequest,
    ) -> Result<WithWarnings<MergedTargets>, Error> {
        let answers = self.ask_targets(request).await.map_err(|error| error.context("proxy Targets"))?;
        let mut merged = MergedTargets::default();
        for Answer { endpoint, value } in answers.value {
            let active = value.active_targets.into_iter();
            merged.active.extend(active.map(|target| Sourced::of(target, &endpoint)));
            let dropped = value.dropped_targets.into_iter();
            merged.dropped.extend(dropped.map(|target| Sourced::of(target, &endpoint)));
        }
        deduplicate(&mut merged, &self.replica_labels);
        Ok(WithWarnings { value: merged, warnings: answers.warnings })
    }
}

fn deduplicate(targets: &mut MergedTargets, replica_labels: &[String]) {
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
    targets.active.sort_by(|a, b| order(&a.value, &b.value));
    for target in &mut targets.active {
        strip(&mut target.value.discovered_labels, replica_labels);
        strip(&mut target.value.labels, replica_labels);
    }
    targets.active.dedup_by(|next, kept| {
        let same = order(&next.value, &kept.value).is_eq();
        if same {
            if better(&next.value, &kept.value) {
                std::mem::swap(next, kept);
            }
            kept.join(std::mem::take(&mut next.sources));
        }
        same
    });
    let order = |a: &DroppedTarget, b: &DroppedTarget| {
        label_set_labels(a.discovered_labels.as_ref()).cmp(&label_set_labels(b.discovered_labels.as_ref()))
    };
    targets.dropped.sort_by(|a, b| order(&a.value, &b.value));
    for target in &mut targets.dropped {
        strip(&mut target.value.discovered_labels, replica_labels);
    }
    targets.dropped.dedup_by(|next, kept| {
        let same = order(&next.value, &kept.value).is_eq();
        if same {
            kept.join(std::mem::take(&mut next.sources));
        }
        same
    });
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
        let dropped = |endpoint| Sourced::of(DroppedTarget::default(), endpoint);
        let mut targets = MergedTargets {
            active: vec![
                Sourced::of(target("a", 1, 5), "e1"),
                Sourced::of(target("b", 1, 9), "e3"),
                Sourced::of(target("c", 1, 1), "e2"),
            ],
            dropped: vec![dropped("e1"), dropped("e2")],
        };
        deduplicate(&mut targets, &["replica".to_owned()]);
        assert_eq!(targets.active.len(), 1);
        assert_eq!(targets.active[0].value.last_scrape.unwrap().seconds, 9);
        assert_eq!(targets.active[0].sources, ["e1", "e2", "e3"]);
        assert_eq!(targets.dropped.len(), 1);
        assert_eq!(targets.dropped[0].sources, ["e1", "e2"]);
    }
}
