//! Keeps the blocks whose external labels pass relabel rules.

use async_trait::async_trait;
use model::{
    labels::{Labels, LabelsBuilder},
    relabel::{Action, RelabelConfig, process_builder},
};

use super::MetaFilter;
use crate::{
    Result,
    fetcher::{Counts, Metas, State},
};

/// A label that rules see beside the external ones: the block's name.
pub const BLOCK_ID_LABEL: &str = "__block_id";

/// Reads the rules of `--selector.relabel-config`, which may only keep, drop and hash.
pub fn parse_selector(yaml: &str) -> std::result::Result<Vec<RelabelConfig>, String> {
    if yaml.trim().is_empty() {
        return Ok(Vec::new());
    }
    let rules: Option<Vec<RelabelConfig>> =
        serde_saphyr::from_str(yaml).map_err(|error| format!("parsing relabel configuration: {error}"))?;
    let rules = rules.unwrap_or_default();
    for rule in &rules {
        if !matches!(rule.action, Action::Keep | Action::Drop | Action::HashMod) {
            return Err(format!("unsupported relabel action: {}", rule.action));
        }
    }
    Ok(rules)
}

/// Keeps a block when labels are left of it after the rules.
#[derive(Debug, Clone, Default)]
pub struct LabelSharding {
    /// The rules.
    pub rules: Vec<RelabelConfig>,
    /// Labels the rules do not see: replicas of one series shall go to one shard.
    pub replica_labels: Vec<String>,
}

#[async_trait]
impl MetaFilter for LabelSharding {
    async fn filter(&self, _: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        let mut builder = LabelsBuilder::new(&Labels::empty());
        metas.retain(|id, meta| {
            builder.reset(&Labels::empty());
            builder.set(BLOCK_ID_LABEL, &id.to_string());
            for (name, value) in
                meta.thanos.labels.iter().filter(|(name, _)| !self.replica_labels.contains(name))
            {
                builder.set(name, value);
            }
            let kept = process_builder(&mut builder, &self.rules) && !builder.labels().is_empty();
            if !kept {
                counts.add(State::LabelExcluded);
            }
            kept
        });
        Ok(())
    }
}
