//! A tournament over k sorted inputs: the winner is at hand, and replacing it costs log2 k comparisons.

/// A tree of losers. Leaves are the inputs by number; each inner node remembers who lost there.
#[derive(Clone, Debug)]
pub struct LoserTree {
    /// `nodes[0]` is the winner; `nodes[1..]` are the losers, node `n` having the children `2n` and `2n + 1`.
    nodes: Vec<usize>,
}

impl LoserTree {
    /// Plays all matches between `inputs` inputs (at least one). `before(a, b)` says whether `a`'s head comes before `b`'s.
    pub fn new(inputs: usize, before: impl Fn(usize, usize) -> bool) -> Self {
        assert!(inputs > 0, "a merge of nothing");
        let mut nodes = vec![0; inputs];
        // Winners of the matches at inner nodes, then the leaves.
        let mut winners: Vec<usize> = (0..inputs).chain(0..inputs).collect();
        for node in (1..inputs).rev() {
            let (left, right) = (winners[2 * node], winners[2 * node + 1]);
            let (winner, loser) = if before(right, left) { (right, left) } else { (left, right) };
            winners[node] = winner;
            nodes[node] = loser;
        }
        nodes[0] = if inputs == 1 { 0 } else { winners[1] };
        LoserTree { nodes }
    }

    /// The input whose head comes first.
    pub fn winner(&self) -> usize {
        self.nodes[0]
    }

    /// Plays the matches of `input`, the last winner, again after its head changed.
    pub fn replay(&mut self, input: usize, before: impl Fn(usize, usize) -> bool) {
        let mut winner = input;
        let mut node = (input + self.nodes.len()) / 2;
        while node > 0 {
            if before(self.nodes[node], winner) {
                std::mem::swap(&mut self.nodes[node], &mut winner);
            }
            node /= 2;
        }
        self.nodes[0] = winner;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merges_as_sorting_does(mut inputs in proptest::collection::vec(proptest::collection::vec(0u8..20, 0..8), 1..9)) {
            let mut expected: Vec<u8> = inputs.iter().flatten().copied().collect();
            expected.sort_unstable();
            for input in &mut inputs {
                input.sort_unstable();
            }
            let mut at = vec![0; inputs.len()];
            let mut merged = Vec::new();
            let key = |at: &[usize], i: usize| inputs[i].get(at[i]).map_or((true, 0), |v| (false, *v));
            let mut tree = LoserTree::new(inputs.len(), |a, b| key(&at, a) < key(&at, b));
            while let Some(value) = inputs[tree.winner()].get(at[tree.winner()]) {
                merged.push(*value);
                let winner = tree.winner();
                at[winner] += 1;
                tree.replay(winner, |a, b| key(&at, a) < key(&at, b));
            }
            prop_assert_eq!(merged, expected);
        }
    }
}
