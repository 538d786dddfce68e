//! Which series belong to a shard of a vertically sharded query.

use model::labels::Labels;

use crate::ShardInfo;

/// Decides which series belong to a shard, by Thanos's hash over the labels sharded by (or all but those).
#[derive(Clone, Debug)]
pub struct ShardMatcher {
    shard: Option<Shard>,
}

#[derive(Clone, Debug)]
struct Shard {
    index: u64,
    total: u64,
    by: bool,
    /// Sorted.
    labels: Vec<String>,
}

impl ShardMatcher {
    /// The matcher of a request's shard; without one, or with less than one shard in total, it takes all.
    pub fn new(info: Option<&ShardInfo>) -> Self {
        let shard = info.filter(|info| info.total >= 1).map(|info| Shard {
            index: info.index as u64,
            total: info.total as u64,
            by: info.by,
            labels: {
                let mut labels = info.labels.clone();
                labels.sort_unstable();
                labels
            },
        });
        ShardMatcher { shard }
    }

    /// Whether it may refuse any series.
    pub fn is_sharded(&self) -> bool {
        self.shard.is_some()
    }

    /// Whether the series belongs to the shard.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.shard.as_ref().is_none_or(|shard| {
            let hash =
                if shard.by { labels.hash_for(&shard.labels) } else { labels.without(&shard.labels).hash() };
            hash % shard.total == shard.index
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_in_exactly_one_shard() {
        for by in [true, false] {
            let shards: Vec<_> = (0..3)
                .map(|index| {
                    ShardMatcher::new(Some(&ShardInfo { index, total: 3, by, labels: vec!["pod".into()] }))
                })
                .collect();
            for pod in 0..50 {
                let labels = Labels::from_pairs([("__name__", "up".to_owned()), ("pod", pod.to_string())]);
                assert_eq!(shards.iter().filter(|shard| shard.matches(&labels)).count(), 1);
            }
        }
    }

    #[test]
    fn no_shards_take_all() {
        assert!(ShardMatcher::new(None).matches(&Labels::empty()));
        assert!(!ShardMatcher::new(Some(&ShardInfo::default())).is_sharded());
    }
}
