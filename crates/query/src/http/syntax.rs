//! `format_query` and `parse_query`: an expression in lines, and as a tree in JSON. Both are Prometheus's; Thanos does not have them.

use std::sync::Arc;

use model::value::format_float_plain;
use promql::ast::{
    AggregateExpr, AtModifier, BinaryExpr, Call as FunctionCall, DurationExpr, DurationOperand, Expr,
    MatrixSelector, NumberLiteral, RangeModifier, SubqueryExpr, VectorMatching, VectorSelector,
};
use promql::parse::parse_expr;
use promql::print::prettify;

use super::Call;
use super::json::{push_float, push_list, push_string};
use super::object::Object;
use super::respond::{Answer, ApiError, ApiResult};
use crate::api::QueryApi;

fn parsed(api: &QueryApi, call: &Call) -> Result<Expr, ApiError> {
    parse_expr(call.form.get("query"), &api.config.parse_options)
        .map_err(|error| ApiError::bad_data(format!("invalid parameter \"query\": {error}")))
}

pub(super) async fn format_query(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let mut json = String::new();
    push_string(&mut json, &prettify(&parsed(&api, &call)?), true);
    Ok(Answer::json(json))
}

pub(super) async fn parse_query(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let expr = parsed(&api, &call)?;
    refuse_infinite_fill(&expr)?;
    let mut json = String::new();
    push_expr(&mut json, &expr);
    Ok(Answer::json(json))
}

/// JSON has no NaN and no infinities, and fill values are written as numbers.
fn refuse_infinite_fill(expr: &Expr) -> Result<(), ApiError> {
    let mut found = None;
    expr.walk(&mut |expr| {
        if let Expr::Binary(BinaryExpr { matching: Some(matching), .. }) = expr {
            let values = [matching.fill.lhs, matching.fill.rhs];
            found = found.or(values.into_iter().flatten().find(|value| !value.is_finite()));
        }
    });
    match found {
        None => Ok(()),
        Some(value) => {
            Err(ApiError::internal(format!("json: unsupported value: {}", format_float_plain(value))))
        }
    }
}

/// Writes a node. Fields are in the order of their names, as Go writes maps.
fn push_expr(out: &mut String, expr: &Expr) {
    match expr {
        Expr::Number(number) => {
            let mut object = Object::new(out);
            object.text("type", "numberLiteral").text("val", &format_float_plain(number.value));
            object.end();
        }
        Expr::String(string) => {
            let mut object = Object::new(out);
            object.text("type", "stringLiteral").field("val", |out| {
                let mut value = String::new();
                push_string(&mut value, &string.value, true);
                // What stands for broken bytes is escaped, unlike the same character where it was written.
                out.push_str(&if string.broken.is_some() {
                    value.replace('\u{fffd}', "\\ufffd")
                } else {
                    value
                });
            });
            object.end();
        }
        Expr::VectorSelector(selector) => push_vector_selector(out, selector),
        Expr::MatrixSelector(matrix) => push_matrix_selector(out, matrix),
        Expr::Subquery(subquery) => push_subquery(out, subquery),
        Expr::Aggregate(aggregate) => push_aggregate(out, aggregate),
        Expr::Binary(binary) => push_binary(out, binary),
        Expr::Call(call) => push_call(out, call),
        Expr::Paren(paren) => {
            let mut object = Object::new(out);
            object.field("expr", |out| push_expr(out, &paren.expr)).text("type", "parenExpr");
            object.end();
        }
        // No text parses to it.
        Expr::Remote(_) => out.push_str("null"),
        Expr::Unary(unary) => {
            let mut object = Object::new(out);
            object.field("expr", |out| push_expr(out, &unary.expr));
            object.text("op", unary.op.as_str()).text("type", "unaryExpr");
            object.end();
        }
    }
}

fn push_texts(out: &mut String, texts: &[String]) {
    push_list(out, texts, |out, text| push_string(out, text, true));
}

fn push_aggregate(out: &mut String, aggregate: &AggregateExpr) {
    let mut object = Object::new(out);
    object.field("expr", |out| push_expr(out, &aggregate.expr));
    object.field("grouping", |out| push_texts(out, &aggregate.grouping));
    object.text("op", aggregate.op.as_str());
    object.field("param", |out| match &aggregate.param {
        Some(param) => push_expr(out, param),
        None => out.push_str("null"),
    });
    object.text("type", "aggregation").display("without", aggregate.without);
    object.end();
}

fn push_binary(out: &mut String, binary: &BinaryExpr) {
    let mut object = Object::new(out);
    object.display("bool", binary.return_bool);
    object.field("lhs", |out| push_expr(out, &binary.lhs));
    object.field("matching", |out| match &binary.matching {
        Some(matching) => push_matching(out, matching),
        None => out.push_str("null"),
    });
    object.text("op", binary.op.as_str());
    object.field("rhs", |out| push_expr(out, &binary.rhs)).text("type", "binaryExpr");
    object.end();
}

fn push_matching(out: &mut String, matching: &VectorMatching) {
    let mut object = Object::new(out);
    object.text("card", &matching.card.to_string());
    object.field("fillValues", |out| {
        let mut values = Object::new(out);
        for (name, value) in [("lhs", matching.fill.lhs), ("rhs", matching.fill.rhs)] {
            values.field(name, |out| match value {
                Some(value) => push_float(out, value),
                None => out.push_str("null"),
            });
        }
        values.end();
    });
    object.field("include", |out| push_texts(out, &matching.include));
    object.field("labels", |out| push_texts(out, &matching.labels)).display("on", matching.on);
    object.end();
}

fn push_call(out: &mut String, call: &FunctionCall) {
    let mut object = Object::new(out);
    object.field("args", |out| push_list(out, &call.args, push_expr));
    object.field("func", |out| {
        let mut func = Object::new(out);
        func.field("argTypes", |out| {
            push_list(out, call.func.arg_types, |out, ty| push_string(out, ty.name(), true));
        });
        func.text("name", call.func.name).text("returnType", call.func.return_type.name());
        func.display("variadic", call.func.variadic);
        func.end();
    });
    object.text("type", "call");
    object.end();
}

fn push_at(object: &mut Object<'_>, at: Option<AtModifier>) {
    object.field("startOrEnd", |out| match at {
        Some(AtModifier::Start) => out.push_str("\"start\""),
        Some(AtModifier::End) => out.push_str("\"end\""),
        Some(AtModifier::Timestamp(_)) | None => out.push_str("null"),
    });
}

fn push_timestamp(object: &mut Object<'_>, at: Option<AtModifier>) {
    object.field("timestamp", |out| match at {
        Some(AtModifier::Timestamp(ms)) => out.push_str(&ms.to_string()),
        Some(AtModifier::Start | AtModifier::End) | None => out.push_str("null"),
    });
}

fn push_selector_middle(object: &mut Object<'_>, selector: &VectorSelector) {
    object.field("matchers", |out| {
        push_list(out, &selector.matchers, |out, matcher| {
            let mut object = Object::new(out);
            object.text("name", matcher.name()).text("type", matcher.ty().as_str());
            object.text("value", matcher.value());
            object.end();
        });
    });
    object.text("name", &selector.name).display("offset", selector.offset.ms());
    push_duration(object, "offsetExpr", selector.offset_expr.as_deref());
}

fn push_selector_end(object: &mut Object<'_>, selector: &VectorSelector, ty: &str) {
    object.display("smoothed", selector.modifier == RangeModifier::Smoothed);
    push_at(object, selector.at);
    push_timestamp(object, selector.at);
    object.text("type", ty);
}

fn push_vector_selector(out: &mut String, selector: &VectorSelector) {
    let mut object = Object::new(out);
    object.display("anchored", selector.modifier == RangeModifier::Anchored);
    push_selector_middle(&mut object, selector);
    push_selector_end(&mut object, selector, "vectorSelector");
    object.end();
}

fn push_matrix_selector(out: &mut String, matrix: &MatrixSelector) {
    let selector = &matrix.selector;
    let mut object = Object::new(out);
    object.display("anchored", selector.modifier == RangeModifier::Anchored);
    push_selector_middle(&mut object, selector);
    object.display("range", matrix.range.ms());
    push_duration(&mut object, "rangeExpr", matrix.range_expr.as_deref());
    push_selector_end(&mut object, selector, "matrixSelector");
    object.end();
}

fn push_subquery(out: &mut String, subquery: &SubqueryExpr) {
    let mut object = Object::new(out);
    object.field("expr", |out| push_expr(out, &subquery.expr));
    object.display("offset", subquery.offset.ms());
    push_duration(&mut object, "offsetExpr", subquery.offset_expr.as_deref());
    object.display("range", subquery.range.ms());
    push_duration(&mut object, "rangeExpr", subquery.range_expr.as_deref());
    push_at(&mut object, subquery.at);
    object.display("step", subquery.step.ms());
    push_duration(&mut object, "stepExpr", subquery.step_expr.as_deref());
    push_timestamp(&mut object, subquery.at);
    object.text("type", "subquery");
    object.end();
}

fn push_duration(object: &mut Object<'_>, name: &str, expr: Option<&DurationExpr>) {
    object.field(name, |out| match expr {
        Some(expr) => push_duration_expr(out, expr),
        None => out.push_str("null"),
    });
}

fn push_operand(out: &mut String, operand: Option<&DurationOperand>) {
    match operand {
        None => out.push_str("null"),
        Some(DurationOperand::Expr(expr)) => push_duration_expr(out, expr),
        Some(DurationOperand::Number(NumberLiteral { value, duration, .. })) => {
            let mut object = Object::new(out);
            object.display("duration", duration).text("type", "numberLiteral");
            object.text("val", &format_float_plain(*value));
            object.end();
        }
    }
}

fn push_duration_expr(out: &mut String, expr: &DurationExpr) {
    let mut object = Object::new(out);
    object.field("lhs", |out| push_operand(out, expr.lhs.as_deref()));
    object.text("op", expr.op.as_str());
    object.field("rhs", |out| push_operand(out, expr.rhs.as_deref()));
    object.text("type", "durationExpr").display("wrapped", expr.wrapped);
    object.end();
}
