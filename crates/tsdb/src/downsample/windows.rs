//! Windows, and how many chunks there should be.

/// The last millisecond of the window in which `t` lies.
pub(super) fn window_end(t: i64, resolution: i64) -> i64 {
    t.saturating_sub(t.rem_euclid(resolution)).saturating_add(resolution - 1)
}

/// Chunks to be made of a series in `[mint, maxt]`, so that none has more than 140 windows on average.
pub(super) fn chunk_count(mint: i64, maxt: i64, from: i64, to: i64, samples: usize) -> usize {
    let span = maxt.saturating_sub(mint);
    let most = (span / to) as f64;
    let fullness = (samples as f64 / (span as f64 / from as f64)).min(1.0);
    // One sample alone spans nothing and is as full as can be.
    let fullness = if fullness.is_nan() { 1.0 } else { fullness };
    let windows = (most * fullness) as usize + 1;
    let mut count = 1;
    while windows / count > 140 {
        count += 1;
    }
    count
}

/// Calls `each` with the samples of every window by their indices, and the window's end: that of the last window is the
/// last sample's time, lest the next chunk begins before.
pub(super) fn for_each_window(
    timestamps: &[i64],
    resolution: i64,
    mut each: impl FnMut(i64, std::ops::Range<usize>),
) -> i64 {
    let (Some(first), Some(last)) = (timestamps.first(), timestamps.last()) else { return 0 };
    let (mut from, mut end, mut before) = (0, *first, 1);
    let mut window = window_end(*first, resolution);
    while from < timestamps.len() {
        // Mostly the next window; only after a gap there is something to divide.
        let t = timestamps[from];
        if t > window {
            let next = window.saturating_add(resolution);
            window = if t <= next { next } else { window_end(t, resolution) };
        }
        end = window.min(*last);
        let to = from + window_len(&timestamps[from..], end, before);
        each(end, from..to);
        (before, from) = (to - from, to);
    }
    end
}

/// How many timestamps, which ascend, lie up to `end`, the first one always among them: mostly as many as in the window `before`, one
/// more or less.
#[inline]
fn window_len(timestamps: &[i64], end: i64, before: usize) -> usize {
    let mut len = before.min(timestamps.len());
    while len > 1 && timestamps[len - 1] > end {
        len -= 1;
    }
    while len < timestamps.len() && timestamps[len] <= end {
        len += 1;
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_before_the_next_begins() {
        assert_eq!(window_end(0, 300), 299);
        assert_eq!(window_end(299, 300), 299);
        assert_eq!(window_end(300, 300), 599);
        assert_eq!(window_end(-1, 300), -1);
        assert_eq!(window_end(-301, 300), -301);
        let mut seen = Vec::new();
        let last = for_each_window(&[1, 2, 299, 300, 700], 300, |end, range| seen.push((end, range)));
        assert_eq!(seen, [(299, 0..3), (599, 3..4), (700, 4..5)]);
        assert_eq!(last, 700);
    }

    #[test]
    fn chunks_have_at_most_140_windows() {
        let day = 86_400_000;
        assert_eq!(chunk_count(0, 0, 60_000, 300_000, 1), 1);
        // A dense series of two days has 577 windows.
        assert_eq!(chunk_count(0, 2 * day, 60_000, 300_000, 11520), 5);
        // A sparse one has as many as it has samples, at a minute each.
        assert_eq!(chunk_count(0, 2 * day, 60_000, 300_000, 690), 1);
    }
}
