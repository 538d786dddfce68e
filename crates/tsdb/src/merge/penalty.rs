//! Penalty deduplication of the chunks of one series, over columns.
//!
//! Thanos wraps one iterator over two for every chunk that overlaps, so that each sample passes all of them. Here the
//! result so far is kept as columns, and a further chunk is merged into it from the place on where it can have an
//! effect; what lies before is left as it is. The choices are the same, sample for sample. Source of the rules: Thanos
//! `pkg/dedup/iter.go`.

/// Penalty against the other replica, in ms, as long as no distance of samples is known.
const INITIAL_PENALTY: i64 = 5000;

/// The deduplicated samples of some chunks.
pub(super) struct Deduplicated<V> {
    pub(super) timestamps: Vec<i64>,
    pub(super) values: Vec<V>,
    /// For each sample the time from which on another replica's samples may still be seen after it and those before it:
    /// what begins later is not touched by any choice up to here.
    reach: Vec<i64>,
    tail_timestamps: Vec<i64>,
    tail_values: Vec<V>,
}

/// Where a merge of two stands.
#[derive(Clone, Copy)]
struct State {
    last: i64,
    penalty_a: i64,
    penalty_b: i64,
}

impl<V: Clone> Deduplicated<V> {
    pub(super) fn new() -> Self {
        Self {
            timestamps: Vec::new(),
            values: Vec::new(),
            reach: Vec::new(),
            tail_timestamps: Vec::new(),
            tail_values: Vec::new(),
        }
    }

    /// Forgets the samples and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.timestamps.clear();
        self.values.clear();
        self.reach.clear();
    }

    /// Emits samples that ascend strictly from the last one on.
    #[inline]
    fn emit_run(&mut self, timestamps: &[i64], values: &[V]) {
        let Some((first, rest)) = timestamps.split_first() else { return };
        let (mut last, mut reach) = match (self.timestamps.last(), self.reach.last()) {
            (Some(last), Some(reach)) => (*last, (*reach).max(after(*first, 2 * (first - last)))),
            _ => (*first, after(*first, INITIAL_PENALTY)),
        };
        last = last.max(*first);
        self.timestamps.extend_from_slice(timestamps);
        self.values.extend_from_slice(values);
        self.reach.push(reach);
        self.reach.extend(rest.iter().map(|t| {
            reach = reach.max(after(*t, 2 * (t - last)));
            last = *t;
            reach
        }));
    }

    /// Emits what is left of a replica, samples after the last one only.
    fn emit_rest(&mut self, timestamps: &[i64], values: &[V]) {
        let begins_after =
            self.timestamps.last().is_none_or(|last| timestamps.first().is_none_or(|t| t > last));
        if begins_after && timestamps.is_sorted_by(|a, b| a < b) {
            return self.emit_run(timestamps, values);
        }
        for (i, t) in timestamps.iter().enumerate() {
            if self.timestamps.last().is_none_or(|last| t > last) {
                self.emit_run(&timestamps[i..=i], &values[i..=i]);
            }
        }
    }

    /// Merges the samples of a further chunk, which replicate what is there.
    pub(super) fn merge(&mut self, timestamps: &[i64], values: &[V]) {
        let Some(first) = timestamps.first() else { return };
        // Up to here nothing was chosen that skips a sample of the chunk, and all lies before it.
        let settled = self.reach.partition_point(|reach| reach <= first);
        let (mut a_ts, mut a_vs) =
            (std::mem::take(&mut self.tail_timestamps), std::mem::take(&mut self.tail_values));
        a_ts.clear();
        a_vs.clear();
        a_ts.extend_from_slice(&self.timestamps[settled..]);
        a_vs.extend_from_slice(&self.values[settled..]);
        self.timestamps.truncate(settled);
        self.values.truncate(settled);
        self.reach.truncate(settled);
        let state = match self.timestamps.as_slice() {
            [] => State { last: i64::MIN, penalty_a: 0, penalty_b: 0 },
            [only] => State { last: *only, penalty_a: 0, penalty_b: INITIAL_PENALTY },
            [.., before, last] => State { last: *last, penalty_a: 0, penalty_b: 2 * (last - before) },
        };
        self.choose((&a_ts, &a_vs), (timestamps, values), state);
        (self.tail_timestamps, self.tail_values) = (a_ts, a_vs);
    }

    /// Thanos's choice between two replicas, from a state on.
    fn choose(&mut self, (a_ts, a_vs): (&[i64], &[V]), (b_ts, b_vs): (&[i64], &[V]), mut state: State) {
        let (mut a, mut b) = (0, 0);
        loop {
            let (from_a, from_b) = (
                state.last.wrapping_add(1).wrapping_add(state.penalty_a),
                state.last.wrapping_add(1).wrapping_add(state.penalty_b),
            );
            while a < a_ts.len() && a_ts[a] < from_a {
                a += 1;
            }
            while b < b_ts.len() && b_ts[b] < from_b {
                b += 1;
            }
            if a == a_ts.len() {
                self.emit_rest(&b_ts[b..], &b_vs[b..]);
                return;
            }
            if b == b_ts.len() {
                self.emit_rest(&a_ts[a..], &a_vs[a..]);
                return;
            }
            let (ta, tb) = (a_ts[a], b_ts[b]);
            // The replica that was not chosen has to wait for twice the distance of the last two samples, so that two
            // replicas do not add up to a denser series.
            let penalty =
                |t: i64| if state.last == i64::MIN { INITIAL_PENALTY } else { 2 * (t - state.last) };
            // As long as the next sample of the chosen replica comes before the other's penalty ends, it is chosen whatever
            // the other has; the other only skips what was in the way meanwhile.
            if ta <= tb {
                state = State { last: ta, penalty_a: 0, penalty_b: penalty(ta) };
                let (from, mut skip) = (a, after(state.last, state.penalty_b));
                while let Some(next) = a_ts.get(a + 1).copied()
                    && next > state.last
                    && next <= skip
                {
                    a += 1;
                    state = State { last: next, penalty_a: 0, penalty_b: 2 * (next - state.last) };
                    skip = skip.max(after(state.last, state.penalty_b));
                }
                self.emit_run(&a_ts[from..=a], &a_vs[from..=a]);
                b += b_ts[b..].iter().take_while(|t| **t < skip).count();
            } else {
                state = State { last: tb, penalty_a: penalty(tb), penalty_b: 0 };
                let (from, mut skip) = (b, after(state.last, state.penalty_a));
                // When both come at once the other one is chosen.
                while let Some(next) = b_ts.get(b + 1).copied()
                    && next > state.last
                    && next < skip
                {
                    b += 1;
                    state = State { last: next, penalty_a: 2 * (next - state.last), penalty_b: 0 };
                    skip = skip.max(after(state.last, state.penalty_a));
                }
                self.emit_run(&b_ts[from..=b], &b_vs[from..=b]);
                a += a_ts[a..].iter().take_while(|t| **t < skip).count();
            }
        }
    }
}

/// From when on a replica is seen again.
#[inline(always)]
fn after(last: i64, penalty: i64) -> i64 {
    last.saturating_add(1).saturating_add(penalty)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            let mut ours = Deduplicated::new();
            let mut theirs: Option<Vec<i64>> = None;
            for chunk in &chunks {
                ours.merge(chunk, chunk);
                theirs = Some(theirs.map_or_else(|| chunk.clone(), |before| naive(&before, chunk)));
            }
            prop_assert_eq!(&ours.timestamps, &theirs.unwrap_or_default());
            prop_assert_eq!(&ours.values, &ours.timestamps);
        }
    }
}
