//! Spreading overlapping chunks over pseudo replicas.

use smallvec::{SmallVec, smallvec};

/// Indices of the chunks of a pseudo replica; those of a few hours take no memory of their own.
pub type ReplicaChunks = SmallVec<[usize; 16]>;

/// Puts each chunk to the first pseudo replica that ends before it starts, or to a new one. Chunks are given by their
/// closed time ranges in ms, sorted by start; returned are their indices, by replica. No chunks give one empty replica.
pub fn split_overlaps(ranges: impl IntoIterator<Item = (i64, i64)>) -> SmallVec<[ReplicaChunks; 2]> {
    let mut ends: SmallVec<[i64; 2]> = SmallVec::new();
    let mut replicas: SmallVec<[ReplicaChunks; 2]> = SmallVec::new();
    for (i, (mint, maxt)) in ranges.into_iter().enumerate() {
        match ends.iter().position(|end| *end < mint) {
            Some(replica) => {
                replicas[replica].push(i);
                ends[replica] = maxt;
            }
            None => {
                replicas.push(smallvec![i]);
                ends.push(maxt);
            }
        }
    }
    if replicas.is_empty() {
        replicas.push(ReplicaChunks::new());
    }
    replicas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_go_to_the_first_replica_with_room() {
        let split_overlaps = |ranges: &[(i64, i64)]| -> Vec<Vec<usize>> {
            split_overlaps(ranges.iter().copied()).into_iter().map(SmallVec::into_vec).collect()
        };
        assert_eq!(split_overlaps(&[(0, 10), (11, 20), (21, 30)]), [vec![0, 1, 2]]);
        assert_eq!(
            split_overlaps(&[(0, 10), (5, 20), (10, 12), (11, 30), (21, 22)]),
            [vec![0, 3], vec![1, 4], vec![2]]
        );
        // Touching at one time overlaps.
        assert_eq!(split_overlaps(&[(0, 10), (10, 20)]), [vec![0], vec![1]]);
        assert_eq!(split_overlaps(&[]), [Vec::<usize>::new()]);
    }
}
