//! Decoding several XOR chunks side by side.
//!
//! What a sample is depends on all bits before it, so that one chunk is decoded bit field by bit field, and the processor mostly waits
//! or guesses wrong. The chunks of a series do not depend on each other: four of them lie in the four lanes of a vector and go on
//! together, without branches; a second four keeps the processor busy meanwhile. Needs AVX2; without it, and for chunks that are out of
//! the ordinary, the caller decodes one after the other, which also finds what is wrong with broken ones.

/// Chunks that are decoded at once when there are enough of them.
pub(in crate::chunk) const MANY: usize = 8;
/// The fewest that are.
pub(in crate::chunk) const FEW: usize = 4;

/// Decodes [`MANY`] or [`FEW`] chunks, one behind the other, into slices of the length of all of them. False when it cannot be done; what
/// is in the slices then means nothing.
#[cfg(target_arch = "x86_64")]
pub(in crate::chunk) fn decode(chunks: &[&[u8]], ts: &mut [i64], vs: &mut [f64]) -> bool {
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    match chunks.len() {
        // SAFETY: the processor has AVX2.
        FEW => unsafe { avx2::decode::<1>(chunks, ts, vs) },
        // SAFETY: as above.
        MANY => unsafe { avx2::decode::<2>(chunks, ts, vs) },
        _ => false,
    }
}

/// Is for processors with AVX2.
#[cfg(not(target_arch = "x86_64"))]
pub(in crate::chunk) fn decode(_: &[&[u8]], _: &mut [i64], _: &mut [f64]) -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
#[allow(
    clippy::needless_range_loop,
    reason = "iterators do not have the instructions of the loops around them"
)]
mod avx2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chunk::XorAppender;

    fn chunk(samples: &[(i64, f64)]) -> Vec<u8> {
        let mut appender = XorAppender::new();
        let mut t = 1_700_000_000_000;
        for &(step, v) in samples {
            t += step;
            appender.append(t, v).unwrap();
        }
        appender.into_bytes()
    }

    fn one_by_one(chunks: &[&[u8]], ts: &mut [i64], vs: &mut [f64]) -> bool {
        let mut at = 0;
        chunks.iter().all(|chunk| {
            let n = usize::from(u16::from_be_bytes([chunk[0], chunk[1]]));
            let range = at..at + n;
            at += n;
            at <= ts.len() && super::super::decode(chunk, &mut ts[range.clone()], &mut vs[range]).is_ok()
        })
    }

    proptest! {
        #[test]
        fn as_one_after_the_other(
            samples in prop::collection::vec(prop::collection::vec((
                prop_oneof![8 => 14_000..16_000i64, 1 => Just(15_000i64 + 8192), 4 => Just(15_000i64), 1 => -100_000..9_000_000i64, 1 => -(1i64 << 40)..1i64 << 40],
                prop_oneof![4 => (0..50i32).prop_map(f64::from), 2 => any::<f64>(), 1 => any::<u64>().prop_map(f64::from_bits), 2 => Just(0.0)],
            ), 2..150), MANY),
            few in any::<bool>(),
            hits in prop::collection::vec((0..MANY, any::<usize>(), any::<u8>()), 0..3),
        ) {
            let mut chunks: Vec<Vec<u8>> = samples.iter().map(|samples| chunk(samples)).collect();
            for (which, at, byte) in hits {
                // What the header counts stays.
                let at = 2 + at % (chunks[which].len() - 2);
                chunks[which][at] ^= byte;
            }
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).take(if few { FEW } else { MANY }).collect();
            let n = samples.iter().take(chunks.len()).map(Vec::len).sum();
            let (mut ts, mut vs) = (vec![0; n], vec![0.0; n]);
            let (mut wanted_ts, mut wanted_vs) = (vec![0; n], vec![0.0; n]);
            if decode(&chunks, &mut ts, &mut vs) {
                prop_assert!(one_by_one(&chunks, &mut wanted_ts, &mut wanted_vs));
                prop_assert_eq!(ts, wanted_ts);
                let bits = |vs: &[f64]| vs.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&vs), bits(&wanted_vs));
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn usual_chunks_are_decoded_side_by_side() {
        let samples: Vec<(i64, f64)> = (0..120).map(|i| (15_000 + i % 7, f64::from(i as i32 * 3))).collect();
        let chunk = chunk(&samples);
        for count in [FEW, MANY] {
            let (mut ts, mut vs) = (vec![0; 120 * count], vec![0.0; 120 * count]);
            let done = decode(&vec![chunk.as_slice(); count], &mut ts, &mut vs);
            assert_eq!(done, is_x86_feature_detected!("avx2"));
        }
    }
}
