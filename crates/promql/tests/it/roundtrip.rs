//! Printing is the inverse of parsing.

use promql::ast::{DurationExpr, DurationOperand, Expr, PosRange};
use promql::parse::{ParseOptions, parse_expr};
use promql::print::prettify;
use proptest::prelude::*;

use super::random::vector;

/// Forgets where things stood, which printing changes.
fn without_positions(mut expr: Expr) -> Expr {
    forget(&mut expr);
    expr
}

fn forget(expr: &mut Expr) {
    let none = PosRange::default();
    match expr {
        Expr::Number(n) => n.pos = none,
        Expr::String(s) => s.pos = none,
        Expr::Remote(r) => r.pos = none,
        Expr::VectorSelector(v) => {
            v.pos = none;
            v.matchers.sort_by_key(ToString::to_string);
            forget_duration(v.offset_expr.as_deref_mut());
        }
        Expr::MatrixSelector(m) => {
            (m.selector.pos, m.end) = (none, 0);
            m.selector.matchers.sort_by_key(ToString::to_string);
            forget_duration(m.selector.offset_expr.as_deref_mut());
            forget_duration(m.range_expr.as_deref_mut());
        }
        Expr::Subquery(s) => {
            s.end = 0;
            forget(&mut s.expr);
            for expr in [&mut s.range_expr, &mut s.step_expr, &mut s.offset_expr] {
                forget_duration(expr.as_deref_mut());
            }
        }
        Expr::Aggregate(a) => {
            a.pos = none;
            forget(&mut a.expr);
            if let Some(param) = &mut a.param {
                forget(param);
            }
        }
        Expr::Binary(b) => {
            forget(&mut b.lhs);
            forget(&mut b.rhs);
        }
        Expr::Call(c) => {
            c.pos = none;
            c.args.iter_mut().for_each(forget);
        }
        Expr::Paren(p) => {
            p.pos = none;
            forget(&mut p.expr);
        }
        Expr::Unary(u) => {
            u.start = 0;
            forget(&mut u.expr);
        }
    }
}

fn forget_duration(expr: Option<&mut DurationExpr>) {
    let Some(expr) = expr else {
        return;
    };
    (expr.start, expr.end) = (0, 0);
    for operand in [&mut expr.lhs, &mut expr.rhs] {
        match operand.as_deref_mut() {
            Some(DurationOperand::Number(n)) => n.pos = PosRange::default(),
            Some(DurationOperand::Expr(e)) => forget_duration(Some(e)),
            None => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn printing_and_parsing_again_gives_the_same_tree(text in vector()) {
        let options = ParseOptions::all();
        let tree = parse_expr(&text, &options).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        let printed = tree.to_string();
        let again = parse_expr(&printed, &options).map_err(|e| TestCaseError::fail(format!("{printed}: {e}")))?;
        prop_assert_eq!(again.to_string(), printed.clone());
        prop_assert_eq!(without_positions(again), without_positions(tree.clone()), "{}", printed);
        let pretty = prettify(&tree);
        let again = parse_expr(&pretty, &options).map_err(|e| TestCaseError::fail(format!("{pretty}: {e}")))?;
        prop_assert_eq!(again.to_string(), printed);
    }
}
