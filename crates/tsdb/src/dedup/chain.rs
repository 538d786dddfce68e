//! Chain deduplication: the union of all samples, one for each timestamp.
//!
//! One replica is followed as long as its samples are earlier than those of all others, which wait in a heap. Which of
//! several samples of the same time is taken depends on the heap's order, so it is the same heap as Go's.

use std::sync::Arc;

use model::histogram::CounterResetHint;
use model::series::SampleBuffer;

/// A replica and the index of its current sample.
struct Cursor<'a> {
    samples: &'a SampleBuffer,
    pos: usize,
}

impl Cursor<'_> {
    fn time(&self) -> i64 {
        self.samples.timestamps.get(self.pos).copied().unwrap_or(i64::MAX)
    }
}

/// Go's `container/heap` by time, down to the order of equal elements.
#[derive(Default)]
struct Heap<'a>(Vec<Cursor<'a>>);

impl<'a> Heap<'a> {
    fn push(&mut self, cursor: Cursor<'a>) {
        self.0.push(cursor);
        let mut j = self.0.len() - 1;
        while j > 0 {
            let parent = (j - 1) / 2;
            if self.0[j].time() >= self.0[parent].time() {
                break;
            }
            self.0.swap(j, parent);
            j = parent;
        }
    }

    fn pop(&mut self) -> Option<Cursor<'a>> {
        let n = self.0.len().checked_sub(1)?;
        self.0.swap(0, n);
        let mut i = 0;
        loop {
            let left = 2 * i + 1;
            if left >= n {
                break;
            }
            let right = left + 1;
            let child = if right < n && self.0[right].time() < self.0[left].time() { right } else { left };
            if self.0[child].time() >= self.0[i].time() {
                break;
            }
            self.0.swap(i, child);
            i = child;
        }
        self.0.pop()
    }
}

/// Appends the merged samples of the replicas to `out`.
///
/// A histogram that does not follow the one before it in its own replica has no known reset, unless it is a gauge.
pub fn chain(replicas: &[SampleBuffer], out: &mut SampleBuffer) {
    let Some((first, others)) = replicas.split_first() else { return };
    if others.is_empty() {
        out.extend_from(first, 0..first.len());
        return;
    }
    let mut heap = Heap::default();
    for samples in others.iter().filter(|s| !s.is_empty()) {
        heap.push(Cursor { samples, pos: 0 });
    }
    let mut current = Cursor { samples: first, pos: 0 };
    let mut last = None;
    // Whether the next sample is not the neighbour, in its replica, of the one before.
    let mut changed = true;
    loop {
        let ts = &current.samples.timestamps;
        while current.pos < ts.len() && Some(ts[current.pos]) == last {
            current.pos += 1;
        }
        if current.pos < ts.len() {
            // As far as the current replica is the earliest.
            let end = match heap.0.first() {
                Some(next) => current.pos + run_before(&ts[current.pos..], next.time()),
                None => ts.len(),
            };
            if end > current.pos {
                copy_run(&current, end, changed, out);
                changed = false;
                last = ts.get(end - 1).copied();
                current.pos = end;
                continue;
            }
            heap.push(current);
        }
        // Take the earliest one's sample even if another has the same time; that one is left out then.
        current = loop {
            let Some(mut next) = heap.pop() else { return };
            let t = next.time();
            changed = true;
            if Some(t) != last {
                copy_run(&next, next.pos + 1, changed, out);
                changed = false;
                last = Some(t);
                next.pos += 1;
                break next;
            }
            next.pos += 1;
            if next.pos < next.samples.len() {
                // Goes on as the current one, as long as it is the earliest.
                break next;
            }
        };
    }
}

/// How many of the ascending times are before `t`.
fn run_before(ts: &[i64], t: i64) -> usize {
    match ts.last() {
        Some(last) if *last < t => ts.len(),
        _ => ts.iter().position(|x| *x >= t).unwrap_or(ts.len()),
    }
}

fn copy_run(cursor: &Cursor<'_>, end: usize, changed: bool, out: &mut SampleBuffer) {
    let samples = cursor.samples;
    let only_floats = |s: &SampleBuffer| s.histograms.is_empty() && s.start_timestamps.is_empty();
    if end == cursor.pos + 1 && only_floats(samples) && only_floats(out) {
        out.timestamps.push(samples.timestamps[cursor.pos]);
        out.floats.push(samples.floats[cursor.pos]);
        return;
    }
    let at = out.len();
    out.extend_from(samples, cursor.pos..end);
    if changed
        && let Some(Some(h)) = out.histograms.get_mut(at)
        && !matches!(h.counter_reset_hint, CounterResetHint::Gauge | CounterResetHint::Unknown)
    {
        Arc::make_mut(h).counter_reset_hint = CounterResetHint::Unknown;
    }
}
