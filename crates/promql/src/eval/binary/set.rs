//! `and`, `or` and `unless`.

use super::super::{EvalSeries, Evaluator, Scope, Sink, merge};
use super::matching::Signatures;
use crate::ast::{BinaryOp, VectorMatching};
use crate::error::EvalError;
use crate::plan::Binary;

/// At which steps there is any series of a signature.
struct Presence {
    words: usize,
    bits: Vec<u64>,
}

impl Presence {
    fn of(series: &[EvalSeries], signatures: &[usize], count: usize, steps: usize) -> Self {
        let words = steps.div_ceil(64);
        let mut bits = vec![0u64; words * count];
        for (s, signature) in series.iter().zip(signatures) {
            let row = &mut bits[signature * words..(signature + 1) * words];
            s.column.iter().for_each(|(step, _)| row[step / 64] |= 1 << (step % 64));
        }
        Self { words, bits }
    }

    fn has(&self, signature: usize, step: usize) -> bool {
        self.bits[signature * self.words + step / 64] >> (step % 64) & 1 == 1
    }
}

impl Evaluator<'_> {
    pub(super) fn set_operation(
        &self,
        b: &Binary,
        matching: &VectorMatching,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let before = self.samples_now();
        let mut left = self.collect(&b.lhs, scope)?;
        let mut right = self.collect(&b.rhs, scope)?;
        let signatures = Signatures::new(matching, &left.series, &right.series);
        let steps = scope.grid.count;
        let mut out = std::mem::take(&mut left.series);
        let mut other = std::mem::take(&mut right.series);
        if b.op == BinaryOp::Or {
            let taken = Presence::of(&out, &signatures.left, signatures.count, steps);
            for (s, signature) in other.iter_mut().zip(&signatures.right) {
                s.column.retain(|step| !taken.has(*signature, step));
            }
            out.append(&mut other);
        } else {
            let there = Presence::of(&other, &signatures.right, signatures.count, steps);
            let wanted = b.op == BinaryOp::And;
            for (s, signature) in out.iter_mut().zip(&signatures.left) {
                s.column.retain(|step| there.has(*signature, step) == wanted);
            }
        }
        out.retain(|s| !s.column.is_empty());
        // With delayed name removal an instant vector may hold the same labels until the end.
        if !(self.options.delayed_name_removal && scope.grid.instant) {
            out = merge::merge_same_labels(out)?;
        }
        self.settle_samples(before, super::super::sample_count(&out))?;
        if out.is_empty() { Ok(()) } else { sink(out) }
    }
}
