//! The types of an expression's parts, and what else only the whole tree shows.

use model::labels::METRIC_NAME;

use super::stream::{Fail, Parsed, Parser};
use super::token::quote;
use crate::ast::{
    AggregateExpr, AggregateOp, BinaryExpr, Call, Cardinality, Expr, FunctionId, PosRange, VectorSelector,
};
use crate::value_type::ValueType;

impl Parser<'_> {
    /// Checks an expression and what is below it, in the order in which Prometheus finds errors, and completes it: set
    /// operators match many to many, and only operations of two vectors have a matching.
    pub(super) fn check(&self, expr: &mut Expr) -> Parsed<ValueType> {
        let ty = expr.value_type();
        let pos = expr.pos();
        match expr {
            Expr::Number(_) | Expr::String(_) | Expr::Remote(_) => {}
            Expr::VectorSelector(v) => self.check_vector_selector(v)?,
            Expr::MatrixSelector(m) => self.check_vector_selector(&m.selector)?,
            Expr::Paren(p) => {
                self.check(&mut p.expr)?;
            }
            Expr::Unary(u) => {
                let operand = self.check(&mut u.expr)?;
                if !matches!(operand, ValueType::Scalar | ValueType::Vector) {
                    let message = format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {}",
                        quote(operand.documented())
                    );
                    return Err(self.error(pos, message));
                }
            }
            Expr::Subquery(s) => {
                let inner = self.check(&mut s.expr)?;
                if inner != ValueType::Vector {
                    let message = format!("subquery is only allowed on instant vector, got {inner} instead");
                    return Err(self.error(pos, message));
                }
            }
            Expr::Aggregate(a) => self.check_aggregate(a)?,
            Expr::Binary(b) => self.check_binary(b, pos)?,
            Expr::Call(c) => self.check_call(c)?,
        }
        Ok(ty)
    }

    fn check_vector_selector(&self, selector: &VectorSelector) -> Parsed<()> {
        if let Some((_, inside)) = selector.matchers.split_last()
            && !selector.name.is_empty()
        {
            return match inside.iter().find(|m| m.name() == METRIC_NAME) {
                Some(m) => {
                    let (outer, inner) = (quote(&selector.name), quote(m.value()));
                    let message = format!("metric name must not be set twice: {outer} or {inner}");
                    Err(self.error(selector.pos, message))
                }
                None => Ok(()),
            };
        }
        if !selector.allow_empty_matchers && selector.matchers.iter().all(|m| m.matches_empty()) {
            return Err(
                self.error(selector.pos, "vector selector must contain at least one non-empty matcher")
            );
        }
        Ok(())
    }

    fn expect_type(&self, expr: &mut Expr, wanted: ValueType, context: &str) -> Parsed<()> {
        let ty = self.check(expr)?;
        if ty != wanted {
            return Err(self.wrong_type(expr.pos(), wanted, context, ty));
        }
        Ok(())
    }

    fn wrong_type(&self, pos: PosRange, wanted: ValueType, context: &str, got: ValueType) -> Fail {
        let (wanted, got) = (wanted.documented(), got.documented());
        self.error(pos, format!("expected type {wanted} in {context}, got {got}"))
    }

    fn check_aggregate(&self, aggregate: &mut AggregateExpr) -> Parsed<()> {
        self.expect_type(&mut aggregate.expr, ValueType::Vector, "aggregation expression")?;
        if let Some(param) = &mut aggregate.param {
            let wanted =
                if aggregate.op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
            self.expect_type(param, wanted, "aggregation parameter")?;
        }
        Ok(())
    }

    /// Returns where the operator and its modifiers stand, without the space around.
    fn operator_pos(&self, binary: &BinaryExpr) -> PosRange {
        let bytes = self.input.as_bytes();
        let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        let start = binary.lhs.pos().end.min(bytes.len());
        let start = start + bytes[start..].iter().take_while(|b| space(b)).count();
        let end = binary.rhs.pos().start.saturating_sub(1).min(bytes.len());
        let end = end - bytes[..end].iter().rev().take_while(|b| space(b)).count();
        PosRange::new(start, end)
    }

    fn check_binary(&self, binary: &mut BinaryExpr, pos: PosRange) -> Parsed<()> {
        let lhs = self.check(&mut binary.lhs)?;
        let rhs = self.check(&mut binary.rhs)?;
        let op = binary.op;
        let scalars = lhs == ValueType::Scalar && rhs == ValueType::Scalar;
        if binary.return_bool && !op.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            return Err(self.error(self.operator_pos(binary), message));
        }
        if op.is_comparison() && !binary.return_bool && scalars {
            let message = "comparisons between scalars must use BOOL modifier";
            return Err(self.error(self.operator_pos(binary), message));
        }
        let mut matching = binary.matching.take().unwrap_or_default();
        if op.is_set() && matching.card == Cardinality::OneToOne {
            matching.card = Cardinality::ManyToMany;
        }
        if matching.on
            && let Some(label) = matching.labels.iter().find(|l| matching.include.contains(l))
        {
            let message = format!("label {} must not occur in ON and GROUP clause at once", quote(label));
            return Err(self.error(self.operator_pos(binary), message));
        }
        for (ty, operand) in [(lhs, &binary.lhs), (rhs, &binary.rhs)] {
            if !matches!(ty, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.error(operand.pos(), message));
            }
        }
        if lhs != ValueType::Vector || rhs != ValueType::Vector {
            if !matching.labels.is_empty() {
                return Err(self.error(pos, "vector matching only allowed between instant vectors"));
            }
            if matching.fill.is_set() {
                let message = "filling in missing series only allowed between instant vectors";
                return Err(self.error(pos, message));
            }
            if op.is_set() {
                let message =
                    format!("set operator {} not allowed in binary scalar expression", quote(op.as_str()));
                return Err(self.error(pos, message));
            }
            return Ok(());
        }
        if op.is_set() {
            if matching.card != Cardinality::ManyToMany {
                return Err(
                    self.error(pos, format!("no grouping allowed for {} operation", quote(op.as_str())))
                );
            }
            if matching.fill.is_set() {
                return Err(self.error(pos, "filling in missing series not allowed for set operators"));
            }
        }
        binary.matching = Some(matching);
        Ok(())
    }

    fn check_call(&self, call: &mut Call) -> Parsed<()> {
        let func = call.func;
        let name = quote(func.name);
        let (given, declared) = (call.args.len(), func.arg_types.len());
        let wrong_count = |bound: &str, count: usize| {
            Err(self.error(
                call.pos,
                format!("expected {bound}{count} argument(s) in call to {name}, got {given}"),
            ))
        };
        if func.variadic == 0 {
            if given != declared {
                return wrong_count("", declared);
            }
        } else {
            let least = declared - 1;
            if given < least {
                return wrong_count("at least ", least);
            }
            if let Ok(more) = usize::try_from(func.variadic)
                && given > least + more
            {
                return wrong_count("at most ", least + more);
            }
        }
        if func.id == FunctionId::Info {
            self.check_info(call)?;
        }
        for (i, arg) in call.args.iter_mut().enumerate() {
            let wanted = func.arg_types[i.min(declared - 1)];
            self.expect_type(arg, wanted, &format!("call to function {name}"))?;
        }
        Ok(())
    }

    /// The second argument of `info` is no selector of series but a list of matchers.
    fn check_info(&self, call: &mut Call) -> Parsed<()> {
        let Some(second) = call.args.get_mut(1) else {
            return Ok(());
        };
        let ty = second.value_type();
        if ty != ValueType::Vector {
            return Err(self.wrong_type(call.pos, ValueType::Vector, "call to function \"info\"", ty));
        }
        let pos = second.pos();
        match second {
            Expr::VectorSelector(v) if v.name.is_empty() => {
                v.allow_empty_matchers = true;
                Ok(())
            }
            Expr::VectorSelector(_) => {
                Err(self.error(pos, "expected label selectors only, got vector selector instead"))
            }
            _ => Err(self.error(pos, "expected label selectors only")),
        }
    }
}
