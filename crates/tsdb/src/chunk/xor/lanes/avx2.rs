//! The lanes as vectors of AVX2.

use std::arch::x86_64::*;
use std::cell::RefCell;

use super::super::Window;
use super::super::decode::{REACH, State, XorCursor};

const LANES: usize = 4;
/// Longest stream of a chunk in bytes; those of 120 samples have some hundred, and Prometheus cuts at 1024. Positions are taken modulo
/// this, so that one behind the end, which is found out at last, reads within the row.
const MAX_STREAM: usize = 2048;
/// Bytes that are loaded for a sample: 7 bits that are behind already, 16 of time, 2 + 11 + 64 of value.
const LOADED: usize = 16;
/// Samples decoded between two writes to the columns, which are as many as a vector holds.
const STRIDE: usize = LANES;

/// The stream of a lane, with what others have left behind it.
type Row = [u8; MAX_STREAM + REACH];

thread_local! {
    static ROWS: RefCell<Box<[[Row; LANES]; 2]>> = RefCell::new(Box::new([[[0; MAX_STREAM + REACH]; LANES]; 2]));
}

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
    [_mm_cvtsi128_si64(low), _mm_extract_epi64(low, 1), _mm_cvtsi128_si64(high), _mm_extract_epi64(high, 1)]
}

#[target_feature(enable = "avx2")]
#[inline]
fn number(n: i64) -> __m256i {
    _mm256_set1_epi64x(n)
}

/// The bytes of two rows, those of the second one in the upper half.
#[target_feature(enable = "avx2")]
#[inline]
fn load(low: &Row, low_at: i64, high: &Row, high_at: i64) -> __m256i {
    _mm256_inserti128_si256(_mm256_castsi128_si256(load_half(low, low_at)), load_half(high, high_at), 1)
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_half(row: &Row, at: i64) -> __m128i {
    let at = at as usize % MAX_STREAM;
    let bytes = &row[at..at + LOADED];
    // SAFETY: as many bytes as are loaded; no alignment is asked for.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(v: __m256i, to: &mut [i64; LANES]) {
    // SAFETY: as many bytes as are stored; no alignment is asked for.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), v) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_floats(v: __m256i, to: &mut [f64; LANES]) {
    // SAFETY: as many bytes as are stored; no alignment is asked for.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), v) }
}

/// Rows for columns.
#[target_feature(enable = "avx2")]
#[inline]
fn transposed([a, b, c, d]: [__m256i; LANES]) -> [__m256i; LANES] {
    let (ab_even, ab_odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    let (cd_even, cd_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
    [
        _mm256_permute2x128_si256(ab_even, cd_even, 0x20),
        _mm256_permute2x128_si256(ab_odd, cd_odd, 0x20),
        _mm256_permute2x128_si256(ab_even, cd_even, 0x31),
        _mm256_permute2x128_si256(ab_odd, cd_odd, 0x31),
    ]
}

/// The next bits of each lane: 64, of which the first 57 count, and those from the 57th on.
type Words = (__m256i, __m256i);

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

    #[target_feature(enable = "avx2")]
    #[inline]
    fn words(&self, rows: &[Row; LANES]) -> Words {
        // Of the 16 bytes of a lane the first eight and those from the eighth on, both as a number.
        let big_endian = _mm256_set_epi64x(
            0x0708_090a_0b0c_0d0e,
            0x0001_0203_0405_0607,
            0x0708_090a_0b0c_0d0e,
            0x0001_0203_0405_0607,
        );
        let [a, b, c, d] = spread(_mm256_srli_epi64(self.pos, 3));
        let ac = _mm256_shuffle_epi8(load(&rows[0], a, &rows[2], c), big_endian);
        let bd = _mm256_shuffle_epi8(load(&rows[1], b, &rows[3], d), big_endian);
        let behind = _mm256_and_si256(self.pos, number(7));
        (
            _mm256_sllv_epi64(_mm256_unpacklo_epi64(ac, bd), behind),
            _mm256_sllv_epi64(_mm256_unpackhi_epi64(ac, bd), behind),
        )
    }

    /// Decodes a sample of each lane; none has a time that takes more than 14 bits.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn step(&mut self, (first, second): Words) {
        // The numbers of 14 bits are -8191 to 8192.
        const LEAST: i64 = (1 << 13) - 1;
        let zero = _mm256_setzero_si256();
        let has_dod = _mm256_cmpgt_epi64(zero, first);
        let raised = _mm256_add_epi64(_mm256_slli_epi64(first, 2), number(LEAST << (64 - 14)));
        let dod = _mm256_sub_epi64(_mm256_srli_epi64(raised, 64 - 14), number(LEAST));
        self.delta = _mm256_add_epi64(self.delta, _mm256_and_si256(dod, has_dod));
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
        self.pos = _mm256_add_epi64(self.pos, _mm256_add_epi64(used, width));
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn is_broken(&self) -> bool {
        _mm256_movemask_pd(_mm256_castsi256_pd(self.broken)) != 0
    }

    /// Decodes a sample of each lane, one after the other. False when one of them is broken.
    #[target_feature(enable = "avx2")]
    #[inline(never)]
    fn step_apart(&mut self, rows: &[Row; LANES]) -> bool {
        if self.is_broken() {
            return false;
        }
        let mut states = self.each();
        for (state, row) in states.iter_mut().zip(rows) {
            let here = row.get(state.pos >> 3..).and_then(|rest| rest.first_chunk());
            if here.is_none_or(|bytes| state.step(bytes).is_err()) {
                return false;
            }
        }
        *self = States { broken: self.broken, ..States::of(&states) };
        true
    }
}

/// Decodes a sample of all lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn step<const GROUPS: usize>(lanes: &mut [States; GROUPS], rows: &[[Row; LANES]; GROUPS]) -> bool {
    let mut words = [(_mm256_setzero_si256(), _mm256_setzero_si256()); GROUPS];
    let mut escapes = _mm256_setzero_si256();
    for group in 0..GROUPS {
        words[group] = lanes[group].words(&rows[group]);
        let first = words[group].0;
        // A time behind two ones takes more than 14 bits.
        escapes = _mm256_or_si256(escapes, _mm256_and_si256(first, _mm256_slli_epi64(first, 1)));
    }
    if _mm256_movemask_pd(_mm256_castsi256_pd(escapes)) == 0 {
        for group in 0..GROUPS {
            lanes[group].step(words[group]);
        }
        return true;
    }
    (0..GROUPS).all(|group| lanes[group].step_apart(&rows[group]))
}

/// A chunk and the columns that it is decoded to.
struct Lane<'a> {
    cursor: XorCursor<'a>,
    ts: &'a mut [i64],
    vs: &'a mut [f64],
}

/// Decodes four times `GROUPS` chunks.
#[target_feature(enable = "avx2")]
pub(super) fn decode<'a, const GROUPS: usize>(
    chunks: &[&'a [u8]],
    mut ts: &'a mut [i64],
    mut vs: &'a mut [f64],
) -> bool {
    let mut lanes = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let Ok(mut cursor) = XorCursor::new(chunk) else { return false };
        let left = cursor.left();
        let (Some((times, ts_rest)), Some((values, vs_rest))) =
            (ts.split_at_mut_checked(left), vs.split_at_mut_checked(left))
        else {
            return false;
        };
        (ts, vs) = (ts_rest, vs_rest);
        // The first two samples are written in another way.
        if left < 2 || cursor.fill(&mut times[..2], &mut values[..2]).is_err() {
            return false;
        }
        lanes.push(Lane { cursor, ts: times, vs: values });
    }
    let whole = ts.is_empty() && vs.is_empty();
    let Some(lanes) = lanes.as_chunks_mut::<LANES>().0.first_chunk_mut::<GROUPS>() else { return false };
    whole
        && ROWS.with_borrow_mut(|rows| {
            rows.first_chunk_mut::<GROUPS>().is_some_and(|rows| decode_rest(lanes, rows))
        })
}

/// Decodes from the third sample on.
#[target_feature(enable = "avx2")]
fn decode_rest<const GROUPS: usize>(
    lanes: &mut [[Lane<'_>; LANES]; GROUPS],
    rows: &mut [[Row; LANES]; GROUPS],
) -> bool {
    for (lane, row) in lanes.as_flattened().iter().zip(rows.as_flattened_mut()) {
        let stream = lane.cursor.stream();
        let Some(place) = row.get_mut(..stream.len()).filter(|_| stream.len() <= MAX_STREAM) else {
            return false;
        };
        place.copy_from_slice(stream);
    }
    let together = lanes.as_flattened().iter().map(|lane| lane.ts.len()).min().unwrap_or(0);
    let mut states = [States::of(&[State::START; LANES]); GROUPS];
    for group in 0..GROUPS {
        states[group] = States::of(&lanes[group].each_ref().map(|lane| *lane.cursor.state()));
    }
    let mut at = 2;
    while at < together {
        let mut times = [[_mm256_setzero_si256(); STRIDE]; GROUPS];
        let mut values = [[_mm256_setzero_si256(); STRIDE]; GROUPS];
        let n = STRIDE.min(together - at);
        for i in 0..n {
            if !step(&mut states, rows) {
                return false;
            }
            for group in 0..GROUPS {
                times[group][i] = states[group].t;
                values[group][i] = states[group].bits;
            }
        }
        for group in 0..GROUPS {
            let (times, values) = (transposed(times[group]), transposed(values[group]));
            for i in 0..LANES {
                let lane = &mut lanes[group][i];
                let (ts, vs) = (&mut lane.ts[at..], &mut lane.vs[at..]);
                if let (Some(ts), Some(vs)) = (ts.first_chunk_mut(), vs.first_chunk_mut()) {
                    // What comes after the last sample is written over.
                    store(times[i], ts);
                    store_floats(values[i], vs);
                } else {
                    for (t, time) in ts.iter_mut().zip(spread(times[i])) {
                        *t = time;
                    }
                    for (v, bits) in vs.iter_mut().zip(spread(values[i])) {
                        *v = f64::from_bits(bits as u64);
                    }
                }
            }
        }
        at += n;
    }
    for group in 0..GROUPS {
        if states[group].is_broken() {
            return false;
        }
        for (state, lane) in states[group].each().into_iter().zip(&mut lanes[group]) {
            // Nothing is taken for a sample that is made up of what lies behind the end.
            if state.pos > lane.cursor.stream().len() * 8 {
                return false;
            }
            lane.cursor.go_on(state, at);
            if lane.cursor.fill(&mut lane.ts[at..], &mut lane.vs[at..]).is_err() {
                return false;
            }
        }
    }
    true
}
