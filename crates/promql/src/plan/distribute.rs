//! Splits a query among remote engines that hold parts of the data, so that only partial results travel.
//!
//! The series behind the engines fall into partitions, told apart by external labels. An expression can be left to the engines
//! whole where it computes within partitions only ([`partitioned`]); an aggregation over partitions is split into one that each
//! engine does within its partitions and one that joins their results. Such an expression becomes a [`Leaf`]; what is around the
//! leaves is evaluated here. Which engine answers for which partition at which steps is decided by their time ranges
//! ([`ownership`]); where no engine can answer for a step alone, the expression stays here.

mod ownership;
mod partitioned;
mod resolve;
mod split;
mod values;

use std::collections::BTreeSet;

use model::labels::Labels;

use super::rules::Rules;
use super::{BuildOptions, Grid};
use crate::ast::Expr;
use crate::engine::{EngineOptions, QueryParams};

pub use ownership::Owned;
pub use values::{LeafValue, RemoteSample, WithLeaves, left_out_a_group};

/// A part of the data of a remote engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The external labels by which partitions are told apart.
    pub labels: Labels,
    /// All external label sets of the partition, replica labels left out; selectors that match none of them find nothing in it.
    pub label_sets: Vec<Labels>,
    /// The replica labels of its replicas; the empty set stands for data of which the replicas are joined already.
    pub replicas: Vec<Labels>,
    /// From this time on (ms) the engine has all data of the partition.
    pub mint: i64,
    /// Up to this time (ms, inclusive) it has them.
    pub maxt: i64,
}

/// An engine elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteEngine {
    /// What it holds, each partition once.
    pub partitions: Vec<Partition>,
}

/// A query one part of which others compute.
#[derive(Clone, Debug)]
pub struct Distributed {
    /// What is left to do, with [`Expr::Remote`] for each leaf.
    pub expr: Expr,
    /// The leaves; a remote expression's id is the index.
    pub leaves: Vec<Leaf>,
}

/// An expression that engines compute, each for its partitions.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Who computes it. Nobody where no engine has matching data: the value then is empty.
    pub parts: Vec<Part>,
}

/// What one engine is asked for.
#[derive(Clone, Debug)]
pub struct Part {
    /// Index of the engine.
    pub engine: usize,
    /// The expression. It does not depend on the start, the end or the step of its query.
    pub query: String,
    /// First step, ms.
    pub start: i64,
    /// Last step, ms.
    pub end: i64,
    /// Distance of steps, ms; 0 for an instant query.
    pub step: i64,
    /// Which samples of the answer count.
    pub owned: Owned,
}

/// Splits a query, or gives `None` where nothing of it can be left to the engines.
///
/// Engines are asked in whole seconds: expressions at other times stay here. `lookback` is in ms.
pub fn distribute(
    expr: &Expr,
    params: &QueryParams,
    lookback: i64,
    options: &EngineOptions,
    engines: &[RemoteEngine],
) -> Option<Distributed> {
    let partitions = || engines.iter().flat_map(|engine| &engine.partitions);
    let names: BTreeSet<&str> =
        partitions().flat_map(|partition| partition.labels.iter().map(|(name, _)| name)).collect();
    // Without a label of its own, a partition's series cannot be told from those of others.
    if engines.is_empty() || (engines.len() > 1 && partitions().any(|partition| partition.labels.is_empty()))
    {
        return None;
    }
    let options = BuildOptions {
        start: params.start,
        end: params.end,
        step: params.step,
        lookback,
        // Only the times of its selects are of interest.
        rules: Rules::none(),
        replica_labels: &[],
        default_subquery_step: &*options.default_subquery_step,
    };
    let grid = Grid::new(params.start, params.end, params.step);
    let mut splitter = split::Splitter { engines, names: &names, options, leaves: Vec::new() };
    let expr = splitter.rewrite(expr, &grid);
    let leaves = splitter.leaves;
    (!leaves.is_empty()).then_some(Distributed { expr, leaves })
}

#[cfg(test)]
mod tests;
