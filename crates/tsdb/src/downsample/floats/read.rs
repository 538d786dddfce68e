//! The samples of float chunks as columns, side by side where that can be done, without what does not count.

use std::ops::Range;

use model::value::is_stale;

use super::super::Columns;
use crate::chunk::{self, ChunkError, Encoding, TOGETHER};

/// What was read of several chunks.
#[derive(Debug, Default)]
pub(in crate::downsample) struct Sound {
    /// Where the samples of each chunk end.
    pub(in crate::downsample) ends: Vec<usize>,
    /// Whether there are NaNs among the samples that are no stale markers.
    pub(in crate::downsample) nans: bool,
}

/// Appends the samples of float chunks, without stale markers and without those that go back in time within their chunk. An error comes
/// with the index of its chunk.
pub(in crate::downsample) fn append_sound(
    chunks: &[(Encoding, &[u8])],
    to: &mut Columns,
) -> Result<Sound, (usize, ChunkError)> {
    append_each(chunks, to, keep_sound)
}

/// Appends all samples of float chunks.
pub(super) fn append_all(
    chunks: &[(Encoding, &[u8])],
    to: &mut Columns,
) -> Result<Sound, (usize, ChunkError)> {
    append_each(chunks, to, |_, chunk, _, sound| {
        sound.ends.push(chunk.end);
        chunk.end
    })
}

/// Moves the samples of a chunk that stay down to an index; returns where they end, which it notes.
type Keep = fn(&mut Columns, Range<usize>, usize, &mut Sound) -> usize;

fn append_each(
    chunks: &[(Encoding, &[u8])],
    to: &mut Columns,
    keep: Keep,
) -> Result<Sound, (usize, ChunkError)> {
    let mut sound = Sound { ends: Vec::with_capacity(chunks.len()), nans: false };
    for many in chunks.chunks(*TOGETHER.end()) {
        if append_together(many, to, keep, &mut sound) {
            continue;
        }
        for few in many.chunks(*TOGETHER.start()) {
            if few.len() < many.len() && append_together(few, to, keep, &mut sound) {
                continue;
            }
            for one in few {
                append_one(one, to, keep, &mut sound).map_err(|error| (sound.ends.len(), error))?;
            }
        }
    }
    Ok(sound)
}

/// Appends chunks that can be decoded together. False, and `to` as it was, when they are others.
fn append_together(chunks: &[(Encoding, &[u8])], to: &mut Columns, keep: Keep, sound: &mut Sound) -> bool {
    let mut data: [&[u8]; *TOGETHER.end()] = Default::default();
    for (data, (encoding, bytes)) in data.iter_mut().zip(chunks) {
        if *encoding != Encoding::Xor {
            return false;
        }
        *data = bytes;
    }
    let mut from = to.len();
    if !chunk::decode_together_into(&data[..chunks.len()], to) {
        return false;
    }
    let mut kept = from;
    for (encoding, bytes) in chunks {
        let samples = chunk::sample_count(*encoding, bytes).unwrap_or_default();
        kept = keep(to, from..from + samples, kept, sound);
        from += samples;
    }
    to.truncate(kept);
    true
}

fn append_one(
    (encoding, data): &(Encoding, &[u8]),
    to: &mut Columns,
    keep: Keep,
    sound: &mut Sound,
) -> Result<(), ChunkError> {
    if encoding.is_histogram() {
        return Err(ChunkError::WrongKind(*encoding));
    }
    let start = to.len();
    chunk::decode_into(*encoding, data, to)?;
    // Start timestamps have no place in aggregates.
    to.start_timestamps.clear();
    let kept = keep(to, start..to.len(), start, sound);
    to.truncate(kept);
    Ok(())
}

/// Keeps those that are no stale markers and do not go back in time.
fn keep_sound(columns: &mut Columns, chunk: Range<usize>, to: usize, sound: &mut Sound) -> usize {
    let (ts, vs) = (&mut columns.timestamps, &mut columns.floats);
    let mut kept = to;
    if !may_descend(&ts[chunk.clone()]) && !has_nan(&vs[chunk.clone()]) {
        kept += chunk.len();
        if chunk.start != to {
            ts.copy_within(chunk.clone(), to);
            vs.copy_within(chunk, to);
        }
    } else {
        let mut last = i64::MIN;
        for i in chunk {
            if !is_stale(vs[i]) && ts[i] >= last {
                last = ts[i];
                (ts[kept], vs[kept]) = (ts[i], vs[i]);
                kept += 1;
            }
        }
        sound.nans |= has_nan(&vs[to..kept]);
    }
    sound.ends.push(kept);
    kept
}

/// Looks at all of them, which is faster than to stop at the first one.
pub(super) fn has_nan(values: &[f64]) -> bool {
    let mut found = false;
    for v in values {
        found |= v.is_nan();
    }
    found
}

/// Whether a time may be before the one in front of it: always true when it is, and for times so far away that their differences overflow. Only
/// looks at the highest bit of all together, which every processor does for several at once.
fn may_descend(timestamps: &[i64]) -> bool {
    let far = |t: i64| t ^ (t << 1);
    let mut signs = timestamps.first().map_or(0, |t| far(*t));
    for (before, after) in timestamps.iter().zip(timestamps.iter().skip(1)) {
        signs |= after.wrapping_sub(*before) | far(*after);
    }
    signs < 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::encode_xor;

    fn chunk(samples: &[(i64, f64)]) -> Vec<u8> {
        let (ts, vs): (Vec<i64>, Vec<f64>) = samples.iter().copied().unzip();
        let mut out = Vec::new();
        encode_xor(&ts, &vs, &mut out).unwrap();
        out
    }

    #[test]
    fn what_does_not_count_is_left_out_of_each_chunk() {
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let sound = chunk(&[(10, 1.0), (20, 2.0), (30, 3.0)]);
        // The second chunk begins before the first one's end, which is no matter of a chunk.
        let others = [
            chunk(&[(5, 1.0), (15, stale), (25, 2.0)]),
            chunk(&[(50, 1.0), (45, 7.0), (50, 2.0), (i64::MIN, 3.0)]),
            chunk(&[(60, f64::NAN), (70, 1.0), (80, 4.0)]),
        ];
        let mut chunks = vec![(Encoding::Xor, sound.as_slice()); 6];
        chunks.extend(others.iter().map(|data| (Encoding::Xor, data.as_slice())));
        let mut columns = Columns::default();
        let read = append_sound(&chunks, &mut columns).unwrap();
        assert_eq!(read.ends, [3, 6, 9, 12, 15, 18, 20, 22, 25]);
        assert!(read.nans);
        assert_eq!(columns.timestamps[15..], [10, 20, 30, 5, 25, 50, 50, 60, 70, 80]);
        assert_eq!(columns.floats[18..22], [1.0, 2.0, 1.0, 2.0]);
        let read = append_sound(&chunks[..8], &mut columns).unwrap();
        assert!(!read.nans);
        let broken = [(Encoding::Xor, sound.as_slice()), (Encoding::Xor, &sound[..5])];
        assert_eq!(append_sound(&broken, &mut columns).unwrap_err().0, 1);
    }

    #[test]
    fn times_far_away_may_always_descend() {
        assert!(!may_descend(&[]) && !may_descend(&[-5, -5, 7]));
        assert!(may_descend(&[7, 6]));
        assert!(may_descend(&[i64::MAX, i64::MIN]) && may_descend(&[i64::MIN, i64::MAX]));
    }
}
