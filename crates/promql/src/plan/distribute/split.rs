//! Finds what can be left to the engines, and puts leaves in its place.

use std::collections::BTreeSet;

use super::ownership::{Need, share_out};
use super::partitioned::{has_plain_param, has_selector, is_partitioned, is_vector, may_match, selectors};
use super::resolve::{has_fixed_time, resolve};
use super::{Leaf, Part, RemoteEngine};
use crate::ast::{
    AggregateExpr, AggregateOp as Op, AtModifier, BinaryExpr, BinaryOp, Cardinality, Expr, FunctionId,
    RemoteLeaf, SubqueryExpr, VectorMatching,
};
use crate::plan::{BuildOptions, Grid, Subquery, build, duration};

pub(super) struct Splitter<'a> {
    pub(super) engines: &'a [RemoteEngine],
    /// Labels that tell partitions apart.
    pub(super) names: &'a BTreeSet<&'a str>,
    /// Those of the whole query.
    pub(super) options: BuildOptions<'a>,
    pub(super) leaves: Vec<Leaf>,
}

impl Splitter<'_> {
    /// The expression, evaluated at the steps of `grid`, with leaves in the place of what the engines can do.
    pub(super) fn rewrite(&mut self, expr: &Expr, grid: &Grid) -> Expr {
        if is_vector(expr)
            && has_selector(expr)
            && is_partitioned(expr, self.names)
            && let Some(leaf) = self.leaf(expr, grid)
        {
            return leaf;
        }
        let mut expr = expr.clone();
        match &mut expr {
            Expr::Number(_)
            | Expr::String(_)
            | Expr::VectorSelector(_)
            | Expr::MatrixSelector(_)
            | Expr::Remote(_) => {}
            Expr::Subquery(s) => self.rewrite_subquery(s, grid),
            Expr::Aggregate(a) => {
                if let Some(split) = self.split(a, grid) {
                    return split;
                }
                *a.expr = self.rewrite(&a.expr, grid);
            }
            Expr::Binary(b) => {
                *b.lhs = self.rewrite(&b.lhs, grid);
                *b.rhs = self.rewrite(&b.rhs, grid);
            }
            // These look at their arguments as they are written.
            Expr::Call(c)
                if matches!(
                    c.func.id,
                    FunctionId::Absent
                        | FunctionId::AbsentOverTime
                        | FunctionId::Info
                        | FunctionId::Timestamp
                ) => {}
            Expr::Call(c) => {
                for arg in &mut c.args {
                    *arg = self.rewrite(arg, grid);
                }
            }
            Expr::Paren(p) => *p.expr = self.rewrite(&p.expr, grid),
            Expr::Unary(u) => *u.expr = self.rewrite(&u.expr, grid),
        }
        expr
    }

    fn rewrite_subquery(&mut self, s: &mut SubqueryExpr, outer: &Grid) {
        let Ok(times) = duration::subquery_times(s, &self.options) else {
            // The error is that of the evaluation.
            return;
        };
        let step = match times.step.ms() {
            0 => (self.options.default_subquery_step)(times.range.ms()),
            step => step,
        };
        let at = s.at.map(|at| match at {
            AtModifier::Timestamp(t) => t,
            AtModifier::Start => self.options.start,
            AtModifier::End => self.options.end,
        });
        let grid = Subquery::steps(step, times.offset, at, times.range.ms(), outer);
        if grid.count > 0 {
            *s.expr = self.rewrite(&s.expr, &grid);
        }
    }

    /// An aggregation over partitions as one over what the engines aggregated within theirs.
    fn split(&mut self, a: &AggregateExpr, grid: &Grid) -> Option<Expr> {
        if !has_plain_param(a) || !has_selector(&a.expr) || !is_partitioned(&a.expr, self.names) {
            return None;
        }
        match a.op {
            Op::Sum | Op::Min | Op::Max | Op::Group | Op::Topk | Op::Bottomk => {
                self.joined(a, a.op, a.op, grid)
            }
            Op::Count => self.joined(a, Op::Count, Op::Sum, grid),
            Op::Avg => {
                // A division drops what would be a metric name.
                const METADATA: [&str; 3] = ["__name__", "__type__", "__unit__"];
                if !a.without && a.grouping.iter().any(|label| METADATA.contains(&label.as_str())) {
                    return None;
                }
                let before = self.leaves.len();
                let sum = self.joined(a, Op::Sum, Op::Sum, grid);
                let count = self.joined(a, Op::Count, Op::Sum, grid);
                let (Some(sum), Some(count)) = (sum, count) else {
                    self.leaves.truncate(before);
                    return None;
                };
                Some(Expr::Binary(BinaryExpr {
                    op: BinaryOp::Div,
                    lhs: Box::new(sum),
                    rhs: Box::new(count),
                    matching: Some(VectorMatching {
                        card: Cardinality::OneToOne,
                        labels: a.grouping.clone(),
                        on: !a.without,
                        ..VectorMatching::default()
                    }),
                    return_bool: false,
                }))
            }
            _ => None,
        }
    }

    /// `there` by the engines within their partitions, `here` over what they give.
    fn joined(&mut self, a: &AggregateExpr, there: Op, here: Op, grid: &Grid) -> Option<Expr> {
        let mut remote = AggregateExpr { op: there, ..a.clone() };
        if a.without {
            remote.grouping.retain(|label| !self.names.contains(label.as_str()));
        } else {
            for name in self.names {
                if !remote.grouping.iter().any(|label| label == name) {
                    remote.grouping.push((*name).to_owned());
                }
            }
        }
        let leaf = self.leaf(&Expr::Aggregate(remote), grid)?;
        Some(Expr::Aggregate(AggregateExpr { op: here, expr: Box::new(leaf), ..a.clone() }))
    }

    /// Leaves an expression to the engines, if they can answer for all of it.
    fn leaf(&mut self, expr: &Expr, grid: &Grid) -> Option<Expr> {
        const SECOND: i64 = 1000;
        if grid.count == 0 || grid.start % SECOND != 0 || (grid.count > 1 && grid.step % SECOND != 0) {
            return None;
        }
        let mut resolved = expr.clone();
        resolve(&mut resolved, &self.options).ok()?;
        let query = resolved.to_string();
        let need = self.need(&resolved, grid)?;
        let selectors = selectors(&resolved);
        let shares = share_out(self.engines, self.names, grid, need, |partition| {
            partition.label_sets.is_empty()
                || partition
                    .label_sets
                    .iter()
                    .any(|set| selectors.iter().any(|selector| may_match(selector, set)))
        })?;
        let parts = shares
            .into_iter()
            .map(|share| {
                let (start, end) = share.steps;
                Part {
                    engine: share.engine,
                    query: query.clone(),
                    start,
                    end,
                    step: if start == end { 0 } else { grid.step },
                    owned: share.owned,
                }
            })
            .collect();
        self.leaves.push(Leaf { parts });
        Some(Expr::Remote(RemoteLeaf {
            id: self.leaves.len() - 1,
            text: query,
            range: (grid.start, grid.last()),
            pos: expr.pos(),
        }))
    }

    /// The times that the selects of an expression reach, seen from its steps.
    fn need(&self, expr: &Expr, grid: &Grid) -> Option<Need> {
        let (start, end) = (grid.start, grid.last());
        let step = if start == end { 0 } else { grid.step };
        let plan = build(expr, BuildOptions { start, end, step, ..self.options }).ok()?;
        let mint = plan.selects.iter().map(|select| select.mint).min()?;
        let maxt = plan.selects.iter().map(|select| select.maxt).max()?;
        if has_fixed_time(expr) {
            return Some(Need::Fixed(mint, maxt));
        }
        Some(Need::Around { back: start.saturating_sub(mint), ahead: maxt.saturating_sub(end).max(0) })
    }
}
