//! Compensated summation.
//!
//! Prometheus sums with Kahan's method as improved by Neumaier; results are equal to the bit only with the same steps in the same
//! order, so everything that sums goes through here.

/// Adds `value` to a running sum with its compensation; gives the new sum and compensation.
///
/// The sum proper is `sum + compensation`, taken at the end. An infinite sum has no compensation.
#[inline(always)]
pub fn add(value: f64, sum: f64, compensation: f64) -> (f64, f64) {
    let total = sum + value;
    let compensation = if total.is_infinite() {
        0.0
    } else if sum.abs() >= value.abs() {
        compensation + ((sum - total) + value)
    } else {
        compensation + ((value - total) + sum)
    };
    (total, compensation)
}

/// Subtracts `value`; see [`add`].
#[inline(always)]
pub fn sub(value: f64, sum: f64, compensation: f64) -> (f64, f64) {
    add(-value, sum, compensation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let (mut sum, mut c) = (0.0, 0.0);
        for v in [1.0, 1e100, 1.0, -1e100] {
            (sum, c) = add(v, sum, c);
        }
        assert_eq!(sum + c, 2.0);
    }

    #[test]
    fn an_infinite_sum_drops_the_compensation() {
        assert_eq!(add(f64::INFINITY, 1.0, 0.5), (f64::INFINITY, 0.0));
        let (sum, c) = add(1.0, f64::INFINITY, 0.0);
        assert_eq!((sum, c), (f64::INFINITY, 0.0));
    }
}
