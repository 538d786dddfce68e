//! Rewrites of a finished plan, a file each. A query gives the same, errors and annotations included, with and without any of them.
//!
//! What else is decided about a plan happens while it is built: which selects are one and the same, their time ranges and hints
//! (`selects`), which histograms are decoded in full (`stats_decoding`), what is the same at every step (`build`). Distribution
//! (`distribute`) rewrites the expression before that.

mod fold;
mod propagate;

use super::{BuildOptions, Kind, Node, Plan, RangeSource};

/// Which rewrites are made. All are by default; tests turn them off one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Arithmetic on numbers is done once.
    pub fold_constants: bool,
    /// A matcher of one operand is made one of the other's too, where series without a partner have no effect.
    pub propagate_matchers: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { fold_constants: true, propagate_matchers: true }
    }
}

impl Rules {
    /// Leaves plans as they are written.
    pub fn none() -> Self {
        Self { fold_constants: false, propagate_matchers: false }
    }
}

/// Rewrites a plan.
pub(super) fn apply(plan: &mut Plan, options: &BuildOptions<'_>) {
    let rules = options.rules;
    if rules.fold_constants {
        fold::fold(&mut plan.root);
    }
    if rules.propagate_matchers {
        propagate::propagate(plan, options.replica_labels);
    }
}

/// Calls `f` with each node right below `node`.
fn for_each_child(node: &mut Node, f: &mut dyn FnMut(&mut Node)) {
    match &mut node.kind {
        Kind::Number(_) | Kind::Text(_) | Kind::Selector(_) => {}
        Kind::Range(range) => {
            if let RangeSource::Subquery(subquery) = &mut range.source {
                f(&mut subquery.expr);
            }
        }
        Kind::Aggregate(a) => {
            a.param.iter_mut().for_each(&mut *f);
            f(&mut a.expr);
        }
        Kind::Binary(b) => {
            f(&mut b.lhs);
            f(&mut b.rhs);
        }
        Kind::Call(c) => c.args.iter_mut().for_each(f),
        Kind::Plus(inner) | Kind::Negate(inner) | Kind::Invariant(inner) => f(inner),
    }
}
