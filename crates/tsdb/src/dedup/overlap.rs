//! Spreading overlapping chunks over pseudo replicas.

/// Puts each chunk to the first pseudo replica that ends before it starts, or to a new one. Chunks are given by their
/// closed time ranges in ms, sorted by start; returned are their indices, by replica. No chunks give one empty replica.
pub fn split_overlaps(ranges: impl IntoIterator<Item = (i64, i64)>) -> Vec<Vec<usize>> {
    let mut replicas: Vec<(i64, Vec<usize>)> = Vec::with_capacity(1);
    for (i, (mint, maxt)) in ranges.into_iter().enumerate() {
        match replicas.iter_mut().find(|(end, _)| *end < mint) {
            Some((end, chunks)) => {
                chunks.push(i);
                *end = maxt;
            }
            None => replicas.push((maxt, vec![i])),
        }
    }
    if replicas.is_empty() {
        return vec![Vec::new()];
    }
    replicas.into_iter().map(|(_, chunks)| chunks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_go_to_the_first_replica_with_room() {
        assert_eq!(split_overlaps([(0, 10), (11, 20), (21, 30)]), [vec![0, 1, 2]]);
        assert_eq!(
            split_overlaps([(0, 10), (5, 20), (10, 12), (11, 30), (21, 22)]),
            [vec![0, 3], vec![1, 4], vec![2]]
        );
        // Touching at one time overlaps.
        assert_eq!(split_overlaps([(0, 10), (10, 20)]), [vec![0], vec![1]]);
        assert_eq!(split_overlaps([]), [Vec::<usize>::new()]);
    }
}
