use super::*;

fn span(offset: i32, length: u32) -> Span {
    Span { offset, length }
}

/// A histogram of schema 0 with positive buckets from index 0.
fn simple(count: f64, sum: f64, buckets: &[f64]) -> FloatHistogram {
    FloatHistogram {
        count,
        sum,
        positive_spans: vec![span(0, buckets.len() as u32)],
        positive_buckets: buckets.to_vec(),
        ..Default::default()
    }
}

fn custom(bounds: &[f64], buckets: &[f64]) -> FloatHistogram {
    FloatHistogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: buckets.iter().sum(),
        sum: 1.0,
        positive_spans: vec![span(0, buckets.len() as u32)],
        positive_buckets: buckets.to_vec(),
        custom_values: bounds.to_vec(),
        ..Default::default()
    }
}

#[test]
fn adding_meets_at_the_coarser_schema() {
    let mut a = FloatHistogram { schema: 1, ..simple(10.0, 5.0, &[1.0, 2.0, 3.0, 4.0]) };
    let b = simple(3.0, 1.0, &[1.0, 2.0]);
    a.add(&b).unwrap();
    assert_eq!((a.schema, a.count, a.sum), (0, 13.0, 6.0));
    // 0 -> 0; 1,2 -> 1; 3 -> 2.
    assert_eq!(a.positive_buckets, [2.0, 7.0, 4.0]);
    let mut b = simple(3.0, 1.0, &[1.0, 2.0]);
    b.add(&FloatHistogram { schema: 1, ..simple(10.0, 5.0, &[1.0, 2.0, 3.0, 4.0]) }).unwrap();
    assert_eq!(b.positive_buckets, [2.0, 7.0, 4.0]);
}

#[test]
fn adding_meets_at_the_wider_zero_bucket() {
    let mut a =
        FloatHistogram { zero_threshold: 0.001, zero_count: 1.0, ..simple(7.0, 1.0, &[1.0, 2.0, 3.0]) };
    // A threshold of 1.5 cuts the bucket (1,2]; the zero bucket widens to 2.
    let b = FloatHistogram { zero_threshold: 1.5, zero_count: 5.0, ..simple(5.0, 1.0, &[]) };
    a.add(&b).unwrap();
    assert_eq!((a.zero_threshold, a.zero_count), (2.0, 9.0));
    assert_eq!(
        (a.positive_spans.as_slice(), a.positive_buckets.as_slice()),
        ([span(2, 1)].as_slice(), [3.0].as_slice())
    );

    let mut b = FloatHistogram { zero_threshold: 1.5, zero_count: 5.0, ..simple(5.0, 1.0, &[]) };
    b.add(&FloatHistogram { zero_threshold: 0.001, zero_count: 1.0, ..simple(7.0, 1.0, &[1.0, 2.0, 3.0]) })
        .unwrap();
    assert_eq!((b.zero_threshold, b.zero_count), (2.0, 9.0));
    assert_eq!((b.positive_spans, b.positive_buckets), (vec![span(2, 1)], vec![3.0]));
}

#[test]
fn different_custom_bounds_are_cut_to_those_in_common() {
    let mut a = custom(&[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]);
    let b = custom(&[1.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 40.0]);
    let seen = a.clone().add(&a.clone()).unwrap();
    assert!(!seen.bounds_reconciled);
    assert!(a.add(&b).unwrap().bounds_reconciled);
    assert_eq!(a.custom_values, [1.0, 4.0]);
    assert_eq!(a.positive_buckets, [11.0, 55.0, 44.0]);
}

#[test]
fn custom_and_exponential_do_not_mix() {
    let mut a = custom(&[1.0], &[1.0]);
    assert_eq!(a.add(&simple(1.0, 1.0, &[1.0])), Err(HistogramError::IncompatibleSchemas));
}

#[test]
fn subtracting_itself_leaves_nothing() {
    let mut a = FloatHistogram { zero_count: 2.0, zero_threshold: 0.5, ..simple(5.0, 1.0, &[1.0, 2.0]) };
    a.sub(&a.clone()).unwrap();
    a.compact(0);
    assert!(a.equals(&FloatHistogram { zero_threshold: 0.5, ..Default::default() }));
}

#[test]
fn compensated_addition_keeps_what_floats_lose() {
    let mut sum = simple(1e100, 1e100, &[1e100]);
    let mut compensation = None;
    for v in [1.0, -1e100, 1.0] {
        sum.add_compensated(&simple(v, v, &[v, v]), &mut compensation).unwrap();
    }
    sum.add(compensation.as_ref().unwrap()).unwrap();
    assert_eq!((sum.count, sum.sum), (2.0, 2.0));
    assert_eq!(sum.positive_buckets[0], 2.0);
}

#[test]
fn hints_merge_and_collide() {
    use CounterResetHint::{CounterReset, Gauge, NotCounterReset, Unknown};
    for (a, b, want, collides) in [
        (Gauge, CounterReset, Gauge, false),
        (CounterReset, Gauge, Gauge, false),
        (Unknown, CounterReset, Unknown, false),
        (NotCounterReset, NotCounterReset, NotCounterReset, false),
        (NotCounterReset, CounterReset, Unknown, true),
    ] {
        let mut h = FloatHistogram { counter_reset_hint: a, ..Default::default() };
        let seen = h.add(&FloatHistogram { counter_reset_hint: b, ..Default::default() }).unwrap();
        assert_eq!((h.counter_reset_hint, seen.counter_reset_collision), (want, collides));
    }
}

#[test]
fn resets_are_detected_by_count_bucket_schema_and_zero_bucket() {
    let base = simple(6.0, 1.0, &[1.0, 2.0, 3.0]);
    assert!(!base.detect_reset(&base));
    assert!(simple(5.0, 1.0, &[1.0, 2.0, 2.0]).detect_reset(&base));
    assert!(simple(9.0, 1.0, &[4.0, 1.0, 4.0]).detect_reset(&base));
    assert!(simple(9.0, 1.0, &[4.0, 5.0]).detect_reset(&base));
    assert!(FloatHistogram { schema: 1, ..simple(9.0, 1.0, &[4.0, 5.0]) }.detect_reset(&base));
    assert!(!FloatHistogram { schema: -1, ..simple(9.0, 1.0, &[4.0, 5.0]) }.detect_reset(&base));
    assert!(
        !FloatHistogram { zero_threshold: 2.0, zero_count: 3.0, ..simple(9.0, 1.0, &[0.0, 0.0, 5.0]) }
            .detect_reset(&base)
    );
    assert!(
        FloatHistogram { zero_threshold: 2.0, zero_count: 2.0, ..simple(9.0, 1.0, &[0.0, 0.0, 5.0]) }
            .detect_reset(&base)
    );
    let hinted =
        FloatHistogram { counter_reset_hint: CounterResetHint::NotCounterReset, ..simple(0.0, 0.0, &[]) };
    assert!(!hinted.detect_reset(&base));
    assert!(!custom(&[1.0, 2.0], &[1.0, 2.0]).detect_reset(&custom(&[1.5, 2.0], &[2.0, 1.0])));
    assert!(custom(&[1.0, 2.0], &[1.0, 1.0, 3.0]).detect_reset(&custom(&[1.5, 2.0], &[2.0, 1.0])));
}

#[test]
fn trimming_estimates_within_the_cut_bucket() {
    let h = custom(&[0.0, 10.0, 20.0], &[0.0, 10.0, 10.0]);
    let mut below = h.clone();
    below.trim(5.0, Trim::Below);
    assert_eq!((below.count, below.sum), (5.0, 12.5));
    let mut above = h.clone();
    above.trim(15.0, Trim::Above);
    assert_eq!((above.count, above.sum), (5.0, 87.5));
    let mut whole = h.clone();
    whole.trim(100.0, Trim::Below);
    assert!(whole.equals(&h));
}

#[test]
fn text_lists_populated_buckets_in_order() {
    let h = FloatHistogram {
        zero_threshold: 0.5,
        zero_count: 1.0,
        negative_spans: vec![span(0, 1)],
        negative_buckets: vec![2.0],
        ..simple(6.0, 1.5, &[0.0, 3.0])
    };
    assert_eq!(h.to_string(), "{count:6, sum:1.5, [-1,-0.5):2, [-0.5,0.5]:1, (1,2]:3}");
    assert_eq!(
        h.to_test_expression(),
        "{{count:6 sum:1.5 z_bucket:1 z_bucket_w:0.5 offset:1 buckets:[3] n_buckets:[2]}}"
    );
}

#[test]
fn of_custom_buckets_the_zero_bucket_stays_empty() {
    let h = custom(&[1.0, 2.0], &[1.0, 2.0]);
    let mut once = h.clone();
    once.mul(-1.0);
    assert_eq!(once.zero_count.to_bits(), (-0.0f64).to_bits());
    let mut twice = once.clone();
    twice.mul(-1.0);
    assert!(
        !twice.equals(&h),
        "as in Prometheus, whose copy of the first has 0 there, and −0 after the second"
    );
    let (mut doubled, mut scaled) = (once.clone(), once.clone());
    doubled.add(&once).unwrap();
    scaled.mul(2.0);
    assert!(doubled.equals(&scaled));
}
