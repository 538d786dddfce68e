//! Questions to whole columns, which decide whether the short way can be gone. Each looks at all of a column, which is faster than to stop
//! at the first answer.

use model::wide;

wide! {
    /// Whether one of the values is NaN.
    pub(crate) fn has_nan(values: &[f64]) -> bool {
        let mut found = false;
        for v in values {
            found |= v.is_nan();
        }
        found
    }

    /// Whether a time may be before the one in front of it: always true when it is, and for times so far away that their differences overflow.
    /// Only looks at the highest bit of all together.
    pub(crate) fn may_descend(timestamps: &[i64]) -> bool {
        let far = |t: i64| t ^ (t << 1);
        let mut signs = timestamps.first().map_or(0, |t| far(*t));
        for (before, after) in timestamps.iter().zip(timestamps.iter().skip(1)) {
            signs |= after.wrapping_sub(*before) | far(*after);
        }
        signs < 0
    }

    /// Whether times ascend, each later than the one before. Says no for those of other ages of the world, whose differences overflow.
    pub(crate) fn ascend(ts: &[i64]) -> bool {
        let far = |t: i64| (t ^ t << 1) as u64;
        let mut signs = ts.first().map_or(0, |t| far(*t));
        for (before, t) in ts.iter().zip(ts.iter().skip(1)) {
            signs |= far(*t) | t.wrapping_sub(*before).wrapping_sub(1) as u64;
        }
        signs >> 63 == 0
    }

    /// Whether values are whole numbers below [`WHOLE`], have no sign, not even zeros, and never fall: those of most counters.
    pub(crate) fn counts(vs: &[f64]) -> bool {
        let mut signs = vs.first().map_or(0, |v| v.to_bits());
        let mut fine = vs.first().is_none_or(|v| (v + WHOLE) - WHOLE == *v) && vs.last().is_none_or(|v| *v < WHOLE);
        for (before, v) in vs.iter().zip(vs.iter().skip(1)) {
            signs |= v.to_bits();
            fine &= (v >= before) & ((v + WHOLE) - WHOLE == *v);
        }
        fine && signs >> 63 == 0
    }
}

/// Whole numbers below this have exact sums and differences, and adding it to one that is not whole makes it one.
pub(crate) const WHOLE: f64 = (1u64 << 52) as f64;

/// Whether the values are those of [`counts`], and so small that all sums of them are exact in any order.
pub(crate) fn adds_up(vs: &[f64]) -> bool {
    vs.last().is_some_and(|last| last * vs.len() as f64 <= WHOLE) && counts(vs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_values_do_not_add_up() {
        let fine: &[f64] = &[0.0, 1.0, 1.0, 7e12];
        assert!(adds_up(fine));
        for other in [
            &[-0.0, 1.0],
            &[0.0, -0.0],
            &[1.0, 0.0],
            &[0.5, 1.0],
            &[1.0, 1.5],
            &[1.0, 4e15],
            &[1.0, f64::INFINITY],
        ] {
            assert!(!adds_up(other), "{other:?}");
        }
        assert!(!adds_up(&[1.0, f64::NAN, 2.0]) && !adds_up(&[f64::NAN]) && !adds_up(&[-1.0, 1.0]));
    }

    #[test]
    fn one_of_many_is_seen_wherever_it_is() {
        for at in 1..37 {
            let mut values: Vec<f64> = (0..37).map(f64::from).collect();
            assert!(!has_nan(&values) && adds_up(&values));
            values[at] = f64::NAN;
            assert!(has_nan(&values) && !adds_up(&values));
            let mut times: Vec<i64> = (0..37).collect();
            assert!(!may_descend(&times));
            times[at] = -1;
            assert!(may_descend(&times));
        }
    }

    #[test]
    fn times_far_away_may_always_descend() {
        assert!(!may_descend(&[]) && !may_descend(&[-5, -5, 7]));
        assert!(may_descend(&[7, 6]));
        assert!(may_descend(&[i64::MAX, i64::MIN]) && may_descend(&[i64::MIN, i64::MAX]));
    }
}
