//! Runs the commands of a script.

use std::fmt;

use super::compare::{check_sorted, compare, compare_vector};
use super::eval::{Annotated, Eval, Expected, Time};
use super::script::{Command, Script};
use super::storage::MemoryStorage;
use crate::EvalError;
use crate::annotations::Annotations;
use crate::ast::{AtModifier, Expr, FunctionId};
use crate::engine::{Engine, QueryParams, QueryResult};
use crate::limits::Limits;
use crate::parse::{ParseOptions, parse_expr};
use crate::value::{MatrixSeries, Sample, SampleValue, Value};

const MINUTE_MS: i64 = 60_000;

/// A command that did not go as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line of the command, from 1.
    pub line: usize,
    /// The query that was run; empty for a `load`.
    pub query: String,
    /// What went wrong.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.query.is_empty() {
            write!(f, "{}: ", self.query)?;
        }
        f.write_str(&self.message)
    }
}

/// How a script went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many commands went as they should.
    pub passed: usize,
    /// Those that did not.
    pub failures: Vec<Failure>,
}

/// Runs a script, each command whatever became of the ones before. Only a `load` that fails ends it.
pub fn run(script: &Script, engine: &Engine, limits: &Limits) -> Report {
    let mut report = Report::default();
    let mut storage = MemoryStorage::new();
    for command in &script.commands {
        match command {
            Command::Clear => storage = MemoryStorage::new(),
            Command::Load(load) => {
                if let Err(e) = load.append_to(&mut storage) {
                    report.failures.push(Failure { line: e.line, query: String::new(), message: e.message });
                    return report;
                }
            }
            Command::Eval(eval) => {
                let runner = Runner { engine, limits, storage: &storage, eval };
                if let Err((query, message)) = runner.run() {
                    report.failures.push(Failure { line: eval.line, query, message });
                    continue;
                }
            }
        }
        report.passed += 1;
    }
    report
}

/// The query at fault and what is wrong.
type Checked = Result<(), (String, String)>;

struct Runner<'a> {
    engine: &'a Engine,
    limits: &'a Limits,
    storage: &'a MemoryStorage,
    eval: &'a Eval,
}

impl Runner<'_> {
    fn run(&self) -> Checked {
        match self.eval.time {
            Time::Range { start, end, step } => {
                let query = &self.eval.expr;
                let params = QueryParams::range(start, end, step);
                let Some((value, _)) = self.evaluate(query, params)? else {
                    return Ok(());
                };
                compare(self.eval, &value).map_err(|e| (query.clone(), e))
            }
            Time::Instant(t) => {
                self.run_instant(&self.eval.expr, t)?;
                for (query, t) in pinned_queries(&self.eval.expr, t) {
                    self.run_instant(&query, t).map_err(|(q, e)| (q, format!("{e} (evaluated at {t})")))?;
                }
                Ok(())
            }
        }
    }

    fn run_instant(&self, query: &str, t: i64) -> Checked {
        let wrong = |e: String| (query.to_owned(), e);
        let Some((value, _)) = self.evaluate(query, QueryParams::instant(t))? else {
            return Ok(());
        };
        compare(self.eval, &value).map_err(wrong)?;

        let depends_on_range =
            ["start()", "end()", "range()", "step()"].iter().any(|call| query.contains(call));
        if self.eval.instant_only || depends_on_range {
            return Ok(());
        }
        let params = QueryParams::range(t - MINUTE_MS, t + MINUTE_MS, MINUTE_MS);
        let in_range = |e: String| wrong(format!("{e} (as a range query)"));
        let result = self.execute(query, params).map_err(|e| in_range(e.to_string()))?;
        let Value::Matrix(matrix) = result.value.map_err(|e| in_range(e.to_string()))? else {
            return Err(in_range("the result is no matrix".to_owned()));
        };
        // Range queries know no order but that of labels.
        if self.eval.ordered {
            return Ok(());
        }
        check_sorted(&matrix).map_err(in_range)?;
        let samples: Vec<Sample> = matrix.iter().filter_map(|series| sample_at(series, t)).collect();
        match (&self.eval.expected, samples.first()) {
            (Expected::Scalar(_), Some(Sample { value: SampleValue::Float(value), .. })) => {
                compare(self.eval, &Value::Scalar { t, value: *value }).map_err(in_range)
            }
            (Expected::Scalar(_), _) => Err(in_range("expected scalar result but got nothing".to_owned())),
            _ => compare_vector(self.eval, &samples).map_err(in_range),
        }
    }

    fn execute(&self, query: &str, params: QueryParams) -> Result<QueryResult, EvalError> {
        let expr = parse_expr(query, &ParseOptions::all()).map_err(|e| EvalError::Parse(e.to_string()))?;
        Ok(self.engine.prepare(expr, params)?.exec(self.storage, self.limits))
    }

    /// Evaluates a query and checks error and annotations. Returns nothing if the query failed as it should.
    fn evaluate(
        &self,
        query: &str,
        params: QueryParams,
    ) -> Result<Option<(Value, Annotations)>, (String, String)> {
        let wrong = |e: String| (query.to_owned(), e);
        let result = self.execute(query, params);
        let (value, annotations) = match result {
            Ok(result) => (result.value, result.annotations),
            Err(e) => (Err(e), Annotations::new()),
        };
        let value = match (value, &self.eval.fail) {
            (Ok(value), None) => value,
            (Ok(_), Some(_)) => return Err(wrong("expected an error but got none".to_owned())),
            (Err(e), None) => return Err(wrong(e.to_string())),
            (Err(e), Some(pattern)) => {
                let text = e.to_string();
                if pattern.matches(&text) {
                    return Ok(None);
                }
                return Err(wrong(format!("expected error {:?} but got {text:?}", pattern.as_str())));
            }
        };
        let (warnings, infos) = annotations.as_strings(query, 0, 0);
        check_annotations("warn", &self.eval.warnings, &warnings).map_err(wrong)?;
        check_annotations("info", &self.eval.infos, &infos).map_err(wrong)?;
        Ok(Some((value, annotations)))
    }
}

fn check_annotations(level: &str, expected: &Annotated, actual: &[String]) -> Result<(), String> {
    if expected.none && !actual.is_empty() {
        return Err(format!("unexpected {level} annotations: {actual:?}"));
    }
    if expected.some && actual.is_empty() {
        return Err(format!("expected {level} annotations but got none"));
    }
    if let Some(pattern) = expected.patterns.iter().find(|p| !actual.iter().any(|a| p.matches(a))) {
        let text = pattern.as_str();
        return Err(format!("expected {level} annotation {text:?} is not among {actual:?}"));
    }
    if !expected.patterns.is_empty()
        && let Some(other) = actual.iter().find(|a| !expected.patterns.iter().any(|p| p.matches(a)))
    {
        return Err(format!("unexpected {level} annotation {other:?}"));
    }
    Ok(())
}

/// Returns the sample of a series at a step, a float first.
fn sample_at(series: &MatrixSeries, t: i64) -> Option<Sample> {
    let labels = series.labels();
    let float = series.floats().find(|(at, _)| *at == t).map(|(_, v)| SampleValue::Float(v));
    let value = float.or_else(|| {
        series.histograms().find(|(at, _)| *at == t).map(|(_, h)| SampleValue::Histogram(h.clone()))
    })?;
    Some(Sample { labels: labels.clone(), t, value })
}

/// Returns the query with every selector pinned to `t` by `@`, and the times at which it must give the same.
fn pinned_queries(query: &str, t: i64) -> Vec<(String, i64)> {
    let Ok(mut expr) = parse_expr(query, &ParseOptions::all()) else {
        return Vec::new();
    };
    let mut varies = false;
    expr.walk(&mut |e| {
        if let Expr::Call(c) = e {
            varies = varies || depends_on_time(c.func.id);
        }
    });
    if varies {
        return Vec::new();
    }
    pin(&mut expr, t);
    let times = if t == 0 { vec![-1000, 0, 1000] } else { vec![-10 * t, 0, t / 5, t, 10 * t] };
    let query = expr.to_string();
    times.into_iter().map(|t| (query.clone(), t)).collect()
}

/// Whether a function's value may change with the time of evaluation though its arguments do not.
fn depends_on_time(id: FunctionId) -> bool {
    matches!(
        id,
        FunctionId::DaysInMonth
            | FunctionId::DayOfMonth
            | FunctionId::DayOfWeek
            | FunctionId::DayOfYear
            | FunctionId::End
            | FunctionId::Hour
            | FunctionId::Minute
            | FunctionId::Month
            | FunctionId::Year
            | FunctionId::PredictLinear
            | FunctionId::Range
            | FunctionId::Start
            | FunctionId::Step
            | FunctionId::Time
            | FunctionId::Timestamp
    )
}

/// Pins all selectors that are not pinned yet. What is inside a subquery is pinned with it.
fn pin(expr: &mut Expr, t: i64) {
    let pin_one = |at: &mut Option<AtModifier>| {
        if !matches!(at, Some(AtModifier::Timestamp(_))) {
            *at = Some(AtModifier::Timestamp(t));
        }
    };
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Remote(_) => {}
        Expr::VectorSelector(v) => pin_one(&mut v.at),
        Expr::MatrixSelector(m) => pin_one(&mut m.selector.at),
        Expr::Subquery(s) => pin_one(&mut s.at),
        Expr::Aggregate(a) => {
            pin(&mut a.expr, t);
            if let Some(param) = &mut a.param {
                pin(param, t);
            }
        }
        Expr::Binary(b) => {
            pin(&mut b.lhs, t);
            pin(&mut b.rhs, t);
        }
        Expr::Call(c) => c.args.iter_mut().for_each(|arg| pin(arg, t)),
        Expr::Paren(p) => pin(&mut p.expr, t),
        Expr::Unary(u) => pin(&mut u.expr, t),
    }
}
