//! Line breaks: a node whose text is longer than a line has its children on lines of their own, indented one deeper.

use std::fmt::{self, Display, Formatter, Write};

use super::{aggregate_head, binary_operator, subquery_suffix};
use crate::ast::Expr;

/// How long a line may be before a node is split, in bytes and not counting its indent.
const MAX_LINE: usize = 100;
const INDENT: &str = "  ";

/// Returns the text of an expression with line breaks where it is long.
pub fn prettify(expr: &Expr) -> String {
    let mut out = String::new();
    pretty(expr, 0, &mut out);
    out
}

/// A writer that only tells when more than a line came.
struct LineCounter {
    left: usize,
}

impl Write for LineCounter {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.left = self.left.checked_sub(s.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

fn needs_split(expr: &Expr) -> bool {
    write!(LineCounter { left: MAX_LINE }, "{expr}").is_err()
}

fn indent(level: usize, out: &mut String) {
    for _ in 0..level {
        out.push_str(INDENT);
    }
}

/// Prints what writes to a formatter to a text.
struct With<F>(F);

impl<F: Fn(&mut Formatter<'_>) -> fmt::Result> Display for With<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

fn push(out: &mut String, text: impl Display) {
    write!(out, "{text}").expect("a String takes all");
}

fn pretty(expr: &Expr, level: usize, out: &mut String) {
    match expr {
        Expr::Subquery(s) => {
            // Prometheus forgets the indent of a subquery that fits on its line.
            if !needs_split(expr) {
                push(out, expr);
                return;
            }
            pretty(&s.expr, level, out);
            push(out, With(|f: &mut Formatter<'_>| subquery_suffix(s, f)));
            return;
        }
        Expr::Unary(u) => {
            indent(level, out);
            push(out, u.op);
            let mut operand = String::new();
            pretty(&u.expr, level, &mut operand);
            out.push_str(operand.trim());
            return;
        }
        Expr::Binary(b) if needs_split(expr) => {
            pretty(&b.lhs, level + 1, out);
            out.push('\n');
            indent(level, out);
            push(out, With(|f: &mut Formatter<'_>| binary_operator(b, f)));
            out.push('\n');
            pretty(&b.rhs, level + 1, out);
            return;
        }
        _ => {}
    }
    indent(level, out);
    let inside: Vec<&Expr> = match expr {
        Expr::Aggregate(a) if needs_split(expr) => {
            push(out, With(|f: &mut Formatter<'_>| aggregate_head(a, f)));
            a.param.as_deref().into_iter().chain([&*a.expr]).collect()
        }
        Expr::Call(c) if needs_split(expr) => {
            out.push_str(c.func.name);
            c.args.iter().collect()
        }
        Expr::Paren(p) if needs_split(expr) => vec![&*p.expr],
        _ => {
            push(out, expr);
            return;
        }
    };
    out.push_str("(\n");
    for (i, child) in inside.into_iter().enumerate() {
        if i > 0 {
            out.push_str(",\n");
        }
        pretty(child, level + 1, out);
    }
    out.push('\n');
    indent(level, out);
    out.push(')');
}
