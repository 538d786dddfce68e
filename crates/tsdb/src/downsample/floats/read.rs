//! The samples of float chunks as columns, side by side where that can be done, without what does not count.

use std::ops::Range;

use model::series::SampleBuffer;
use model::value::is_stale;

use super::FloatColumns;
use crate::chunk::{self, ChunkError, Encoding, TOGETHER};
use crate::look::{has_nan, may_descend};

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
    to: &mut FloatColumns,
) -> Result<Sound, (usize, ChunkError)> {
    append_each(chunks, to, keep_sound)
}

/// Appends all samples of float chunks.
pub(super) fn append_all(
    chunks: &[(Encoding, &[u8])],
    to: &mut FloatColumns,
) -> Result<Sound, (usize, ChunkError)> {
    append_each(chunks, to, |_, _, chunk, _, _| chunk.end)
}

/// Moves the samples of a chunk that stay down to an index; returns where they end.
type Keep = fn(&mut [i64], &mut [f64], Range<usize>, usize, &mut Sound) -> usize;

fn append_each(
    chunks: &[(Encoding, &[u8])],
    to: &mut FloatColumns,
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
fn append_together(
    chunks: &[(Encoding, &[u8])],
    to: &mut FloatColumns,
    keep: Keep,
    sound: &mut Sound,
) -> bool {
    let mut data: [&[u8]; *TOGETHER.end()] = Default::default();
    let mut counts = [0; *TOGETHER.end()];
    for ((data, count), (encoding, bytes)) in data.iter_mut().zip(&mut counts).zip(chunks) {
        let Some(samples) = samples_of(*encoding, bytes) else { return false };
        (*data, *count) = (bytes, samples);
    }
    let (base, (ts, vs)) = (to.len(), to.room(counts.iter().sum()));
    if !chunk::decode_together(&data[..chunks.len()], ts, vs) {
        return false;
    }
    let (mut from, mut kept) = (0, 0);
    for count in &counts[..chunks.len()] {
        kept = keep(ts, vs, from..from + count, kept, sound);
        sound.ends.push(base + kept);
        from += count;
    }
    to.advance(kept);
    true
}

/// Samples of an XOR chunk by its header, if its bytes are enough for them: a sample takes two bits or more.
fn samples_of(encoding: Encoding, data: &[u8]) -> Option<usize> {
    let count = chunk::sample_count(encoding, data).ok().filter(|_| encoding == Encoding::Xor)?;
    (count <= data.len() * 4).then_some(count)
}

fn append_one(
    (encoding, data): &(Encoding, &[u8]),
    to: &mut FloatColumns,
    keep: Keep,
    sound: &mut Sound,
) -> Result<(), ChunkError> {
    if encoding.is_histogram() {
        return Err(ChunkError::WrongKind(*encoding));
    }
    let base = to.len();
    let kept = if let Some(count) = samples_of(*encoding, data) {
        let (ts, vs) = to.room(count);
        chunk::decode_xor(data, ts, vs)?;
        keep(ts, vs, 0..count, 0, sound)
    } else {
        // Start timestamps have no place in aggregates.
        let mut buffer = SampleBuffer::new();
        chunk::decode_into(*encoding, data, &mut buffer)?;
        let (ts, vs) = to.room(buffer.len());
        ts.copy_from_slice(&buffer.timestamps);
        vs.copy_from_slice(&buffer.floats);
        keep(ts, vs, 0..buffer.len(), 0, sound)
    };
    sound.ends.push(base + kept);
    to.advance(kept);
    Ok(())
}

/// Keeps those that are no stale markers and do not go back in time.
fn keep_sound(ts: &mut [i64], vs: &mut [f64], chunk: Range<usize>, to: usize, sound: &mut Sound) -> usize {
    if !may_descend(&ts[chunk.clone()]) && !has_nan(&vs[chunk.clone()]) {
        let kept = to + chunk.len();
        if chunk.start != to {
            ts.copy_within(chunk.clone(), to);
            vs.copy_within(chunk, to);
        }
        return kept;
    }
    let (mut kept, mut last) = (to, i64::MIN);
    for i in chunk {
        if !is_stale(vs[i]) && ts[i] >= last {
            last = ts[i];
            (ts[kept], vs[kept]) = (ts[i], vs[i]);
            kept += 1;
        }
    }
    sound.nans |= has_nan(&vs[to..kept]);
    kept
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
        let mut columns = FloatColumns::default();
        let read = append_sound(&chunks, &mut columns).unwrap();
        assert_eq!(read.ends, [3, 6, 9, 12, 15, 18, 20, 22, 25]);
        assert!(read.nans);
        assert_eq!(columns.timestamps()[15..], [10, 20, 30, 5, 25, 50, 50, 60, 70, 80]);
        assert_eq!(columns.values()[18..22], [1.0, 2.0, 1.0, 2.0]);
        let read = append_sound(&chunks[..8], &mut columns).unwrap();
        assert!(!read.nans);
        let broken = [(Encoding::Xor, sound.as_slice()), (Encoding::Xor, &sound[..5])];
        assert_eq!(append_sound(&broken, &mut columns).unwrap_err().0, 1);
    }
}
