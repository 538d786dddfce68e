//! Sliding over a series gives what each window by itself gives, to the bit.

use model::labels::Labels;
use proptest::prelude::*;

use super::*;
use crate::ast::{PosRange, RangeModifier};
use crate::column::Cell;
use crate::functions::{Env, call};

const SLIDING: [FunctionId; 18] = [
    FunctionId::Rate,
    FunctionId::Increase,
    FunctionId::Delta,
    FunctionId::CountOverTime,
    FunctionId::PresentOverTime,
    FunctionId::LastOverTime,
    FunctionId::FirstOverTime,
    FunctionId::TsOfLastOverTime,
    FunctionId::TsOfFirstOverTime,
    FunctionId::SumOverTime,
    FunctionId::AvgOverTime,
    FunctionId::MaxOverTime,
    FunctionId::MinOverTime,
    FunctionId::Changes,
    FunctionId::Resets,
    FunctionId::StddevOverTime,
    FunctionId::Irate,
    FunctionId::Idelta,
];

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (0..50i32).prop_map(f64::from),
        4 => -1e3..1e3f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(0.0),
        1 => Just(-0.0),
        1 => Just(1e308),
        1 => Just(-1e308),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn equals_each_window_by_itself(
        gaps in prop::collection::vec(1..40i64, 0..80),
        pool in prop::collection::vec(values(), 80),
        start in -100..200i64,
        step in 1..60i64,
        range in 1..200i64,
        count in 1..60usize,
    ) {
        let times: Vec<i64> = gaps.iter().scan(0, |t, gap| { *t += gap; Some(*t) }).collect();
        let values = &pool[..times.len()];
        let samples = Samples { float_times: &times, floats: values, ..Default::default() };
        let grid = Grid::new(start, start + step * (count as i64 - 1), step);
        let window_grid = WindowGrid { grid, end: start, range };
        let labels = Labels::empty();
        for func in SLIDING {
            let (column, seen) = slide(func, &samples, &window_grid, range as f64 / 1000.0).expect("the function slides");
            let mut total = 0;
            for at in 0..count {
                let end = grid.at(at);
                let low = times.partition_point(|t| *t <= end - range);
                let high = times.partition_point(|t| *t <= end);
                total += (high - low) as u64;
                let want = if low == high { None } else {
                    let env = Env {
                        func, ts: end, range_start: end - range, range_end: end, range_seconds: range as f64 / 1000.0,
                        modifier: RangeModifier::None, labels: &labels, pos: PosRange::default(), args_pos: PosRange::default(),
                        scalars: &[], start_timestamps: false,
                    };
                    match call(&samples.window(low..high, 0..0), &env, &mut Vec::new()).unwrap() {
                        Some(Cell::Float(v)) => Some(v.to_bits()),
                        _ => None,
                    }
                };
                let got = column.get(at).map(|cell| match cell { Cell::Float(v) => v.to_bits(), Cell::Histogram(_) => 0 });
                let same = got == want || matches!((got, want), (Some(a), Some(b)) if f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan());
                prop_assert!(same, "{func:?} at {at}: {got:?} {want:?}");
            }
            prop_assert_eq!(seen.total, total);
        }
    }
}

#[test]
fn resets_are_found_across_blocks() {
    let mut values: Vec<f64> = (0..300).map(f64::from).collect();
    for at in [0, 63, 64, 127, 200, 298] {
        values[at + 1] = values[at] - 0.5;
    }
    let want: Vec<usize> = (0..299).filter(|i| values[i + 1] < values[*i]).collect();
    assert_eq!(resets(&values).to_vec(), want);
    assert!(want.contains(&63) && want.contains(&298));
    assert!(resets(&[]).is_empty() && resets(&[f64::NAN, 1.0, f64::NAN]).is_empty());
}
