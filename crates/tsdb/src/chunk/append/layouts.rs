//! Span layouts of two histograms held against each other, and made into one that has the buckets of both.

use model::histogram::Span;

use super::{Count, Shape};

/// How the buckets of one sign of a chunk and of a new histogram differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// The chunk lacks buckets of the histogram.
    pub(super) in_chunk: bool,
    /// The histogram lacks buckets of the chunk.
    pub(super) in_new: bool,
}

/// What has to change for a histogram to fit: the chunk's new spans, if it has to change.
#[derive(Debug, Clone, Default)]
pub(super) struct Growth {
    pub(super) layout: Option<(Vec<Span>, Vec<Span>)>,
}

impl Growth {
    /// Chooses the spans as Prometheus does, whose spelling (such as empty spans) is kept where it can be. `None` when
    /// spans and buckets are at odds.
    pub(super) fn of(
        positive: Missing,
        negative: Missing,
        chunk: &Shape,
        new: &Shape,
        gauge: bool,
    ) -> Option<Self> {
        let in_new = positive.in_new || negative.in_new;
        if !positive.in_chunk && !negative.in_chunk {
            return Some(Self { layout: None });
        }
        let pick = |missing: Missing, chunk: &[Span], new: &[Span]| {
            // With gauges both signs are merged as soon as one has to be.
            if missing.in_new || (gauge && in_new) { union(chunk, new) } else { new.to_vec() }
        };
        Some(Self {
            layout: Some((
                pick(positive, &chunk.positive, &new.positive),
                pick(negative, &chunk.negative, &new.negative),
            )),
        })
    }
}

/// Bucket indices of spans, ascending in well-formed ones.
fn indices(spans: &[Span]) -> impl Iterator<Item = i64> {
    let mut next = 0i64;
    spans.iter().flat_map(move |span| {
        let start = next + i64::from(span.offset);
        next = start + i64::from(span.length);
        start..next
    })
}

/// Compares a chunk's last counts with the next ones; `None` when a bucket went down or away, which is a reset.
pub(super) fn grow_counter<C: Count>(
    chunk: &[Span],
    last: &[C],
    new: &[Span],
    counts: &[C],
) -> Option<Missing> {
    let mut missing = Missing::default();
    let mut old = indices(chunk).zip(last).peekable();
    let mut incoming = indices(new).zip(counts).peekable();
    loop {
        match (old.peek(), incoming.peek()) {
            (Some((a, old_count)), Some((b, count))) if a == b => {
                if old_count > count {
                    return None;
                }
                old.next();
                incoming.next();
            }
            (Some((a, old_count)), b) if b.is_none_or(|(b, _)| a < b) => {
                if **old_count != C::default() {
                    return None;
                }
                missing.in_new = true;
                old.next();
            }
            (_, Some(_)) => {
                missing.in_chunk = true;
                incoming.next();
            }
            (_, None) => return Some(missing),
        }
    }
}

/// The same for gauges, whose counts do not matter.
pub(super) fn grow_gauge(chunk: &[Span], new: &[Span]) -> Missing {
    let (old, incoming): (Vec<_>, Vec<_>) = (indices(chunk).collect(), indices(new).collect());
    Missing {
        in_chunk: incoming.iter().any(|i| old.binary_search(i).is_err()),
        in_new: old.iter().any(|i| incoming.binary_search(i).is_err()),
    }
}

/// Spans of all buckets of both, runs joined.
fn union(a: &[Span], b: &[Span]) -> Vec<Span> {
    let mut all: Vec<i64> = indices(a).chain(indices(b)).collect();
    all.sort_unstable();
    all.dedup();
    let mut spans: Vec<Span> = Vec::new();
    let mut next = 0;
    for index in all {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => spans.push(Span { offset: (index - next) as i32, length: 1 }),
        }
        next = index + 1;
    }
    spans
}

/// The counts of `from` in the buckets of `to`, which has all of them; the others are zero.
pub(super) fn spread<C: Count>(from: &[Span], counts: &[C], to: &[Span]) -> Vec<C> {
    let mut old = indices(from).zip(counts).peekable();
    indices(to)
        .map(|index| match old.next_if(|(i, _)| *i == index) {
            Some((_, count)) => *count,
            None => C::default(),
        })
        .collect()
}
