//! Relabelling as in Prometheus: rules that change, keep or drop label sets.
//!
//! Names may be any UTF-8, as Thanos allows everywhere it relabels.

mod case;
mod config;

use md5::{Digest, Md5};

pub use config::{Action, RelabelConfig, RelabelError};

use crate::labels::{Labels, LabelsBuilder};

/// Applies the rules in order; `None` when one of them drops the set.
pub fn process(labels: &Labels, configs: &[RelabelConfig]) -> Option<Labels> {
    let mut builder = LabelsBuilder::new(labels);
    process_builder(&mut builder, configs).then(|| builder.labels())
}

/// Applies the rules to a builder; says whether the set is kept. After a drop the builder's content means nothing.
pub fn process_builder(builder: &mut LabelsBuilder, configs: &[RelabelConfig]) -> bool {
    configs.iter().all(|config| apply(config, builder))
}

fn apply(config: &RelabelConfig, builder: &mut LabelsBuilder) -> bool {
    let source = match config.source_labels.as_slice() {
        [] => String::new(),
        [name] => builder.get(name).to_owned(),
        names => {
            let values: Vec<&str> = names.iter().map(|name| builder.get(name)).collect();
            values.join(&config.separator)
        }
    };
    let target = config.target_label.as_str();
    match config.action {
        Action::Drop => return !config.regex.is_match(&source),
        Action::Keep => return config.regex.is_match(&source),
        Action::DropEqual => return builder.get(target) != source,
        Action::KeepEqual => return builder.get(target) == source,
        Action::Replace => replace(config, &source, builder),
        Action::Lowercase => {
            builder.set(target, &case::lower(&source));
        }
        Action::Uppercase => {
            builder.set(target, &case::upper(&source));
        }
        Action::HashMod => {
            builder.set(target, &hash_mod(&source, config.modulus).to_string());
        }
        Action::LabelMap => label_map(config, builder),
        Action::LabelDrop => delete_names(builder, |name| config.regex.is_match(name)),
        Action::LabelKeep => delete_names(builder, |name| !config.regex.is_match(name)),
    }
    true
}

fn replace(config: &RelabelConfig, source: &str, builder: &mut LabelsBuilder) {
    let Some(groups) = config.regex.groups(source) else { return };
    let target = groups.expand(&config.target_label);
    if target.is_empty() {
        return;
    }
    let value = groups.expand(&config.replacement);
    builder.set(&target, &value);
}

/// The last eight bytes of the MD5 sum, modulo `modulus`, which validation keeps from being zero.
fn hash_mod(source: &str, modulus: u64) -> u64 {
    let sum = Md5::digest(source.as_bytes());
    let tail = u64::from_be_bytes(sum[8..].try_into().expect("sixteen bytes less eight"));
    tail.checked_rem(modulus).unwrap_or(0)
}

fn label_map(config: &RelabelConfig, builder: &mut LabelsBuilder) {
    let mut changes = Vec::new();
    for (name, value) in builder.current() {
        if let Some(groups) = config.regex.groups(name) {
            changes.push((groups.expand(&config.replacement), value.to_owned()));
        }
    }
    for (name, value) in changes {
        builder.set(&name, &value);
    }
}

fn delete_names(builder: &mut LabelsBuilder, goes: impl Fn(&str) -> bool) {
    let names: Vec<String> =
        builder.current().filter(|(name, _)| goes(name)).map(|(name, _)| name.to_owned()).collect();
    for name in names {
        builder.del(&name);
    }
}

#[cfg(test)]
mod tests;
