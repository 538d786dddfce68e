//! Set operations on ascending slices without duplicates.

/// From this ratio of lengths on, looking up the elements of the shorter list in the longer one by galloping is faster
/// than walking both.
const GALLOP_RATIO: usize = 16;

/// First index from `from` on whose element is not less than `x`: doubling steps, then binary search within the last.
#[inline]
fn gallop<T: Copy + Ord>(list: &[T], from: usize, x: T) -> usize {
    let mut step = 1;
    let mut low = from;
    let mut high = from;
    while high < list.len() && list[high] < x {
        low = high + 1;
        high += step;
        step *= 2;
    }
    let high = high.min(list.len());
    low + list[low..high].partition_point(|y| *y < x)
}

/// What is in both lists.
pub fn intersect<T: Copy + Ord>(a: &[T], b: &[T]) -> Vec<T> {
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut out = Vec::with_capacity(a.len());
    if b.len() / GALLOP_RATIO >= a.len() {
        let mut j = 0;
        for &x in a {
            j = gallop(b, j, x);
            match b.get(j) {
                Some(y) if *y == x => out.push(x),
                Some(_) => {}
                None => break,
            }
        }
        return out;
    }
    let Some(first) = a.first() else { return out };
    // Each element is written, and kept only if the place is moved on: a branch could not be predicted.
    out.resize(a.len(), *first);
    let (mut i, mut j, mut n) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        out[n] = x;
        n += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    out.truncate(n);
    out
}

/// What is in all lists; nothing when there are none. Starts with the shortest.
pub fn intersect_all<T: Copy + Ord, L: AsRef<[T]>>(lists: &[L]) -> Vec<T> {
    let mut lists: Vec<&[T]> = lists.iter().map(AsRef::as_ref).collect();
    lists.sort_by_key(|l| l.len());
    match lists.as_slice() {
        [] => Vec::new(),
        [one] => one.to_vec(),
        [a, b, rest @ ..] => {
            let mut out = intersect(a, b);
            for list in rest {
                if out.is_empty() {
                    break;
                }
                out = intersect(&out, list);
            }
            out
        }
    }
}

/// Whether the lists have an element in common.
pub fn intersects<T: Copy + Ord>(a: &[T], b: &[T]) -> bool {
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut j = 0;
    for &x in a {
        j = gallop(b, j, x);
        match b.get(j) {
            Some(y) if *y == x => return true,
            Some(_) => {}
            None => return false,
        }
    }
    false
}

/// What is in either list.
pub fn merge<T: Copy + Ord>(a: &[T], b: &[T]) -> Vec<T> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    if let (Some(first), false) = (a.first(), b.is_empty()) {
        out.resize(a.len() + b.len(), *first);
        let mut n = 0;
        while i < a.len() && j < b.len() {
            let (x, y) = (a[i], b[j]);
            out[n] = x.min(y);
            n += 1;
            i += usize::from(x <= y);
            j += usize::from(y <= x);
        }
        out.truncate(n);
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

/// A series reference as a number, for sets as bits.
pub trait Reference: Copy + Ord {
    /// The number.
    fn number(self) -> u64;
    /// The reference of a number that came from one.
    fn from_number(number: u64) -> Self;
}

impl Reference for u32 {
    fn number(self) -> u64 {
        u64::from(self)
    }

    fn from_number(number: u64) -> Self {
        number as u32
    }
}

impl Reference for u64 {
    fn number(self) -> u64 {
        self
    }

    fn from_number(number: u64) -> Self {
        number
    }
}

/// What is in any of the lists.
pub fn merge_all<T: Reference, L: AsRef<[T]>>(lists: &[L]) -> Vec<T> {
    match lists {
        [] => Vec::new(),
        [one] => one.as_ref().to_vec(),
        [a, b] => merge(a.as_ref(), b.as_ref()),
        many => merge_many(many.iter().map(|l| l.as_ref().iter().copied())),
    }
}

/// How many numbers of the range there may be for each element, for bits to be faster than sorting.
const MAX_SPARSENESS: u64 = 64;

/// What is in any of the ascending lists, of which there may be many.
pub(crate) fn merge_many<T: Reference, I>(lists: impl Iterator<Item = I> + Clone) -> Vec<T>
where
    I: ExactSizeIterator<Item = T> + DoubleEndedIterator + Clone,
{
    let total: usize = lists.clone().map(|l| l.len()).sum();
    let first = lists.clone().filter_map(|mut l| l.next()).map(T::number).min();
    let last = lists.clone().filter_map(|mut l| l.next_back()).map(T::number).max();
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    // A list that is out of order, in a broken file, may end before it starts.
    let last = last.max(first);
    if total < 1024 || last.saturating_sub(first) / MAX_SPARSENESS > total as u64 {
        let mut out = Vec::with_capacity(total);
        lists.for_each(|list| out.extend(list));
        // The stable sort of the standard library finds the ascending runs and merges them: n log k.
        out.sort();
        out.dedup();
        return out;
    }
    // References of a block are close together, so that a bit for each takes little: at most 8 bytes for each element.
    let base = first / 64;
    let mut words = vec![0u64; (last / 64 - base) as usize + 1];
    for x in lists.flatten() {
        let n = x.number();
        // A list out of order may have greater or smaller ones than its ends.
        if let Some(word) = (n / 64).checked_sub(base).and_then(|i| words.get_mut(i as usize)) {
            *word |= 1 << (n % 64);
        }
    }
    let mut out = Vec::with_capacity(words.iter().map(|w| w.count_ones() as usize).sum());
    for (i, mut word) in words.into_iter().enumerate() {
        while word != 0 {
            out.push(T::from_number((base + i as u64) * 64 + u64::from(word.trailing_zeros())));
            word &= word - 1;
        }
    }
    out
}

/// What is in `a` but not in `b`.
pub fn without<T: Copy + Ord>(a: &[T], b: &[T]) -> Vec<T> {
    if a.is_empty() || b.is_empty() {
        return a.to_vec();
    }
    let mut out = Vec::with_capacity(a.len());
    if a.len() / GALLOP_RATIO >= b.len() {
        // Few elements to drop: copy the runs between them.
        let mut i = 0;
        for &y in b {
            let end = gallop(a, i, y);
            out.extend_from_slice(&a[i..end]);
            i = end + usize::from(a.get(end) == Some(&y));
        }
        out.extend_from_slice(&a[i..]);
        return out;
    }
    let mut j = 0;
    if b.len() / GALLOP_RATIO >= a.len() {
        for &x in a {
            j = gallop(b, j, x);
            if b.get(j) != Some(&x) {
                out.push(x);
            }
        }
        return out;
    }
    out.resize(a.len(), a[0]);
    let (mut i, mut n) = (0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        out[n] = x;
        n += usize::from(x < y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    out.truncate(n);
    out.extend_from_slice(&a[i..]);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn list() -> impl Strategy<Value = Vec<u32>> {
        prop_oneof![
            prop::collection::btree_set(0u32..200, 0..100),
            prop::collection::btree_set(0u32..100_000, 0..8),
            prop::collection::btree_set(0u32..1000, 300..900),
        ]
        .prop_map(|s| s.into_iter().collect())
    }

    fn set(list: &[u32]) -> BTreeSet<u32> {
        list.iter().copied().collect()
    }

    #[test]
    fn lists_out_of_order_do_no_harm() {
        let falling: Vec<u32> = (0..5000).rev().collect();
        let lists = [falling.clone(), falling.clone(), vec![7, 3, u32::MAX, 0]];
        merge_all(&lists);
        merge(&lists[0], &lists[2]);
        intersect(&lists[0], &lists[2]);
        intersects(&lists[0], &lists[2]);
        without(&lists[0], &lists[2]);
        without(&lists[2], &lists[0]);
    }

    proptest! {
        #[test]
        fn pairs_follow_set_algebra(a in list(), b in list()) {
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(intersect(&a, &b), x.intersection(&y).copied().collect::<Vec<_>>());
            prop_assert_eq!(merge(&a, &b), x.union(&y).copied().collect::<Vec<_>>());
            prop_assert_eq!(without(&a, &b), x.difference(&y).copied().collect::<Vec<_>>());
            prop_assert_eq!(intersects(&a, &b), !x.is_disjoint(&y));
        }

        #[test]
        fn merging_by_bits_is_the_same_as_by_sorting(lists in prop::collection::vec(list(), 3..7), spread in 1u32..2000) {
            let lists: Vec<Vec<u32>> = lists.into_iter().map(|l| l.into_iter().map(|x| x * spread).collect()).collect();
            let union: BTreeSet<u32> = lists.iter().flatten().copied().collect();
            prop_assert_eq!(merge_all(&lists), union.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn many_lists_follow_set_algebra(lists in prop::collection::vec(list(), 0..7)) {
            let union: BTreeSet<u32> = lists.iter().flatten().copied().collect();
            prop_assert_eq!(merge_all(&lists), union.iter().copied().collect::<Vec<_>>());
            let common: Vec<u32> = match lists.is_empty() {
                true => vec![],
                false => union.into_iter().filter(|x| lists.iter().all(|l| l.contains(x))).collect(),
            };
            prop_assert_eq!(intersect_all(&lists), common);
        }
    }
}
