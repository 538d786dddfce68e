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
    let (mut i, mut j) = (0, 0);
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        if x == y {
            out.push(x);
        }
        // Without a branch, which could not be predicted.
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
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
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        out.push(x.min(y));
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

/// What is in any of the lists.
pub fn merge_all<T: Copy + Ord, L: AsRef<[T]>>(lists: &[L]) -> Vec<T> {
    match lists {
        [] => Vec::new(),
        [one] => one.as_ref().to_vec(),
        [a, b] => merge(a.as_ref(), b.as_ref()),
        many => {
            let mut out = Vec::with_capacity(many.iter().map(|l| l.as_ref().len()).sum());
            for list in many {
                out.extend_from_slice(list.as_ref());
            }
            // The stable sort of the standard library finds the ascending runs and merges them: n log k.
            out.sort();
            out.dedup();
            out
        }
    }
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
    let sparse = b.len() / GALLOP_RATIO >= a.len();
    let mut j = 0;
    for &x in a {
        if sparse {
            j = gallop(b, j, x);
        } else {
            while j < b.len() && b[j] < x {
                j += 1;
            }
        }
        if b.get(j) != Some(&x) {
            out.push(x);
        }
    }
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
