//! Merging aggregate chunks: each of the five aggregates for itself, in pieces that follow the counts.
//!
//! Differs from Thanos: where a stretch gives several chunks, Thanos loses a sample of each aggregate but the count at
//! every border; here all are kept.

use super::chunks::{OutChunk, Scratch};
use super::penalty::Deduplicated;
use super::replica::Decoded;
use super::samples::{ChunkEncoder, MAX_SAMPLES, Point, Value, decode};
use crate::chunk::append::Built;
use crate::chunk::{AggregateChunk, AggregateKind, ChunkError, Encoding, aggregate};
use crate::error::Error;
use crate::tombstones::Interval;

/// Samples of one aggregate.
type Samples = Vec<(i64, Point)>;

/// The deduplicated chunks of replicas, of which the first one is the earliest.
pub(super) fn deduplicate(
    chunks: &[&OutChunk<'_>],
    scratch: &mut Scratch,
) -> Result<Vec<OutChunk<'static>>, Error> {
    let parsed: Vec<_> = chunks
        .iter()
        .map(|chunk| Ok((*chunk, AggregateChunk::parse(chunk.data()).map_err(|e| chunk.error(e))?)))
        .collect::<Result<_, Error>>()?;
    let mut columns: [Samples; 5] = Default::default();
    for kind in AggregateKind::ALL {
        let mut merged = Deduplicated::new(scratch.points());
        // As in Thanos the first chunk comes last here.
        for (chunk, parts) in parsed[1..].iter().chain(&parsed[..1]) {
            let Some((encoding, data)) = parts.get(kind) else { continue };
            merged.merge(Decoded::from(decode(encoding, data).map_err(|e| chunk.error(e))?))?;
        }
        let merged = merged.finish()?;
        columns[kind as usize] =
            merged.timestamps.iter().copied().zip(merged.values.iter().cloned()).collect();
    }
    Ok(encode(&columns, MAX_SAMPLES))
}

/// The chunk without what lies in the deleted intervals.
pub(super) fn without(
    chunk: &OutChunk<'_>,
    deleted: &[Interval],
) -> Result<Vec<OutChunk<'static>>, ChunkError> {
    let parsed = AggregateChunk::parse(chunk.data())?;
    let mut columns: [Samples; 5] = Default::default();
    for kind in AggregateKind::ALL {
        if let Some((encoding, data)) = parsed.get(kind) {
            let mut samples = decode(encoding, data)?;
            samples.retain(|(t, _)| !deleted.iter().any(|d| d.contains(*t)));
            columns[kind as usize] = samples;
        }
    }
    Ok(encode(&columns, usize::MAX))
}

/// Makes chunks of at most `most` counts each.
fn encode(columns: &[Samples; 5], most: usize) -> Vec<OutChunk<'static>> {
    let counts = &columns[AggregateKind::Count as usize];
    let mut out = Vec::new();
    for piece in counts.chunks(most.min(counts.len().max(1))) {
        let (Some((mint, _)), Some((maxt, _))) = (piece.first(), piece.last()) else { continue };
        let mut parts: [Option<(Encoding, Vec<u8>)>; 5] = Default::default();
        for kind in AggregateKind::ALL {
            let column = &columns[kind as usize];
            let from = column.partition_point(|(t, _)| t < mint);
            let to = column.partition_point(|(t, _)| t <= maxt);
            let mut encoder = ChunkEncoder::unlimited();
            for (t, point) in &column[from..to.max(from)] {
                encoder.push(*t, point);
            }
            // The last value again, for the reset at the border to the next chunk to be seen.
            if kind == AggregateKind::Counter
                && let Some((t, point @ Point { value: Value::Float(_), .. })) =
                    column[from..to.max(from)].last()
            {
                encoder.push(*t, point);
            }
            parts[kind as usize] =
                encoder.finish().into_iter().next().map(|c| (c.encoding, c.data().to_vec()));
        }
        let slices =
            parts.each_ref().map(|p| p.as_ref().map(|(encoding, data)| (*encoding, data.as_slice())));
        let data = aggregate::encode(slices);
        out.push(OutChunk::built(Built {
            encoding: Encoding::Aggregate,
            data,
            mint: *mint,
            maxt: *maxt,
            samples: piece.len(),
        }));
    }
    out
}
