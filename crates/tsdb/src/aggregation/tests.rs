use proptest::prelude::*;

use super::*;
use crate::chunk::XorAppender;

fn xor(samples: &[(i64, f64)]) -> Vec<u8> {
    let mut app = XorAppender::new();
    for &(t, v) in samples {
        app.append(t, v).unwrap();
    }
    app.into_bytes()
}

fn read(chunks: &[ChunkSet<'_>], aggregation: Aggregation, mint: i64, maxt: i64) -> Vec<(i64, f64)> {
    let mut out = SampleBuffer::new();
    samples_into(chunks.iter().map(|set| set.wanted(aggregation)), aggregation, mint, maxt, &mut out)
        .unwrap();
    out.timestamps.into_iter().zip(out.floats).collect()
}

#[test]
fn overlapping_chunks_give_each_time_once() {
    let chunks =
        [xor(&[(0, 1.0), (10, 1.0), (20, 1.0)]), xor(&[(5, 2.0), (20, 2.0), (30, 2.0)]), xor(&[(25, 3.0)])];
    let sets: Vec<_> = chunks.iter().map(|c| ChunkSet::raw(Encoding::Xor, c)).collect();
    assert_eq!(read(&sets, Aggregation::Average, 0, 100), [(0, 1.0), (10, 1.0), (20, 1.0), (30, 2.0)]);
    assert_eq!(read(&sets, Aggregation::Max, 10, 20), [(10, 1.0), (20, 1.0)]);
    assert_eq!(read(&sets, Aggregation::Max, 40, 50), []);
}

#[test]
fn average_is_sum_by_count_and_raw_chunks_are_taken_as_they_are() {
    let (count, sum) = (xor(&[(10, 2.0), (20, 4.0)]), xor(&[(10, 5.0), (20, 6.0)]));
    let raw = xor(&[(30, 7.0)]);
    let down = ChunkSet {
        count: Some((Encoding::Xor, &count)),
        sum: Some((Encoding::Xor, &sum)),
        ..ChunkSet::default()
    };
    let sets = [down, ChunkSet::raw(Encoding::Xor, &raw)];
    assert_eq!(read(&sets, Aggregation::Average, 0, 100), [(10, 2.5), (20, 1.5), (30, 7.0)]);
    assert_eq!(read(&sets, Aggregation::Count, 0, 100), [(10, 2.0), (20, 4.0), (30, 7.0)]);
    assert_eq!(read(&sets, Aggregation::Average, 15, 20), [(20, 1.5)]);

    let mut out = SampleBuffer::new();
    let missing = samples_into([down.wanted(Aggregation::Min)], Aggregation::Min, 0, 100, &mut out);
    assert_eq!(missing, Err(ChunkError::NoValidChunk));
    let odd = ChunkSet { sum: Some((Encoding::Xor, &raw)), ..down };
    assert_eq!(
        samples_into([odd.wanted(Aggregation::Average)], Aggregation::Average, 0, 100, &mut out),
        Err(ChunkError::NotAligned)
    );
}

#[test]
fn counter_resets_are_removed_within_and_across_chunks() {
    // As in an aggregate chunk: the first raw sample, windows, and the raw last value at the last time again.
    let first = xor(&[(0, 5.0), (10, 8.0), (20, 12.0), (20, 2.0)]);
    let second = xor(&[(30, 1.0), (40, 4.0), (40, 4.0)]);
    let raw = xor(&[(50, 3.0), (60, f64::NAN), (70, 9.0)]);
    let sets = [
        ChunkSet { counter: Some((Encoding::Xor, &first)), ..ChunkSet::default() },
        ChunkSet { counter: Some((Encoding::Xor, &second)), ..ChunkSet::default() },
        ChunkSet::raw(Encoding::Xor, &raw),
    ];
    // 2 → 1 is a reset: +1; then +3; 4 → 3 is a reset: +3; +6.
    let want = [(0, 5.0), (10, 8.0), (20, 12.0), (30, 13.0), (40, 16.0), (50, 19.0), (70, 25.0)];
    assert_eq!(read(&sets, Aggregation::Counter, i64::MIN, i64::MAX), want);
    assert_eq!(read(&sets, Aggregation::Counter, 30, 50), want[3..6]);
}

proptest! {
    /// However the samples of a counter are cut into chunks, doing it in place gives what doing it one by one does.
    #[test]
    fn resets_in_place_as_one_by_one(
        start in prop_oneof![Just(0.0), Just(-0.0), Just(0.5), 0.0..1e17],
        steps in prop::collection::vec((
            prop_oneof![200 => Just(15i64), 1 => 0..2i64, 1 => -100..100i64, 1 => any::<i64>()],
            prop_oneof![100 => (0..50i32).prop_map(f64::from), 1 => Just(-1e9), 1 => Just(0.25), 1 => Just(f64::NAN), 1 => Just(1e16)],
        ), 0..700),
        lengths in prop::collection::vec(1..300usize, 1..8),
    ) {
        let (mut t, mut v) = (0i64, start);
        let samples: Vec<(i64, f64)> = steps.into_iter().map(|(dt, dv)| {
            t = t.wrapping_add(dt);
            if dv.is_nan() {
                return (t, dv);
            }
            v = if dv < -1.0 { 0.0 } else { v + dv };
            (t, v)
        }).collect();
        let (mut one, mut two) = (CounterResets::default(), CounterResets::default());
        let (mut expected, mut got) = (SampleBuffer::new(), SampleBuffer::new());
        let (mut rest, mut lengths) = (samples.as_slice(), lengths.into_iter().cycle());
        while !rest.is_empty() {
            let (chunk, others) = rest.split_at(lengths.next().unwrap().min(rest.len()));
            rest = others;
            let mut buffer = SampleBuffer::new();
            chunk.iter().for_each(|(t, v)| buffer.push_float(*t, *v));
            one.apply(&buffer, &mut expected);
            let from = got.len();
            got.extend_from(&buffer, 0..buffer.len());
            two.apply_in_place(&mut got, from);
        }
        let bits = |buffer: &SampleBuffer| buffer.floats.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(&expected.timestamps, &got.timestamps);
        prop_assert_eq!(bits(&expected), bits(&got));
    }
}
