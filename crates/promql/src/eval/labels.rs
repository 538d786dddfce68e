//! `label_replace` and `label_join`.

use model::labels::{LabelsBuilder, METRIC_NAME};
use model::regex::Regex;

use super::{EvalSeries, Evaluator, Scope, Sink, merge};
use crate::error::EvalError;
use crate::plan::{Call, Kind};

/// The text of a string argument; the parser has seen to the types.
fn text(call: &Call, at: usize) -> &str {
    match call.args.get(at).map(|a| &a.kind) {
        Some(Kind::Text(text)) => text,
        _ => "",
    }
}

impl Evaluator<'_> {
    pub(super) fn label_replace(
        &self,
        call: &Call,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let (dst, replacement, src, pattern) = (text(call, 1), text(call, 2), text(call, 3), text(call, 4));
        let regex = Regex::anchored(pattern).map_err(|_| {
            EvalError::Execution(format!("invalid regular expression in label_replace(): {pattern}"))
        })?;
        if dst.is_empty() {
            return Err(EvalError::Execution(format!(
                "invalid destination label name in label_replace(): {dst}"
            )));
        }
        let mut value = String::new();
        self.relabel(call, scope, sink, &mut |s, builder| {
            let Some(groups) = regex.groups(s.labels.value(src)) else {
                return;
            };
            value.clear();
            groups.expand_into(replacement, &mut value);
            builder.set(dst, &value);
            if dst == METRIC_NAME {
                s.drop_name = false;
            }
        })
    }

    pub(super) fn label_join(
        &self,
        call: &Call,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let (dst, separator) = (text(call, 1), text(call, 2));
        let sources: Vec<&str> = (3..call.args.len()).map(|at| text(call, at)).collect();
        if sources.iter().any(|s| s.is_empty()) {
            return Err(EvalError::Execution("invalid source label name in label_join(): ".into()));
        }
        if dst.is_empty() {
            return Err(EvalError::Execution(format!(
                "invalid destination label name in label_join(): {dst}"
            )));
        }
        self.relabel(call, scope, sink, &mut |s, builder| {
            let joined =
                sources.iter().map(|source| s.labels.value(source)).collect::<Vec<_>>().join(separator);
            builder.set(dst, &joined);
            if dst == METRIC_NAME {
                s.drop_name = false;
            }
        })
    }

    fn relabel(
        &self,
        call: &Call,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
        change: &mut dyn FnMut(&mut EvalSeries, &mut LabelsBuilder),
    ) -> Result<(), EvalError> {
        let mut all = self.collect(&call.args[0], scope)?;
        let mut builder = LabelsBuilder::default();
        for s in &mut all.series {
            builder.reset(&s.labels);
            change(s, &mut builder);
            s.labels = builder.labels();
        }
        let top = self.is_top(call);
        sink(merge::merge_kinds(std::mem::take(&mut all.series), top)?)
    }
}
