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

impl Plan {
    /// The tree of operators.
    pub(crate) fn explain(&self) -> ExplainNode {
        explain(&self.root)
    }
}

fn explain(node: &Node) -> ExplainNode {
    let (name, children) = describe(node);
    ExplainNode { name, children: children.into_iter().map(explain).collect() }
}

/// The name of an operator and the operators that feed it.
pub(crate) fn describe(node: &Node) -> (String, Vec<&Node>) {
    match &node.kind {
        Kind::Number(v) => (format!("[number] {}", model::value::format_float_plain(*v)), vec![]),
        Kind::Text(text) => (format!("[string] {}", model::quote::quote(text)), vec![]),
        Kind::Selector(s) if s.exact => (format!("[remoteExec] {}", s.text), vec![]),
        Kind::Selector(s) => (format!("[vectorSelector] {}", s.text), vec![]),
        Kind::Range(r) => describe_range(r),
        Kind::Aggregate(a) => {
            let mode = if a.without { "without" } else { "by" };
            let name = format!("[aggregate] {} {mode} ({})", a.op, a.grouping.join(", "));
            (name, a.param.iter().chain(std::iter::once(&a.expr)).collect())
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
            (name, vec![&b.lhs, &b.rhs])
        }
        Kind::Call(c) => (format!("[function] {}", c.name), c.args.iter().collect()),
        Kind::Plus(n) => ("[unary] +".into(), vec![n]),
        Kind::Negate(n) => ("[unary] -".into(), vec![n]),
        Kind::Invariant(n) => ("[stepInvariant]".into(), vec![n]),
    }
}

fn describe_range(r: &RangeNode) -> (String, Vec<&Node>) {
    let range = format_prometheus(r.range);
    match &r.source {
        RangeSource::Series(s) => {
            let modifier = match r.modifier() {
                RangeModifier::None => "",
                RangeModifier::Anchored => " anchored",
                RangeModifier::Smoothed => " smoothed",
            };
            (format!("[matrixSelector] {} range {range}{modifier}", s.text), vec![])
        }
        RangeSource::Subquery(s) => {
            (format!("[subquery] range {range} step {}", format_prometheus(s.step)), vec![&s.expr])
        }
    }
}
