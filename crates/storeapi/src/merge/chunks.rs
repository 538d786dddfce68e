//! Joining the chunks of one series as several stores, or several frames of one store, sent them.

use std::cmp::Ordering;

use crate::api::{AggrChunk, Chunk, Series};

/// Joins equal series into one: chunks sorted by time, each of several identical ones once. Empties `series`.
///
/// # Panics
/// When `series` is empty.
pub fn join_chunks(series: &mut Vec<Series>) -> Series {
    let chunks = series.iter().map(|one| one.chunks.len()).sum::<usize>();
    let mut rest = series.drain(..);
    let mut joined = rest.next().expect("at least one series to join");
    if !joined.chunks.is_empty() {
        joined.chunks.reserve_exact(chunks - joined.chunks.len());
    }
    for other in rest {
        if joined.chunks.is_empty() {
            joined.chunks = other.chunks;
        } else {
            joined.chunks.extend(other.chunks);
        }
    }
    // The common case, a series of one store: its chunks are in order, so none of them can be twice.
    let ordered = joined.chunks.windows(2).all(|pair| time_order(&pair[0], &pair[1]).is_lt());
    if !ordered {
        joined.chunks.sort_by(order);
        joined.chunks.dedup_by(|a, b| identical(a, b));
    }
    joined
}

fn time_order(a: &AggrChunk, b: &AggrChunk) -> Ordering {
    (a.min_time, a.max_time).cmp(&(b.min_time, b.max_time))
}

/// Thanos's order of chunks: by start, by end, then by content, the larger bytes first.
fn order(a: &AggrChunk, b: &AggrChunk) -> Ordering {
    time_order(a, b).then_with(|| {
        let (mut left, mut right) = (a.chunks(), b.chunks());
        loop {
            match (left.next(), right.next()) {
                (Some((left_field, left)), Some((right_field, right))) => {
                    let content = left_field
                        .cmp(&right_field)
                        .then_with(|| left.encoding.to_wire().cmp(&right.encoding.to_wire()))
                        .then_with(|| right.data.cmp(&left.data));
                    if content.is_ne() {
                        return content;
                    }
                }
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => return Ordering::Equal,
            }
        }
    })
}

fn identical(a: &AggrChunk, b: &AggrChunk) -> bool {
    time_order(a, b).is_eq()
        && a.chunks().map(|(field, _)| field).eq(b.chunks().map(|(field, _)| field))
        && a.chunks().zip(b.chunks()).all(|((_, left), (_, right))| same_content(left, right))
}

/// Hashes settle it when they differ; equal ones are not trusted, since comparing the bytes is as cheap as hashing them.
fn same_content(a: &Chunk, b: &Chunk) -> bool {
    (a.hash == b.hash || a.hash == 0 || b.hash == 0) && a.encoding == b.encoding && a.data == b.data
}
