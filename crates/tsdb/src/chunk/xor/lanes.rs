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
mod avx2 {
    use std::arch::x86_64::*;

    use super::super::Window;
    use super::super::decode::{REACH, State, XorCursor};

    const LANES: usize = 4;
    /// Longest stream of a chunk in bytes; those of 120 samples have some hundred.
    const MAX_STREAM: usize = 1024;
    /// Bytes of a lane: the stream and zeros behind it.
    const ROW: usize = MAX_STREAM + 2 * REACH;
    /// Bytes that a sample without an escape may touch: 7 bits behind, 16 of time, 2 + 11 + 64 of value.
    const WORDS: usize = 16;

    type Rows = [[u8; ROW]; LANES];

    /// Four decoders between two samples, as [`State`] has it; of a window there are the bits to the right of a word's highest `width`
    /// ones, and the trailing zeros.
    #[derive(Clone, Copy)]
    struct States {
        pos: __m256i,
        t: __m256i,
        delta: __m256i,
        bits: __m256i,
        shift: __m256i,
        trailing: __m256i,
        /// Below zero where a window was broken.
        broken: __m256i,
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn gather(states: &[State; LANES], f: impl Fn(&State) -> i64) -> __m256i {
        let [a, b, c, d] = states;
        _mm256_set_epi64x(f(d), f(c), f(b), f(a))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn spread(v: __m256i) -> [i64; LANES] {
        let (low, high) = (_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        [
            _mm_cvtsi128_si64(low),
            _mm_extract_epi64(low, 1),
            _mm_cvtsi128_si64(high),
            _mm_extract_epi64(high, 1),
        ]
    }

    /// Eight bytes of a row, in the order of the row.
    #[inline(always)]
    fn word(bytes: &[u8; WORDS], at: usize) -> i64 {
        i64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
    }

    #[inline(always)]
    fn words_of(row: &[u8; ROW], at: i64) -> &[u8; WORDS] {
        row[at as usize..at as usize + WORDS].try_into().expect("as many bytes")
    }

    impl States {
        #[target_feature(enable = "avx2")]
        #[inline]
        fn of(states: &[State; LANES]) -> Self {
            States {
                pos: gather(states, |state| state.pos as i64),
                t: gather(states, |state| state.t),
                delta: gather(states, |state| state.delta),
                bits: gather(states, |state| state.bits as i64),
                shift: gather(states, |state| 64 - i64::from(state.window.width)),
                trailing: gather(states, |state| i64::from(state.window.trailing)),
                broken: _mm256_setzero_si256(),
            }
        }

        #[target_feature(enable = "avx2")]
        fn each(&self) -> [State; LANES] {
            let (pos, t, delta) = (spread(self.pos), spread(self.t), spread(self.delta));
            let (bits, shift, trailing) = (spread(self.bits), spread(self.shift), spread(self.trailing));
            let mut states = [State::START; LANES];
            for (lane, state) in states.iter_mut().enumerate() {
                let window = Window { width: 64 - shift[lane] as u32, trailing: trailing[lane] as u32 };
                let (pos, bits) = (pos[lane] as usize, bits[lane] as u64);
                *state = State { pos, t: t[lane], delta: delta[lane], bits, window };
            }
            states
        }

        /// The next 64 bits of each lane, of which the first 57 count, and those from the 57th on.
        #[target_feature(enable = "avx2")]
        #[inline]
        fn words(&self, rows: &Rows) -> (__m256i, __m256i) {
            let big_endian = _mm256_set_epi64x(
                0x0809_0a0b_0c0d_0e0f,
                0x0001_0203_0405_0607,
                0x0809_0a0b_0c0d_0e0f,
                0x0001_0203_0405_0607,
            );
            let [a, b, c, d] = spread(_mm256_srli_epi64(self.pos, 3));
            let (a, b) = (words_of(&rows[0], a), words_of(&rows[1], b));
            let (c, d) = (words_of(&rows[2], c), words_of(&rows[3], d));
            let first = _mm256_set_epi64x(word(d, 0), word(c, 0), word(b, 0), word(a, 0));
            let second = _mm256_set_epi64x(word(d, 7), word(c, 7), word(b, 7), word(a, 7));
            let behind = _mm256_and_si256(self.pos, _mm256_set1_epi64x(7));
            (
                _mm256_sllv_epi64(_mm256_shuffle_epi8(first, big_endian), behind),
                _mm256_sllv_epi64(_mm256_shuffle_epi8(second, big_endian), behind),
            )
        }

        /// Decodes a sample of each lane; none has a time that takes more than 14 bits.
        #[target_feature(enable = "avx2")]
        #[inline]
        fn step(&mut self, (first, second): (__m256i, __m256i)) {
            let number = |n| _mm256_set1_epi64x(n);
            let zero = _mm256_setzero_si256();
            let has_dod = _mm256_cmpgt_epi64(zero, first);
            let sign = number(1 << 13);
            let dod = _mm256_srli_epi64(_mm256_slli_epi64(first, 2), 64 - 14);
            let dod = _mm256_and_si256(_mm256_sub_epi64(_mm256_xor_si256(dod, sign), sign), has_dod);
            self.delta = _mm256_add_epi64(self.delta, dod);
            self.t = _mm256_add_epi64(self.t, self.delta);
            let used = _mm256_add_epi64(number(1), _mm256_and_si256(has_dod, number(15)));
            // The value: whether it changed, and in a new window.
            let control = _mm256_sllv_epi64(first, used);
            let changed = _mm256_cmpgt_epi64(zero, control);
            let fresh = _mm256_and_si256(changed, _mm256_cmpgt_epi64(zero, _mm256_slli_epi64(control, 1)));
            let header = _mm256_srli_epi64(_mm256_slli_epi64(control, 2), 64 - 11);
            let shift = _mm256_and_si256(_mm256_sub_epi64(zero, header), number(63));
            let trailing = _mm256_sub_epi64(shift, _mm256_srli_epi64(header, 6));
            self.shift = _mm256_blendv_epi8(self.shift, shift, fresh);
            self.trailing = _mm256_blendv_epi8(self.trailing, trailing, fresh);
            self.broken = _mm256_or_si256(self.broken, self.trailing);
            // A mask counts as -1.
            let controls = _mm256_sub_epi64(number(1), changed);
            let controls = _mm256_add_epi64(controls, _mm256_and_si256(fresh, number(11)));
            let used = _mm256_add_epi64(used, controls);
            let value = _mm256_or_si256(
                _mm256_sllv_epi64(first, used),
                _mm256_srlv_epi64(second, _mm256_sub_epi64(number(56), used)),
            );
            let delta = _mm256_sllv_epi64(_mm256_srlv_epi64(value, self.shift), self.trailing);
            self.bits = _mm256_xor_si256(self.bits, _mm256_and_si256(delta, changed));
            let width = _mm256_and_si256(_mm256_sub_epi64(number(64), self.shift), changed);
            let pos = _mm256_add_epi64(self.pos, _mm256_add_epi64(used, width));
            // Whoever is behind the end stays there, which is found out at last.
            let end = number((ROW - REACH) as i64 * 8);
            self.pos = _mm256_blendv_epi8(pos, end, _mm256_cmpgt_epi64(pos, end));
        }

        /// Decodes a sample of each lane, one after the other.
        #[target_feature(enable = "avx2")]
        #[inline(never)]
        fn step_apart(&mut self, rows: &Rows) -> bool {
            let mut states = self.each();
            for (state, row) in states.iter_mut().zip(rows) {
                let here = row.get(state.pos >> 3..).and_then(|rest| rest.first_chunk());
                if here.is_none_or(|bytes| state.step(bytes).is_err()) {
                    return false;
                }
                state.pos = state.pos.min((ROW - REACH) * 8);
            }
            *self = States { broken: self.broken, ..States::of(&states) };
            true
        }
    }

    /// Decodes four times `GROUPS` chunks.
    #[target_feature(enable = "avx2")]
    pub(super) fn decode<const GROUPS: usize>(chunks: &[&[u8]], ts: &mut [i64], vs: &mut [f64]) -> bool {
        let mut rows: [Rows; GROUPS] = [[[0; ROW]; LANES]; GROUPS];
        let mut cursors = Vec::with_capacity(chunks.len());
        for (chunk, row) in chunks.iter().zip(rows.as_flattened_mut()) {
            let Ok(cursor) = XorCursor::new(chunk) else { return false };
            let stream = cursor.stream();
            let Some(place) = row.get_mut(..stream.len()).filter(|_| stream.len() <= MAX_STREAM) else {
                return false;
            };
            place.copy_from_slice(stream);
            cursors.push(cursor);
        }
        let together = cursors.iter().map(XorCursor::left).min().unwrap_or(0);
        let samples: usize = cursors.iter().map(XorCursor::left).sum();
        if together < 2 || cursors.len() != GROUPS * LANES || samples != ts.len() || samples != vs.len() {
            return false;
        }
        // The columns of each chunk.
        let (mut ts, mut vs) = (ts, vs);
        let mut columns: [[(&mut [i64], &mut [f64]); LANES]; GROUPS] =
            std::array::from_fn(|_| std::array::from_fn(|_| Default::default()));
        for (cursor, column) in cursors.iter_mut().zip(columns.as_flattened_mut()) {
            let (times, rest) = ts.split_at_mut(cursor.left());
            ts = rest;
            let (values, rest) = vs.split_at_mut(cursor.left());
            vs = rest;
            // The first two samples are written in another way.
            if cursor.fill(&mut times[..2], &mut values[..2]).is_err() {
                return false;
            }
            *column = (times, values);
        }
        let mut lanes = [States::of(&[State::START; LANES]); GROUPS];
        for (states, cursors) in lanes.iter_mut().zip(cursors.chunks_exact(LANES)) {
            *states = States::of(&[
                *cursors[0].state(),
                *cursors[1].state(),
                *cursors[2].state(),
                *cursors[3].state(),
            ]);
        }
        for i in 2..together {
            let mut words = [(_mm256_setzero_si256(), _mm256_setzero_si256()); GROUPS];
            let mut escapes = _mm256_setzero_si256();
            for ((words, states), rows) in words.iter_mut().zip(&lanes).zip(&rows) {
                *words = states.words(rows);
                let escape = _mm256_and_si256(words.0, _mm256_slli_epi64(words.0, 1));
                escapes = _mm256_or_si256(escapes, escape);
            }
            if _mm256_movemask_pd(_mm256_castsi256_pd(escapes)) == 0 {
                for (states, words) in lanes.iter_mut().zip(words) {
                    states.step(words);
                }
            } else {
                for (states, rows) in lanes.iter_mut().zip(&rows) {
                    if !states.step_apart(rows) {
                        return false;
                    }
                }
            }
            for (states, columns) in lanes.iter().zip(&mut columns) {
                let (times, values) = (spread(states.t), spread(states.bits));
                let [a, b, c, d] = columns;
                (a.0[i], a.1[i]) = (times[0], f64::from_bits(values[0] as u64));
                (b.0[i], b.1[i]) = (times[1], f64::from_bits(values[1] as u64));
                (c.0[i], c.1[i]) = (times[2], f64::from_bits(values[2] as u64));
                (d.0[i], d.1[i]) = (times[3], f64::from_bits(values[3] as u64));
            }
        }
        for ((states, cursors), columns) in lanes.iter().zip(cursors.chunks_exact_mut(LANES)).zip(columns) {
            if _mm256_movemask_pd(_mm256_castsi256_pd(states.broken)) != 0 {
                return false;
            }
            for ((state, cursor), (times, values)) in states.each().into_iter().zip(cursors).zip(columns) {
                // Nothing is taken for a sample that the zeros behind the end make up.
                if state.pos > cursor.stream().len() * 8 {
                    return false;
                }
                cursor.go_on(state, together);
                if cursor.fill(&mut times[together..], &mut values[together..]).is_err() {
                    return false;
                }
            }
        }
        true
    }
}

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
                prop_oneof![8 => 14_000..16_000i64, 4 => Just(15_000i64), 1 => -100_000..9_000_000i64, 1 => -(1i64 << 40)..1i64 << 40],
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
