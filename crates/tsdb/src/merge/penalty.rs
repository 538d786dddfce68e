//! Penalty deduplication of the chunks of one series, over columns.
//!
//! Thanos wraps one iterator over two for every chunk that overlaps, so that each sample passes all of them. Here the
//! result so far is kept as columns, and a further chunk is merged into it from the place on where it can have an
//! effect; what lies before is left as it is. Of a chunk only those samples are decoded that decide: of two replicas
//! without gaps that is about half. The choices are the same, sample for sample. Source of the rules: Thanos
//! `pkg/dedup/iter.go`.

use super::replica::Replica;
use crate::error::Error;

/// Penalty against the other replica, in ms, as long as no distance of samples is known.
const INITIAL_PENALTY: i64 = 5000;

/// Samples decoded at once when one is looked for.
const LOOK: usize = 8;

/// Columns of samples, kept for the next series.
#[derive(Debug)]
pub(super) struct Columns<V> {
    pub(super) timestamps: Vec<i64>,
    pub(super) values: Vec<V>,
}

impl<V> Default for Columns<V> {
    fn default() -> Self {
        Self { timestamps: Vec::new(), values: Vec::new() }
    }
}

impl<V> Default for Buffers<V> {
    fn default() -> Self {
        Self { out: Columns::default(), reach: Vec::new(), sides: Default::default() }
    }
}

impl<V: Clone> Columns<V> {
    pub(super) fn clear(&mut self) {
        self.timestamps.clear();
        self.values.clear();
    }

    /// Adds samples of another one.
    fn extend(&mut self, from: &Self, range: std::ops::Range<usize>) {
        self.timestamps.extend_from_slice(&from.timestamps[range.clone()]);
        self.values.extend_from_slice(&from.values[range]);
    }
}

/// The memory of [`Deduplicated`], to be used again.
pub(super) struct Buffers<V> {
    pub(super) out: Columns<V>,
    /// For each sample of `out` the time from which on another replica's samples may still be seen after it and those
    /// before it: what begins later is not touched by any choice up to here.
    reach: Vec<i64>,
    sides: [Columns<V>; 2],
}

/// The deduplicated samples of some chunks.
pub(super) struct Deduplicated<'b, V, R> {
    buffers: &'b mut Buffers<V>,
    /// What comes after all of these: the rest of the chunk that was merged last or of the one before, not decoded yet.
    rest: Option<R>,
}

/// Where a merge of two stands.
#[derive(Clone, Copy)]
struct State {
    last: i64,
    penalty: [i64; 2],
}

/// One of the two that are merged.
struct Side<V, R> {
    columns: Columns<V>,
    /// Sample it stands at, of those that are decoded.
    at: usize,
    rest: Option<R>,
}

impl<V: Clone, R: Replica<V>> Side<V, R> {
    /// Decodes some more; false at the end.
    fn more(&mut self, most: usize) -> Result<bool, Error> {
        let Some(rest) = &mut self.rest else { return Ok(false) };
        if rest.left() == 0 {
            self.rest = None;
            return Ok(false);
        }
        rest.read(most, &mut self.columns.timestamps, &mut self.columns.values)?;
        Ok(true)
    }

    /// Goes to the first sample at or after `from`; `None` when there is none.
    #[inline]
    fn seek(&mut self, from: i64) -> Result<Option<i64>, Error> {
        loop {
            while let Some(t) = self.columns.timestamps.get(self.at) {
                if *t >= from {
                    return Ok(Some(*t));
                }
                self.at += 1;
            }
            // The end of a chunk is known without decoding it.
            if self.rest.as_ref().is_some_and(|rest| rest.maxt() < from) {
                self.rest = None;
            }
            if !self.more(LOOK)? {
                return Ok(None);
            }
        }
    }

    /// Goes on from the present sample as long as none of the other side can come before. Returns the time from which on
    /// the other side is seen again; `reach` gets the like for every sample.
    fn follow(&mut self, mut skip: i64, wins_ties: bool, reach: &mut Vec<i64>) -> Result<i64, Error> {
        let floor = reach.last().copied().unwrap_or(i64::MIN);
        let ties = i64::from(wins_ties);
        reach.push(floor.max(skip));
        loop {
            let (done, rest) = self.columns.timestamps.split_at(self.at + 1);
            let mut last = done[self.at];
            reach.reserve(rest.len());
            for next in rest {
                if *next <= last || *next >= skip.saturating_add(ties) {
                    return Ok(skip);
                }
                skip = skip.max(after(*next, distance(last, *next)));
                last = *next;
                self.at += 1;
                reach.push(floor.max(skip));
            }
            // Who is followed so far is likely to be followed to the end.
            if !self.more(usize::MAX)? {
                return Ok(skip);
            }
        }
    }
}

impl<'b, V: Clone, R: Replica<V>> Deduplicated<'b, V, R> {
    /// Nothing yet.
    pub(super) fn new(buffers: &'b mut Buffers<V>) -> Self {
        buffers.out.clear();
        buffers.reach.clear();
        Self { buffers, rest: None }
    }

    /// All samples.
    pub(super) fn finish(mut self) -> Result<&'b Columns<V>, Error> {
        self.take_rest(i64::MAX)?;
        let Self { buffers, .. } = self;
        Ok(&buffers.out)
    }

    /// Decodes what is left until something in it could be touched by samples from `first` on.
    fn take_rest(&mut self, first: i64) -> Result<(), Error> {
        while self.buffers.reach.last().is_none_or(|reach| *reach <= first)
            && let Some(rest) = &mut self.rest
        {
            if rest.left() == 0 {
                self.rest = None;
                break;
            }
            let most = if rest.maxt() < first { usize::MAX } else { 4 * LOOK };
            let mut side = std::mem::take(&mut self.buffers.sides[0]);
            side.clear();
            rest.read(most, &mut side.timestamps, &mut side.values)?;
            self.emit_rest(&side, 0);
            self.buffers.sides[0] = side;
        }
        Ok(())
    }

    /// Emits samples that ascend strictly from the last one on.
    #[inline]
    fn emit_run(&mut self, from: &Columns<V>, range: std::ops::Range<usize>) {
        let Buffers { out, reach: reaches, .. } = &mut *self.buffers;
        let Some((first, others)) = from.timestamps[range.clone()].split_first() else { return };
        let (mut last, mut reach) = match (out.timestamps.last(), reaches.last()) {
            (Some(last), Some(reach)) => (*last, (*reach).max(after(*first, distance(*last, *first)))),
            _ => (*first, after(*first, INITIAL_PENALTY)),
        };
        last = last.max(*first);
        out.extend(from, range);
        reaches.push(reach);
        reaches.extend(others.iter().map(|t| {
            reach = reach.max(after(*t, distance(last, *t)));
            last = *t;
            reach
        }));
    }

    /// Emits what is left of a replica, samples after the last one only.
    fn emit_rest(&mut self, from: &Columns<V>, start: usize) {
        let timestamps = &from.timestamps[start..];
        let last = self.buffers.out.timestamps.last();
        let begins_after = last.is_none_or(|last| timestamps.first().is_none_or(|t| t > last));
        if begins_after && timestamps.is_sorted_by(|a, b| a < b) {
            return self.emit_run(from, start..from.timestamps.len());
        }
        for (i, t) in timestamps.iter().enumerate() {
            if self.buffers.out.timestamps.last().is_none_or(|last| t > last) {
                self.emit_run(from, start + i..start + i + 1);
            }
        }
    }

    /// Merges the samples of a further chunk, which replicate what is there.
    pub(super) fn merge(&mut self, mut chunk: R) -> Result<(), Error> {
        let [mut a, mut b] = std::mem::take(&mut self.buffers.sides);
        b.clear();
        chunk.read(LOOK, &mut b.timestamps, &mut b.values)?;
        self.buffers.sides[0] = a;
        let Some(first) = b.timestamps.first().copied() else {
            self.buffers.sides[1] = b;
            return Ok(());
        };
        self.take_rest(first)?;
        a = std::mem::take(&mut self.buffers.sides[0]);
        a.clear();
        // Up to here nothing was chosen that skips a sample of the chunk, and all lies before it.
        let Buffers { out, reach, .. } = &mut *self.buffers;
        let settled = reach.partition_point(|reach| *reach <= first);
        a.extend(out, settled..out.timestamps.len());
        out.timestamps.truncate(settled);
        out.values.truncate(settled);
        reach.truncate(settled);
        let state = match out.timestamps.as_slice() {
            [] => State { last: i64::MIN, penalty: [0, 0] },
            [only] => State { last: *only, penalty: [0, INITIAL_PENALTY] },
            [.., before, last] => State { last: *last, penalty: [0, distance(*before, *last)] },
        };
        let rest = self.rest.take();
        let mut sides = [Side { columns: a, at: 0, rest }, Side { columns: b, at: 0, rest: Some(chunk) }];
        self.choose(&mut sides, state)?;
        self.buffers.sides = sides.map(|side| side.columns);
        Ok(())
    }

    /// Thanos's choice between two replicas, from a state on.
    fn choose(&mut self, sides: &mut [Side<V, R>; 2], mut state: State) -> Result<(), Error> {
        // What a replica has before is gone, even if its penalty falls again.
        let mut from = [i64::MIN; 2];
        loop {
            for (from, penalty) in from.iter_mut().zip(state.penalty) {
                *from = (*from).max(state.last.wrapping_add(1).wrapping_add(penalty));
            }
            let [a, b] = &mut *sides;
            let chosen = match (a.seek(from[0])?, b.seek(from[1])?) {
                (Some(ta), Some(tb)) => usize::from(tb < ta),
                (left, _) => {
                    // Only one has samples left, or none.
                    let side = &mut sides[usize::from(left.is_none())];
                    self.emit_rest(&side.columns, side.at);
                    self.rest = side.rest.take();
                    return Ok(());
                }
            };
            let side = &mut sides[chosen];
            let (start, t) = (side.at, side.columns.timestamps[side.at]);
            // The replica that was not chosen has to wait for twice the distance of the last two samples, so that two
            // replicas do not add up to a denser series. As long as the next sample of the chosen replica comes before
            // that ends, it is chosen whatever the other has; the other only skips what was in the way meanwhile. When
            // both come at once the first one is chosen.
            let first = if state.last == i64::MIN { INITIAL_PENALTY } else { distance(state.last, t) };
            let skip = side.follow(after(t, first), chosen == 0, &mut self.buffers.reach)?;
            let times = &side.columns.timestamps[start..=side.at];
            let (before, last) = match times {
                [.., before, last] => (*before, *last),
                _ => (state.last, t),
            };
            self.buffers.out.extend(&side.columns, start..side.at + 1);
            from[1 - chosen] = from[1 - chosen].max(skip);
            let penalty = if before == i64::MIN { first } else { distance(before, last) };
            (state.penalty[chosen], state.penalty[1 - chosen], state.last) = (0, penalty, last);
        }
    }
}

/// Twice the distance of two samples in ms.
#[inline(always)]
fn distance(before: i64, after: i64) -> i64 {
    after.wrapping_sub(before).wrapping_mul(2)
}

/// From when on a replica is seen again.
#[inline(always)]
fn after(last: i64, penalty: i64) -> i64 {
    last.saturating_add(1).saturating_add(penalty)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::replica::Decoded;
    use super::*;

    /// Thanos's iterator over two lists, written down as it is.
    fn naive(a: &[i64], b: &[i64]) -> Vec<i64> {
        let seek = |list: &[i64], at: &mut usize, t: i64| {
            while *at < list.len() && list[*at] < t {
                *at += 1;
            }
            list.get(*at).copied()
        };
        let (mut ia, mut ib, mut last, mut pa, mut pb) = (0, 0, i64::MIN, 0, 0);
        let mut out = Vec::new();
        loop {
            let ta = seek(a, &mut ia, last.wrapping_add(1 + pa));
            let tb = seek(b, &mut ib, last.wrapping_add(1 + pb));
            let step = |t| if last == i64::MIN { INITIAL_PENALTY } else { 2 * (t - last) };
            match (ta, tb) {
                (None, None) => return out,
                (None, Some(t)) => (last, pb) = (t, 0),
                (Some(t), None) => (last, pa) = (t, 0),
                (Some(ta), Some(tb)) if ta <= tb => (pb, pa, last) = (step(ta), 0, ta),
                (Some(_), Some(tb)) => (pa, pb, last) = (step(tb), 0, tb),
            }
            out.push(last);
        }
    }

    fn replica() -> impl Strategy<Value = Vec<Vec<i64>>> {
        let steps =
            prop::collection::vec(prop_oneof![8 => 900..1100i64, 1 => 1..20_000i64, 1 => 1..50i64], 0..60);
        (0..3000i64, steps, 1..12usize).prop_map(|(start, steps, len)| {
            let times: Vec<i64> = steps
                .into_iter()
                .scan(start, |t, step| {
                    *t += step;
                    Some(*t)
                })
                .collect();
            times.chunks(len).map(<[i64]>::to_vec).collect()
        })
    }

    proptest! {
        #[test]
        fn chooses_as_nested_iterators_do(a in replica(), b in replica(), c in replica()) {
            let mut chunks: Vec<Vec<i64>> = a.into_iter().chain(b).chain(c).collect();
            chunks.sort_by_key(|c| (c[0], c[c.len() - 1]));
            let mut buffers = Buffers::default();
            let mut ours = Deduplicated::new(&mut buffers);
            let mut theirs: Option<Vec<i64>> = None;
            for chunk in &chunks {
                ours.merge(Decoded::from(chunk.iter().map(|t| (*t, *t)).collect::<Vec<_>>())).unwrap();
                theirs = Some(theirs.map_or_else(|| chunk.clone(), |before| naive(&before, chunk)));
            }
            let ours = ours.finish().unwrap();
            prop_assert_eq!(&ours.timestamps, &theirs.unwrap_or_default());
            prop_assert_eq!(&ours.values, &ours.timestamps);
        }
    }
}
