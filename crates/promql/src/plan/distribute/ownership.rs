//! Which engine answers for which partition at which steps.

use std::collections::{BTreeMap, BTreeSet};

use model::labels::Labels;

use super::{Partition, RemoteEngine};
use crate::plan::Grid;

/// What evaluating an expression at a step needs of the data.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    /// The times from `t - back` to `t + ahead` for a step at `t`, ms.
    Around { back: i64, ahead: i64 },
    /// The same times (ms, closed) at every step.
    Fixed(i64, i64),
}

/// The samples of an engine's answer that count: of a partition that several engines have, each step comes from one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// The labels that tell partitions apart.
    names: Vec<String>,
    /// The partitions that the engine shares with others, and the times (ms, closed, ascending) for which it answers.
    shared: Vec<(Labels, Vec<(i64, i64)>)>,
}

impl Owned {
    /// The times at which samples of a series count; `None` for all.
    pub fn of(&self, labels: &Labels) -> Option<&[(i64, i64)]> {
        if self.shared.is_empty() {
            return None;
        }
        let restricted = labels.only(&self.names);
        self.shared.iter().find(|(partition, _)| *partition == restricted).map(|(_, times)| times.as_slice())
    }
}

/// The steps for which an engine answers, and what of its answer counts.
pub(super) struct Share {
    pub(super) engine: usize,
    /// ms, closed
    pub(super) steps: (i64, i64),
    pub(super) owned: Owned,
}

struct Candidate<'a> {
    engine: usize,
    partition: &'a Partition,
    mint: i64,
    maxt: i64,
}

/// Shares the steps out. `relevant` tells whether the expression can find anything in a partition. `None` when some step of some
/// partition is covered by no engine alone.
pub(super) fn share_out(
    engines: &[RemoteEngine],
    names: &BTreeSet<&str>,
    grid: &Grid,
    need: Need,
    relevant: impl Fn(&Partition) -> bool,
) -> Option<Vec<Share>> {
    let mut by_labels: BTreeMap<&Labels, Vec<Candidate<'_>>> = BTreeMap::new();
    for (engine, remote) in engines.iter().enumerate() {
        for partition in remote.partitions.iter().filter(|partition| relevant(partition)) {
            let (mint, maxt) = (partition.mint, partition.maxt);
            let candidate = Candidate { engine, partition, mint, maxt };
            by_labels.entry(&partition.labels).or_default().push(candidate);
        }
    }
    let all = (grid.start, grid.last());
    let mut shares: BTreeMap<usize, Share> = BTreeMap::new();
    for (labels, mut candidates) in by_labels {
        widen(&mut candidates);
        let shared = candidates.len() > 1;
        let times = match (candidates.as_slice(), need) {
            ([only], _) => vec![(only.engine, all)],
            (_, Need::Fixed(mint, maxt)) => vec![(pick(&candidates, mint, maxt)?, all)],
            (_, Need::Around { back, ahead }) => by_step(&candidates, grid, back, ahead)?,
        };
        for candidate in &candidates {
            let own: Vec<(i64, i64)> = times
                .iter()
                .filter(|(engine, _)| *engine == candidate.engine)
                .map(|(_, times)| *times)
                .collect();
            let share = shares.entry(candidate.engine).or_insert_with(|| Share {
                engine: candidate.engine,
                steps: (i64::MAX, i64::MIN),
                owned: Owned {
                    names: names.iter().map(|name| (*name).to_owned()).collect(),
                    ..Owned::default()
                },
            });
            for (first, last) in &own {
                share.steps = (share.steps.0.min(*first), share.steps.1.max(*last));
            }
            if shared {
                debug_assert_eq!(labels, &candidate.partition.labels);
                share.owned.shared.push((candidate.partition.labels.clone(), own));
            }
        }
    }
    Some(shares.into_values().filter(|share| share.steps.0 <= share.steps.1).collect())
}

/// Sorts by the oldest data. Nobody has older data than the first, and nobody newer ones than the one that reaches furthest, so
/// that these have all there are.
fn widen(candidates: &mut [Candidate<'_>]) {
    candidates.sort_by_key(|candidate| candidate.mint);
    if let Some(oldest) = candidates.first_mut() {
        oldest.mint = i64::MIN;
    }
    if let Some(newest) = candidates.iter_mut().max_by_key(|candidate| candidate.maxt) {
        newest.maxt = i64::MAX;
    }
}

/// The engine with the newest data among those that have all of the times from `mint` to `maxt`. None when another engine has data of
/// other replicas in these times, which would be joined with this one's.
fn pick(candidates: &[Candidate<'_>], mint: i64, maxt: i64) -> Option<usize> {
    let owner = candidates.iter().rev().find(|c| c.mint <= mint && maxt <= c.maxt)?;
    let joined = |set: &Labels| set.is_empty();
    let has_all = owner.partition.replicas.iter().any(joined);
    let adds = |c: &Candidate<'_>| {
        let within = c.partition.mint <= maxt && mint <= c.partition.maxt;
        let others = c.partition.replicas.iter();
        within && others.filter(|set| !joined(set)).any(|set| !owner.partition.replicas.contains(set))
    };
    (has_all || !candidates.iter().any(adds)).then_some(owner.engine)
}

/// For each step the engine with the newest data among those that cover it; runs of steps joined.
fn by_step(
    candidates: &[Candidate<'_>],
    grid: &Grid,
    back: i64,
    ahead: i64,
) -> Option<Vec<(usize, (i64, i64))>> {
    let mut runs: Vec<(usize, (i64, i64))> = Vec::new();
    for step in 0..grid.count {
        let t = grid.at(step);
        let engine = pick(candidates, t.saturating_sub(back), t.saturating_add(ahead))?;
        match runs.last_mut() {
            Some((last, (_, end))) if *last == engine => *end = t,
            _ => runs.push((engine, (t, t))),
        }
    }
    Some(runs)
}
