//! Walking a tree.

use super::Expr;

impl Expr {
    /// Returns the expressions directly below this one, in the order of evaluation (an aggregation's vector before its
    /// parameter). The vector selector of a range selector is part of it, no child.
    pub fn children(&self) -> impl Iterator<Item = &Expr> {
        let (first, second, rest): (Option<&Expr>, Option<&Expr>, &[Expr]) = match self {
            Expr::Number(_)
            | Expr::String(_)
            | Expr::VectorSelector(_)
            | Expr::MatrixSelector(_)
            | Expr::Remote(_) => (None, None, &[]),
            Expr::Subquery(s) => (Some(&s.expr), None, &[]),
            Expr::Aggregate(a) => (Some(&a.expr), a.param.as_deref(), &[]),
            Expr::Binary(b) => (Some(&b.lhs), Some(&b.rhs), &[]),
            Expr::Call(c) => (None, None, &c.args),
            Expr::Paren(p) => (Some(&p.expr), None, &[]),
            Expr::Unary(u) => (Some(&u.expr), None, &[]),
        };
        first.into_iter().chain(second).chain(rest)
    }

    /// Calls `visit` for this expression and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        let mut stack = vec![self];
        while let Some(expr) = stack.pop() {
            visit(expr);
            let at = stack.len();
            stack.extend(expr.children());
            stack[at..].reverse();
        }
    }
}
