//! Sliding over a series gives what each window by itself gives, to the bit.

use model::labels::Labels;
use proptest::prelude::*;

use super::*;
use crate::ast::{PosRange, RangeModifier};
use crate::column::Cell;
use crate::functions::{Env, call};
use crate::plan::Grid;

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

/// Asserts that sliding over the series gives what each window by itself gives.
fn assert_slides(
    times: &[i64],
    values: &[f64],
    start: i64,
    step: i64,
    range: i64,
    count: usize,
) -> Result<(), TestCaseError> {
    let samples = Samples { float_times: times, floats: values, ..Default::default() };
    let grid = Grid::new(start, start + step * (count as i64 - 1), step);
    let window_grid = WindowGrid { grid, end: start, range };
    let labels = Labels::empty();
    for func in SLIDING {
        let (column, seen) =
            slide(func, &samples, &window_grid, range as f64 / 1000.0).expect("the function slides");
        let (mut total, mut read, mut widest, mut before) = (0, 0, 0, 0);
        for at in 0..count {
            let end = grid.at(at);
            let low = times.partition_point(|t| *t <= end - range);
            let high = times.partition_point(|t| *t <= end);
            let held = (high - low) as u64;
            total += held;
            widest = widest.max(held);
            read += if held > 0 { (high - low.max(before)) as u64 } else { 0 };
            before = high;
            let want = if low == high {
                None
            } else {
                let env = Env {
                    func,
                    ts: end,
                    range_start: end - range,
                    range_end: end,
                    range_seconds: range as f64 / 1000.0,
                    modifier: RangeModifier::None,
                    labels: &labels,
                    pos: PosRange::default(),
                    args_pos: PosRange::default(),
                    scalars: &[],
                    start_timestamps: false,
                };
                match call(&samples.window(low..high, 0..0), &env, &mut Vec::new()).unwrap() {
                    Some(Cell::Float(v)) => Some(v),
                    _ => None,
                }
            };
            let got = column.get(at).map(|cell| match cell {
                Cell::Float(v) => v,
                Cell::Histogram(_) => 0.0,
            });
            let same = match (got, want) {
                (Some(a), Some(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
                (a, b) => a.is_none() && b.is_none(),
            };
            prop_assert!(same, "{func:?} at {at}: {got:?} {want:?}");
        }
        prop_assert_eq!((seen.total, seen.read, seen.widest), (total, read, widest));
    }
    Ok(())
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
        assert_slides(&times, &pool[..times.len()], start, step, range, count)?;
    }

    /// Scrapes nearly as regular as they mostly are, of a counter that is reset now and then, with gaps in between.
    #[test]
    fn rows_equal_each_window_by_itself(
        scrapes in prop::collection::vec((
            prop_oneof![9 => Just(0i64), 3 => 0..3i64],
            prop_oneof![60 => Just(1i64), 1 => 2..9i64],
            prop_oneof![60 => (0..50i32).prop_map(f64::from), 1 => Just(-1.0), 1 => Just(f64::NAN), 1 => Just(1e300)],
        ), 0..250),
        interval in 5..40i64,
        start in -100..400i64,
        every in 1..5i64,
        extra in prop_oneof![5 => Just(0i64), 1 => 1..5i64],
        range in 1..400i64,
        count in 1..120usize,
    ) {
        let (mut at, mut value) = (0, 0.0);
        let samples = scrapes.iter().map(|(jitter, passed, more)| {
            at += passed * interval;
            value = if *more < 0.0 { 0.0 } else { value + more };
            let seen = value;
            if value.is_nan() {
                value = 1.0;
            }
            (at + jitter, seen)
        });
        let (times, values): (Vec<i64>, Vec<f64>) = samples.unzip();
        assert_slides(&times, &values, start, every * interval + extra, range, count)?;
    }
}

#[test]
fn regular_windows_lie_in_rows() {
    let times: Vec<i64> = (0..400).map(|i| i * 15_000 + [0, 7, 3][i as usize % 3]).collect();
    let grid = Grid::new(300_000, 5_400_000, 60_000);
    let mut all = Windows::new(&times, &WindowGrid { grid, end: grid.start + 5_000, range: 300_000 });
    let (mut rows, mut alone) = (0, 0);
    loop {
        if all.next_row(|_| true).is_some() {
            rows += 1;
        } else if all.next().is_some() {
            alone += 1;
        } else {
            break;
        }
    }
    assert_eq!((rows, alone), (10, 6));
}

/// Times at the ends of time, and ranges longer than any.
#[test]
fn times_far_away_are_no_rows() {
    let times: Vec<i64> = (0..300).map(|i| i64::MAX - 300_000 + i * 1000).collect();
    let values: Vec<f64> = (0..300).map(f64::from).collect();
    let samples = Samples { float_times: &times, floats: &values, ..Default::default() };
    let grid = Grid::new(i64::MAX - 290_000, i64::MAX - 1000, 1000);
    for range in [10_000, i64::MAX] {
        let w = WindowGrid { grid, end: grid.start, range };
        let mut all = Windows::new(&times, &w);
        let mut alone = 0;
        while all.next_row(|_| true).is_none() && all.next().is_some() {
            alone += 1;
        }
        assert_eq!(alone, grid.count);
        let (column, seen) = slide(FunctionId::Rate, &samples, &w, 10.0).expect("the function slides");
        assert_eq!(column.floats.len(), grid.count);
        assert!(seen.widest >= 10);
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
