//! The plan as a tree of names, for people.

use serde::Serialize;

use super::{Kind, Node, Plan, RangeNode, RangeSource};
use crate::ast::RangeModifier;
use model::duration::format_prometheus;

/// One operator and those below it, in the shape of Thanos's `query_explain`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainNode {
    /// What it does.
    pub name: String,
    /// What feeds it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ExplainNode>,
}

impl ExplainNode {
    fn leaf(name: String) -> Self {
        Self { name, children: Vec::new() }
    }
}

impl Plan {
    /// The tree of operators.
    pub(crate) fn explain(&self) -> ExplainNode {
        explain(&self.root)
    }
}

fn explain(node: &Node) -> ExplainNode {
    let (name, children) = match &node.kind {
        Kind::Number(v) => (format!("[number] {}", model::value::format_float_plain(*v)), vec![]),
        Kind::Text(text) => (format!("[string] {}", model::quote::quote(text)), vec![]),
        Kind::Selector(s) => (format!("[vectorSelector] {}", s.text), vec![]),
        Kind::Range(r) => return range(r),
        Kind::Aggregate(a) => {
            let mode = if a.without { "without" } else { "by" };
            let name = format!("[aggregate] {} {mode} ({})", a.op, a.grouping.join(", "));
            (name, a.param.iter().chain(std::iter::once(&a.expr)).map(explain).collect())
        }
        Kind::Binary(b) => {
            let kind = if b.matching.is_some() { "vectorBinary" } else { "scalarBinary" };
            let mut name = format!("[{kind}] {}", b.op);
            if let Some(m) = &b.matching {
                let on = if m.on { "on" } else { "ignoring" };
                name.push_str(&format!(" {} {on} ({})", m.card, m.labels.join(", ")));
            }
            if b.return_bool {
                name.push_str(" bool");
            }
            (name, vec![explain(&b.lhs), explain(&b.rhs)])
        }
        Kind::Call(c) => (format!("[function] {}", c.name), c.args.iter().map(explain).collect()),
        Kind::Plus(n) => ("[unary] +".into(), vec![explain(n)]),
        Kind::Negate(n) => ("[unary] -".into(), vec![explain(n)]),
        Kind::Invariant(n) => ("[stepInvariant]".into(), vec![explain(n)]),
    };
    ExplainNode { name, children }
}

fn range(r: &RangeNode) -> ExplainNode {
    match &r.source {
        RangeSource::Series(s) => {
            let modifier = match r.modifier() {
                RangeModifier::None => "",
                RangeModifier::Anchored => " anchored",
                RangeModifier::Smoothed => " smoothed",
            };
            ExplainNode::leaf(format!(
                "[matrixSelector] {} range {}{modifier}",
                s.text,
                format_prometheus(r.range)
            ))
        }
        RangeSource::Subquery(s) => ExplainNode {
            name: format!(
                "[subquery] range {} step {}",
                format_prometheus(r.range),
                format_prometheus(s.step)
            ),
            children: vec![explain(&s.expr)],
        },
    }
}
