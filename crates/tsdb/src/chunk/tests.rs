use model::series::SampleBuffer;
use proptest::prelude::*;

use super::*;

fn xor(samples: &[(i64, f64)]) -> Vec<u8> {
    let mut app = XorAppender::new();
    for &(t, v) in samples {
        app.append(t, v).unwrap();
    }
    app.into_bytes()
}

fn decoded(encoding: Encoding, data: &[u8]) -> Vec<(i64, u64)> {
    let mut out = SampleBuffer::new();
    decode_into(encoding, data, &mut out).unwrap();
    out.timestamps.iter().copied().zip(out.floats.iter().map(|v| v.to_bits())).collect()
}

fn bits(samples: &[(i64, f64)]) -> Vec<(i64, u64)> {
    samples.iter().map(|(t, v)| (*t, v.to_bits())).collect()
}

#[test]
fn known_bytes_of_a_small_chunk() {
    // Worked out by hand from the format: varint 1000, 1.0; uvarint 1000, same value; delta of deltas 0, value 2.0.
    let bytes = xor(&[(1000, 1.0), (2000, 1.0), (3000, 2.0)]);
    assert_eq!(&bytes[..2], [0, 3]);
    assert_eq!(&bytes[2..4], [0xd0, 0x0f]);
    assert_eq!(&bytes[4..12], 1.0f64.to_be_bytes());
    assert_eq!(&bytes[12..14], [0xe8, 0x07]);
    // 0 | 0 | 11 leading 1 (00001) width 11 (001011) and eleven ones.
    assert_eq!(&bytes[14..], [0b0011_0000, 0b1001_0111, 0b1111_1111, 0b1100_0000]);
}

#[test]
fn range_keeps_what_is_within_and_the_samples_before_it() {
    let samples: Vec<_> = (0..10).map(|i| (i * 10, i as f64)).collect();
    let data = xor(&samples);
    let mut out = SampleBuffer::new();
    out.push_float(-5, 7.0);
    decode_range_into(Encoding::Xor, &data, 20, 45, &mut out).unwrap();
    assert_eq!(out.timestamps, [-5, 20, 30, 40]);
    assert_eq!(out.floats, [7.0, 2.0, 3.0, 4.0]);
    decode_range_into(Encoding::Xor, &data, 95, 200, &mut out).unwrap();
    decode_range_into(Encoding::Xor, &data, -20, -1, &mut out).unwrap();
    assert_eq!(out.len(), 4);
}

#[test]
fn cut_chunks_are_errors_and_leave_the_buffer_alone() {
    let samples: Vec<_> = (0..50).map(|i| (i * 15_000, (i * i) as f64 * 0.1)).collect();
    let data = xor(&samples);
    let mut out = SampleBuffer::new();
    out.push_float(1, 1.0);
    for len in 0..data.len() {
        decode_into(Encoding::Xor, &data[..len], &mut out).unwrap_err();
        assert_eq!((out.timestamps.len(), out.floats.len()), (1, 1));
    }
}

#[test]
fn chunk_without_samples_is_empty() {
    for (encoding, data) in [
        (Encoding::Xor, &[0u8, 0][..]),
        (Encoding::Xor2, &[0, 0, 0]),
        (Encoding::Histogram, &[0, 0, 0]),
        (Encoding::FloatHistogramSt, &[0, 0, 0]),
    ] {
        assert_eq!(decoded(encoding, data), []);
        assert_eq!(sample_count(encoding, data), Ok(0));
    }
    let mut out = SampleBuffer::new();
    assert_eq!(decode_into(Encoding::Xor, &[0], &mut out), Err(ChunkError::NoHeader(1)));
    assert_eq!(decode_into(Encoding::Aggregate, &[0; 5], &mut out), Err(ChunkError::WholeAggregate));
}

#[test]
fn full_chunk_takes_no_more() {
    let mut app = XorAppender::new();
    for i in 0..65535 {
        app.append(i, 0.0).unwrap();
    }
    assert_eq!(app.append(65535, 0.0), Err(ChunkFull));
    assert_eq!(decoded(Encoding::Xor, app.bytes()).len(), 65535);
}

#[test]
fn wire_numbers_are_one_less() {
    for byte in 1..=6 {
        let encoding = Encoding::from_byte(byte).unwrap();
        assert_eq!(encoding.wire(), Some(i32::from(byte) - 1));
        assert_eq!(Encoding::from_wire(i32::from(byte) - 1), Ok(encoding));
    }
    assert_eq!(Encoding::Aggregate.wire(), None);
    for wire in [-1, 6, 254, i32::MAX] {
        Encoding::from_wire(wire).unwrap_err();
    }
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1000i32..1000).prop_map(f64::from),
        (0u64..200).prop_map(|v| v as f64 * 0.1),
        Just(f64::from_bits(model::value::STALE_NAN_BITS)),
    ]
}

fn any_samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let step = prop_oneof![Just(15_000i64), 14_000i64..16_000, 1i64..(1 << 40), any::<i64>()];
    prop::collection::vec((step, any_value()), 0..200).prop_map(|steps| {
        let mut t = 0i64;
        steps
            .into_iter()
            .map(|(step, v)| {
                t = t.wrapping_add(step);
                (t, v)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn xor_samples_come_back(samples in any_samples()) {
        prop_assert_eq!(decoded(Encoding::Xor, &xor(&samples)), bits(&samples));
    }

    #[test]
    fn resumed_appender_writes_the_same_samples(samples in any_samples(), cut in 0usize..200) {
        let cut = cut.min(samples.len());
        let mut app = XorAppender::resume(&xor(&samples[..cut])).unwrap();
        for &(t, v) in &samples[cut..] {
            app.append(t, v).unwrap();
        }
        prop_assert_eq!(decoded(Encoding::Xor, app.bytes()), bits(&samples));
    }
}

#[test]
fn reading_stops_behind_the_end() {
    let mut app = XorAppender::new();
    (0..50).for_each(|i| app.append(i * 10, i as f64).unwrap());
    let data = app.into_bytes();
    for (mint, maxt, want) in
        [(0, 1000, 0..50), (25, 100, 3..12), (0, -1, 0..1), (100, 99, 10..11), (0, 490, 0..50)]
    {
        let mut out = SampleBuffer::new();
        decode_until_into(Encoding::Xor, &data, mint, maxt, &mut out).unwrap();
        let want: Vec<i64> = want.map(|i| i * 10).collect();
        assert_eq!(out.timestamps, want, "{mint} to {maxt}");
        assert_eq!(out.floats.len(), want.len());
    }
}
