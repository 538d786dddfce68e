//! Takes replica labels out of the external labels, so that replicas fall into one group.

use std::sync::Arc;

use async_trait::async_trait;

use super::MetaFilter;
use crate::{
    Result,
    fetcher::{Counts, Metas, Modified},
};

/// Takes labels out of every block's external labels. A block that had no others gets the first one back, with value `deduped`.
#[derive(Debug, Clone, Default)]
pub struct ReplicaLabelRemover {
    /// The labels.
    pub labels: Vec<String>,
}

#[async_trait]
impl MetaFilter for ReplicaLabelRemover {
    async fn filter(&self, _: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        let Some(first) = self.labels.first() else { return Ok(()) };
        for (id, meta) in metas.iter_mut() {
            let labels = &meta.thanos.labels;
            if !labels.is_empty() && !self.labels.iter().any(|name| labels.contains_key(name)) {
                continue;
            }
            let meta = Arc::make_mut(meta);
            for name in &self.labels {
                if meta.thanos.labels.remove(name).is_some() {
                    counts.add_modified(Modified::ReplicaLabelRemoved);
                }
            }
            if meta.thanos.labels.is_empty() {
                tracing::warn!(block = %id, label = first, "block has no labels left, creating one with value deduped");
                meta.thanos.labels.insert(first.clone(), "deduped".to_owned());
            }
        }
        Ok(())
    }
}
