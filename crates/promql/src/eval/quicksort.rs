//! Pattern-defeating quicksort (Orson Peters) with the very steps of Go's `sort`: where values are equal, which one comes first in
//! Prometheus's answer rests on them. It takes any predicate, be it an order or not.

/// Sorts by `less`.
pub(super) fn sort<T>(items: &mut [T], less: &dyn Fn(&T, &T) -> bool) {
    let len = items.len();
    let limit = usize::BITS - len.leading_zeros();
    Sorter { items, less }.sort(0, len, limit);
}

/// Few enough to insert one by one.
const INSERT: usize = 12;
/// From here on the pivot is chosen with more care, and nearly sorted ranges are mended.
const LONG: usize = 50;

#[derive(PartialEq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

struct Sorter<'a, T> {
    items: &'a mut [T],
    less: &'a dyn Fn(&T, &T) -> bool,
}

impl<T> Sorter<'_, T> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(&self.items[a], &self.items[b])
    }

    /// Sorts `[a, b)`; falls back to heap sort after `limit` bad pivots.
    fn sort(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        loop {
            let len = b - a;
            if len <= INSERT {
                self.insert_all(a, b);
                return;
            }
            if limit == 0 {
                self.heap_sort(a, b);
                return;
            }
            if !balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.choose_pivot(a, b);
            if hint == Hint::Decreasing {
                self.items[a..b].reverse();
                pivot = (b - 1) - (pivot - a);
                hint = Hint::Increasing;
            }
            if balanced && partitioned && hint == Hint::Increasing && self.mend(a, b) {
                return;
            }
            // What is before the range is not greater than anything in it: with a pivot equal to it, all equal ones are done.
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (middle, already) = self.partition(a, b, pivot);
            partitioned = already;
            let (left, right) = (middle - a, b - middle);
            if left < right {
                balanced = left >= len / 8;
                self.sort(a, middle, limit);
                a = middle + 1;
            } else {
                balanced = right >= len / 8;
                self.sort(middle + 1, b, limit);
                b = middle;
            }
        }
    }

    fn insert_all(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            self.sink_left(i, a + 1);
        }
    }

    /// Moves an item to the left while it is less than its neighbour, up to where `end` was reached.
    fn sink_left(&mut self, from: usize, end: usize) {
        for j in (end..=from).rev() {
            if !self.less(j, j - 1) {
                break;
            }
            self.items.swap(j, j - 1);
        }
    }

    fn heap_sort(&mut self, first: usize, b: usize) {
        let len = b - first;
        for i in (0..=(len - 1) / 2).rev() {
            self.sift_down(i, len, first);
        }
        for i in (0..len).rev() {
            self.items.swap(first, first + i);
            self.sift_down(0, i, first);
        }
    }

    fn sift_down(&mut self, mut root: usize, end: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= end {
                return;
            }
            if child + 1 < end && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.items.swap(first + root, first + child);
            root = child;
        }
    }

    /// Brings what is less than the pivot before it; returns its place, and whether all was so already.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut swaps = 0;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                break;
            }
            self.items.swap(i, j);
            swaps += 1;
            i += 1;
            j -= 1;
        }
        self.items.swap(j, a);
        (j, swaps == 0)
    }

    /// Brings what equals the pivot, the least of the range, to the front; returns where the rest begins.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.items.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    /// Sorts a range in which only a few items are out of place; false if it gave up.
    fn mend(&mut self, a: usize, b: usize) -> bool {
        const MOST: usize = 5;
        let mut i = a + 1;
        for _ in 0..MOST {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < LONG {
                return false;
            }
            self.items.swap(i, i - 1);
            if i - a >= 2 {
                self.sink_left(i - 1, 1);
            }
            if b - i >= 2 {
                for j in i + 1..b {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.items.swap(j, j - 1);
                }
            }
        }
        false
    }

    /// Swaps three items about the middle with random ones, random by the length.
    fn break_patterns(&mut self, a: usize, b: usize) {
        let len = b - a;
        if len < 8 {
            return;
        }
        let mut random = len as u64;
        let mask = (1u64 << (u64::BITS - (len as u64).leading_zeros())) - 1;
        let middle = a + len / 4 * 2;
        for at in middle - 1..=middle + 1 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = (random & mask) as usize;
            let other = if other >= len { other - len } else { other };
            self.items.swap(at, a + other);
        }
    }

    fn choose_pivot(&self, a: usize, b: usize) -> (usize, Hint) {
        const MOST_SWAPS: usize = 12;
        let quarter = (b - a) / 4;
        let (mut i, mut j, mut k) = (a + quarter, a + quarter * 2, a + quarter * 3);
        let mut swaps = 0;
        // More than `INSERT` items, so that there are three quarters.
        if b - a >= LONG {
            i = self.median(i - 1, i, i + 1, &mut swaps);
            j = self.median(j - 1, j, j + 1, &mut swaps);
            k = self.median(k - 1, k, k + 1, &mut swaps);
        }
        let pivot = self.median(i, j, k, &mut swaps);
        let hint = match swaps {
            0 => Hint::Increasing,
            MOST_SWAPS => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (pivot, hint)
    }

    fn median(&self, mut a: usize, mut b: usize, mut c: usize, swaps: &mut usize) -> usize {
        let mut order = |x: &mut usize, y: &mut usize| {
            if self.less(*y, *x) {
                *swaps += 1;
                std::mem::swap(x, y);
            }
        };
        order(&mut a, &mut b);
        order(&mut b, &mut c);
        order(&mut a, &mut b);
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, len: usize, values: u64) -> Vec<u64> {
        let mut x = seed;
        (0..len)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (x >> 33) % values
            })
            .collect()
    }

    #[test]
    fn sorts_every_kind_of_input() {
        for len in (0..70).chain([500, 3000]) {
            for values in [1, 2, 10, 1 << 30] {
                let random = noise(len as u64 + values, len, values);
                let mut rising = random.clone();
                rising.sort_unstable();
                let falling: Vec<u64> = rising.iter().rev().copied().collect();
                let mut nearly = rising.clone();
                if len > 4 {
                    nearly.swap(1, len - 2);
                }
                for mut items in [random.clone(), rising.clone(), falling, nearly] {
                    sort(&mut items, &|a, b| a < b);
                    assert_eq!(items, rising, "{len} items of {values} values");
                }
            }
        }
    }

    #[test]
    fn a_predicate_that_is_no_order_harms_nothing() {
        for len in [5, 13, 60, 400] {
            for predicate in [|_: &u64, _: &u64| true, |a: &u64, b: &u64| (a ^ b) & 1 == 0] {
                let mut items = noise(7, len, 50);
                let mut sorted = items.clone();
                sort(&mut items, &predicate);
                items.sort_unstable();
                sorted.sort_unstable();
                assert_eq!(items, sorted);
            }
        }
    }
}
