//! Chain deduplication: the union of all samples, one for each timestamp.
//!
//! One replica is followed as long as its samples are earlier than those of all others, which wait in a heap. Which of
//! several samples of the same time is taken depends on the heap's order, so it is the same heap as Go's.

use std::sync::Arc;

use model::histogram::CounterResetHint;
use model::series::SampleBuffer;

use crate::go_heap::GoHeap;

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

/// By the current samples.
fn earlier(a: &Cursor<'_>, b: &Cursor<'_>) -> bool {
    a.time() < b.time()
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
    let mut heap = GoHeap::new();
    for samples in others.iter().filter(|s| !s.is_empty()) {
        heap.push(Cursor { samples, pos: 0 }, earlier);
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
            let end = match heap.first() {
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
            heap.push(current, earlier);
        }
        // Take the earliest one's sample even if another has the same time; that one is left out then.
        current = loop {
            let Some(mut next) = heap.pop(earlier) else { return };
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
