//! From the syntax tree to the plan.

use model::labels::{Labels, LabelsBuilder, METRIC_NAME};
use model::matcher::{MatchType, Matcher};
use model::quote::quote;

use super::rules::{self, Rules};
use super::selects::{Path, SelectList};
use super::{
    Aggregate, Binary, Call, InfoSelect, Kind, Node, Plan, RangeNode, RangeSource, Selector, Subquery,
    duration,
};
use crate::ast::{self, AtModifier, Expr, FunctionId, RangeModifier, UnaryOp};
use crate::error::EvalError;
use crate::parse::literal::quote_bytes;
use crate::source::SelectParams;
use crate::value_type::ValueType;

/// What a plan depends on besides the expression. Times in ms.
#[derive(Clone, Copy)]
pub(crate) struct BuildOptions<'a> {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// 0 of an instant query.
    pub(crate) step: i64,
    pub(crate) lookback: i64,
    /// Which rewrites are made.
    pub(crate) rules: Rules,
    /// Labels that can be matched and that no series has.
    pub(crate) replica_labels: &'a [String],
    /// The step of a subquery that has none, by its range.
    pub(crate) default_subquery_step: &'a dyn Fn(i64) -> i64,
}

/// Builds the plan of an expression.
pub(crate) fn build(expr: &Expr, options: BuildOptions<'_>) -> Result<Plan, EvalError> {
    let mut builder = Builder { options, selects: SelectList::default(), in_param: false };
    let built = builder.node(expr, &mut Path::new(&options))?;
    let root = built.wrapped();
    let (selects, uses) = builder.selects.finish();
    let depth = depth(&root);
    let mut plan = Plan { root, selects, uses, depth };
    rules::apply(&mut plan, &options);
    Ok(plan)
}

struct Builder<'a> {
    options: BuildOptions<'a>,
    selects: SelectList,
    /// Within an aggregation's parameter. Prometheus does not preprocess these: nothing in them is marked as the same at every step,
    /// `@ start()` and `@ end()` have no effect, and `@ <time>` only shifts the selector, so that it moves on with the steps.
    in_param: bool,
}

/// A node, and whether it gives the same at every step.
struct Built {
    node: Node,
    invariant: bool,
    /// Whether marking it invariant pays, and is possible: ranges and literals are never marked.
    wrap: bool,
}

impl Built {
    fn wrapped(self) -> Node {
        if !self.wrap {
            return self.node;
        }
        let (pos, ty) = (self.node.pos, self.node.ty);
        Node { kind: Kind::Invariant(Box::new(self.node)), pos, ty }
    }
}

/// The text of a string that is no UTF-8, in quotes.
fn broken_text(expr: &Expr) -> Option<String> {
    match expr.unwrap_parens() {
        Expr::String(s) => s.broken.as_deref().map(quote_bytes),
        _ => None,
    }
}

/// A string that is no UTF-8 as JSON shows it.
fn lossy(expr: &Expr) -> String {
    match expr.unwrap_parens() {
        Expr::String(s) => String::from_utf8_lossy(s.broken.as_deref().unwrap_or_default()).into_owned(),
        _ => String::new(),
    }
}

/// The value of `start()`, `end()`, `range()` and `step()`.
pub(super) fn time_of_query(func: FunctionId, options: &BuildOptions<'_>) -> Option<f64> {
    let seconds = |ms: i64| (ms / 1000) as f64 + (ms % 1000) as f64 / 1e3;
    match func {
        FunctionId::Start => Some(options.start as f64 / 1000.0),
        FunctionId::End => Some(options.end as f64 / 1000.0),
        FunctionId::Range => Some(seconds(options.end.saturating_sub(options.start))),
        FunctionId::Step => Some(if options.start == options.end { 0.0 } else { seconds(options.step) }),
        _ => None,
    }
}

/// Functions whose value depends on the evaluation time although their arguments do not.
fn depends_on_time(func: FunctionId) -> bool {
    use FunctionId as F;
    matches!(
        func,
        F::DaysInMonth
            | F::DayOfMonth
            | F::DayOfWeek
            | F::DayOfYear
            | F::End
            | F::Hour
            | F::Minute
            | F::Month
            | F::Year
            | F::PredictLinear
            | F::Range
            | F::Start
            | F::Step
            | F::Time
            | F::Timestamp
    )
}

impl Builder<'_> {
    fn node(&mut self, expr: &Expr, path: &mut Path) -> Result<Built, EvalError> {
        let built = self.node_as_written(expr, path)?;
        Ok(if self.in_param { Built { invariant: false, wrap: false, ..built } } else { built })
    }

    fn node_as_written(&mut self, expr: &Expr, path: &mut Path) -> Result<Built, EvalError> {
        let pos = expr.pos();
        let ty = expr.value_type();
        let done = |kind, invariant, wrap| Ok(Built { node: Node { kind, pos, ty }, invariant, wrap });
        match expr {
            Expr::Number(n) => done(Kind::Number(n.value), true, false),
            Expr::String(s) => done(Kind::Text(s.value.clone()), true, false),
            Expr::VectorSelector(v) => {
                let selector = self.selector(v, None, path)?;
                let fixed = selector.at.is_some();
                done(Kind::Selector(selector), fixed, fixed)
            }
            Expr::MatrixSelector(m) => {
                let range = duration::range_of(m, &self.options)?;
                let selector = self.selector(&m.selector, Some(range.ms()), path)?;
                let fixed = selector.at.is_some();
                let source = RangeSource::Series(selector);
                done(
                    Kind::Range(RangeNode { range: range.ms(), range_seconds: range.seconds(), source }),
                    fixed,
                    false,
                )
            }
            Expr::Subquery(s) => {
                let (range, subquery) = self.subquery(s, path)?;
                let fixed = subquery.at.is_some();
                let source = RangeSource::Subquery(Box::new(subquery));
                done(
                    Kind::Range(RangeNode { range: range.ms(), range_seconds: range.seconds(), source }),
                    fixed,
                    false,
                )
            }
            // Operations report where they themselves stand; parentheses only count in the position of what is around them.
            Expr::Paren(p) => self.node(&p.expr, path),
            Expr::Unary(u) => {
                let built = path.within(Path::push_sign, |path| self.node(&u.expr, path))?;
                if u.op == UnaryOp::Plus {
                    return done(Kind::Plus(Box::new(built.node)), built.invariant, built.wrap);
                }
                // A sign alone does not make a literal worth marking, but its operand may be.
                done(Kind::Negate(Box::new(built.node)), built.invariant, built.wrap)
            }
            Expr::Aggregate(a) => {
                let param = match &a.param {
                    Some(param) => {
                        if let Some(text) = broken_text(param) {
                            return Err(EvalError::Execution(format!("invalid label name {text}")));
                        }
                        let outer = std::mem::replace(&mut self.in_param, true);
                        let built = path
                            .within(|p| p.push_aggregate(a), |path| self.node(param.unwrap_parens(), path));
                        self.in_param = outer;
                        Some(built?.node)
                    }
                    None => None,
                };
                let inner =
                    path.within(|p| p.push_aggregate(a), |path| self.node(a.expr.unwrap_parens(), path))?;
                let mut grouping = a.grouping.clone();
                grouping.sort();
                let kind = Aggregate { op: a.op, expr: inner.node, param, grouping, without: a.without };
                done(Kind::Aggregate(Box::new(kind)), inner.invariant, inner.wrap)
            }
            Expr::Binary(b) => {
                let lhs = path.within(|p| p.push_binary(b.op), |path| self.node(&b.lhs, path))?;
                let rhs = path.within(|p| p.push_binary(b.op), |path| self.node(&b.rhs, path))?;
                let both = lhs.invariant && rhs.invariant;
                let (lhs, rhs) = if both { (lhs.node, rhs.node) } else { (lhs.wrapped(), rhs.wrapped()) };
                let kind =
                    Binary { op: b.op, lhs, rhs, matching: b.matching.clone(), return_bool: b.return_bool };
                done(Kind::Binary(Box::new(kind)), both, both)
            }
            Expr::Call(c) => self.call(c, pos, ty, path),
            Expr::Remote(r) => done(Kind::Selector(self.remote(r)), false, false),
        }
    }

    fn call(
        &mut self,
        c: &ast::Call,
        pos: ast::PosRange,
        ty: ValueType,
        path: &mut Path,
    ) -> Result<Built, EvalError> {
        let func = c.func.id;
        if let Some(value) = time_of_query(func, &self.options) {
            return Ok(Built {
                node: Node { kind: Kind::Number(value), pos, ty },
                invariant: true,
                wrap: false,
            });
        }
        // What `info` is given as second argument is no vector but a list of matchers.
        let info_args = if func == FunctionId::Info { 1 } else { usize::MAX };
        let mut args = Vec::with_capacity(c.args.len());
        for (at, arg) in c.args.iter().enumerate().take(info_args) {
            if let Some(text) = broken_text(arg) {
                // Prometheus refuses it as a label's name; as part of a value it would make a label that no response can hold.
                return Err(EvalError::Execution(match (func, at) {
                    (FunctionId::LabelReplace | FunctionId::LabelJoin, 1) => {
                        format!("invalid destination label name in {}(): {}", c.func.name, lossy(arg))
                    }
                    (FunctionId::LabelJoin, 3..) => {
                        format!("invalid source label name in {}(): {}", c.func.name, lossy(arg))
                    }
                    _ => {
                        format!("string {text} in call to function {} is not valid UTF-8", quote(c.func.name))
                    }
                }));
            }
            args.push(path.within(|p| p.push_call(c), |path| self.node(arg.unwrap_parens(), path))?);
        }
        // The selector of info series is no argument that is evaluated, but counts as one.
        let info_is_fixed = c.args.iter().skip(info_args).all(|arg| match arg.unwrap_parens() {
            Expr::VectorSelector(v) => v.at.is_some(),
            _ => true,
        });
        let all_invariant = info_is_fixed && args.iter().all(|a| a.invariant);
        let timestamp_of_fixed = func == FunctionId::Timestamp
            && args.iter().all(|a| a.invariant && matches!(a.node.kind, Kind::Selector(_)));
        let invariant = (all_invariant && !depends_on_time(func)) || timestamp_of_fixed;
        let absent_labels = match (func, c.args.first().map(Expr::unwrap_parens)) {
            (FunctionId::Absent | FunctionId::AbsentOverTime, Some(Expr::VectorSelector(v))) => {
                absent_labels(&v.matchers)
            }
            (FunctionId::Absent | FunctionId::AbsentOverTime, Some(Expr::MatrixSelector(m))) => {
                absent_labels(&m.selector.matchers)
            }
            _ => Labels::empty(),
        };
        let info = if func == FunctionId::Info { Some(self.info(c)?) } else { None };
        let args = args.into_iter().map(|a| if invariant { a.node } else { a.wrapped() }).collect();
        let kind = Kind::Call(Box::new(Call { func, name: c.func.name, args, absent_labels, info }));
        Ok(Built { node: Node { kind, pos, ty }, invariant, wrap: invariant })
    }

    fn selector(
        &mut self,
        v: &ast::VectorSelector,
        range: Option<i64>,
        path: &Path,
    ) -> Result<Selector, EvalError> {
        let offset = duration::offset_of(v.offset, v.offset_expr.as_deref(), &self.options)?;
        let at = self.time_of(v.at);
        let params = path.select_params(v, range, offset, at, &self.options);
        let (offset, at) = self.shifted(offset, at);
        Ok(Selector {
            select: self.selects.add(params),
            text: v.to_string(),
            offset,
            at,
            modifier: v.modifier,
            stats_only: path.needs_only_stats(),
            exact: false,
        })
    }

    fn remote(&mut self, leaf: &ast::RemoteLeaf) -> Selector {
        let (mint, maxt) = leaf.range;
        let params = SelectParams { mint, maxt, remote: Some(leaf.id), ..SelectParams::default() };
        Selector {
            select: self.selects.add(params),
            text: leaf.text.clone(),
            offset: 0,
            at: None,
            modifier: RangeModifier::None,
            stats_only: false,
            exact: true,
        }
    }

    fn subquery(
        &mut self,
        s: &ast::SubqueryExpr,
        path: &mut Path,
    ) -> Result<(ast::Nanos, Subquery), EvalError> {
        let times = duration::subquery_times(s, &self.options)?;
        let range = times.range;
        let step = match times.step.ms() {
            0 => (self.options.default_subquery_step)(range.ms()),
            step => step,
        };
        let at = self.time_of(s.at);
        let inner = path.within(
            |p| p.push_subquery(range.ms(), step, times.offset, at),
            |path| self.node(&s.expr, path),
        )?;
        // The inside is evaluated at its own steps; what is the same at all of them is evaluated at the first.
        let invariant = inner.invariant;
        let expr = match invariant && !matches!(inner.node.kind, Kind::Invariant(_)) {
            true => Built { wrap: true, ..inner }.wrapped(),
            false => inner.node,
        };
        let (offset, at) = self.shifted(times.offset, at);
        Ok((range, Subquery { expr, step, offset, at }))
    }

    /// Offset and `@` as they take effect.
    fn shifted(&self, offset: i64, at: Option<i64>) -> (i64, Option<i64>) {
        match at {
            Some(at) if self.in_param => (offset.saturating_add(self.options.start).saturating_sub(at), None),
            at => (offset, at),
        }
    }

    fn time_of(&self, at: Option<AtModifier>) -> Option<i64> {
        match at? {
            AtModifier::Timestamp(t) => Some(t),
            AtModifier::Start | AtModifier::End if self.in_param => None,
            AtModifier::Start => Some(self.options.start),
            AtModifier::End => Some(self.options.end),
        }
    }

    /// `info` looks for info series at the time of the first selector in its argument.
    fn info(&self, c: &ast::Call) -> Result<InfoSelect, EvalError> {
        let matchers = match c.args.get(1).map(Expr::unwrap_parens) {
            Some(Expr::VectorSelector(v)) => Some(v.matchers.clone()),
            _ => None,
        };
        let (at, offset) = match c.args.first() {
            Some(expr) => self.first_selector_time(expr)?.unwrap_or((None, 0)),
            None => (None, 0),
        };
        Ok(InfoSelect { matchers, at, offset })
    }

    fn first_selector_time(&self, expr: &Expr) -> Result<Option<(Option<i64>, i64)>, EvalError> {
        let selector = match expr {
            Expr::VectorSelector(v) => v,
            Expr::MatrixSelector(m) => &m.selector,
            Expr::Subquery(s) => {
                let found = self.first_selector_time(&s.expr)?;
                return match found {
                    Some((None, offset)) => {
                        let own = duration::offset_of(s.offset, s.offset_expr.as_deref(), &self.options)?;
                        Ok(Some((self.time_of(s.at), offset + own)))
                    }
                    found => Ok(found),
                };
            }
            other => {
                for child in other.children() {
                    if let Some(found) = self.first_selector_time(child)? {
                        return Ok(Some(found));
                    }
                }
                return Ok(None);
            }
        };
        let offset = duration::offset_of(selector.offset, selector.offset_expr.as_deref(), &self.options)?;
        Ok(Some((self.time_of(selector.at), offset)))
    }
}

/// The labels that a selector fixes: those with exactly one matcher, an equality.
fn absent_labels(matchers: &[Matcher]) -> Labels {
    let mut labels = LabelsBuilder::new(&Labels::empty());
    let mut seen: Vec<&str> = Vec::new();
    for m in matchers.iter().filter(|m| m.name() != METRIC_NAME) {
        if m.ty() == MatchType::Eq && !seen.contains(&m.name()) {
            labels.set(m.name(), m.value());
            seen.push(m.name());
        } else {
            labels.del(m.name());
        }
    }
    labels.labels()
}

fn depth(node: &Node) -> usize {
    let deepest = |nodes: &mut dyn Iterator<Item = &Node>| nodes.map(depth).max().unwrap_or(0);
    1 + match &node.kind {
        Kind::Number(_) | Kind::Text(_) | Kind::Selector(_) => 0,
        Kind::Range(r) => match &r.source {
            RangeSource::Series(_) => 0,
            RangeSource::Subquery(s) => depth(&s.expr),
        },
        Kind::Aggregate(a) => deepest(&mut std::iter::once(&a.expr).chain(&a.param)),
        Kind::Binary(b) => depth(&b.lhs).max(depth(&b.rhs)),
        Kind::Call(c) => deepest(&mut c.args.iter()),
        Kind::Plus(n) | Kind::Negate(n) | Kind::Invariant(n) => depth(n),
    }
}
