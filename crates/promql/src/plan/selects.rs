//! What each selector needs from the storage: time range and hints, from what stands around it.

use super::{BuildOptions, stats_decoding::HistogramNeed};
use crate::ast::{AggregateExpr, BinaryOp, Call, Function, RangeModifier, VectorSelector};
use crate::functions::extended_lookback;
use crate::source::SelectParams;

/// The distinct selects of a plan.
#[derive(Default)]
pub(super) struct SelectList {
    selects: Vec<SelectParams>,
    uses: Vec<usize>,
}

impl SelectList {
    /// Adds a select, or finds the same one.
    pub(super) fn add(&mut self, params: SelectParams) -> usize {
        if let Some(at) = self.selects.iter().position(|s| *s == params) {
            self.uses[at] += 1;
            return at;
        }
        self.selects.push(params);
        self.uses.push(1);
        self.selects.len() - 1
    }

    pub(super) fn finish(self) -> (Vec<SelectParams>, Vec<usize>) {
        (self.selects, self.uses)
    }
}

/// What stands around the expression that is being built.
#[derive(Clone)]
pub(super) struct Path {
    /// The function or aggregation next above, if no binary operation comes first.
    func: String,
    /// The grouping of the aggregation directly above.
    grouping: Option<(Vec<String>, bool)>,
    /// Sums over the subqueries around, since the innermost `@`.
    subquery_offset: i64,
    subquery_range: i64,
    subquery_at: Option<i64>,
    /// The step of the innermost subquery.
    step: i64,
    need: HistogramNeed,
}

impl Path {
    pub(super) fn new(options: &BuildOptions<'_>) -> Self {
        Self {
            func: String::new(),
            grouping: None,
            subquery_offset: 0,
            subquery_range: 0,
            subquery_at: None,
            step: options.step,
            need: HistogramNeed::default(),
        }
    }

    /// Runs `f` with the path as `push` leaves it, and takes it back.
    pub(super) fn within<T>(&mut self, push: impl FnOnce(&mut Path), f: impl FnOnce(&mut Path) -> T) -> T {
        let mut inner = self.clone();
        push(&mut inner);
        f(&mut inner)
    }

    pub(super) fn push_aggregate(&mut self, a: &AggregateExpr) {
        self.func = a.op.as_str().to_owned();
        self.grouping = Some((a.grouping.clone(), !a.without));
    }

    pub(super) fn push_call(&mut self, c: &Call) {
        self.func = c.func.name.to_owned();
        self.grouping = None;
        self.need.push_call(c.func.id);
    }

    pub(super) fn push_binary(&mut self, op: BinaryOp) {
        self.func.clear();
        self.grouping = None;
        if op.is_trim() {
            self.need.push_buckets();
        }
    }

    /// A sign comes between an aggregation and its selector; the grouping then does not reach it.
    pub(super) fn push_sign(&mut self) {
        self.grouping = None;
    }

    pub(super) fn push_subquery(&mut self, range: i64, step: i64, offset: i64, at: Option<i64>) {
        self.grouping = None;
        self.step = step;
        self.need.push_buckets();
        match at {
            // `@` makes what the outer subqueries say about time irrelevant.
            Some(at) => {
                self.subquery_offset = offset;
                self.subquery_range = range;
                self.subquery_at = Some(at);
            }
            None => {
                self.subquery_offset = self.subquery_offset.saturating_add(offset);
                self.subquery_range = self.subquery_range.saturating_add(range);
            }
        }
    }

    pub(super) fn needs_only_stats(&self) -> bool {
        self.need.only_stats()
    }

    /// The select of a selector with the given range (`None` of an instant selector), offset and `@`.
    pub(super) fn select_params(
        &self,
        v: &VectorSelector,
        range: Option<i64>,
        offset: i64,
        at: Option<i64>,
        options: &BuildOptions<'_>,
    ) -> SelectParams {
        let (mut mint, mut maxt) = match self.subquery_at {
            Some(at) => (at, at),
            None => (options.start, options.end),
        };
        match at {
            Some(at) => (mint, maxt) = (at, at),
            None => {
                mint = mint.saturating_sub(self.subquery_offset).saturating_sub(self.subquery_range);
                maxt = maxt.saturating_sub(self.subquery_offset);
            }
        }
        let lookback = options.lookback;
        // Samples exactly at the open lower end are of no use.
        let back = match (range, v.modifier) {
            (None, _) => lookback,
            (Some(range), RangeModifier::None) => range,
            (Some(range), RangeModifier::Anchored | RangeModifier::Smoothed) => {
                range.saturating_add(lookback)
            }
        };
        mint = mint.saturating_sub(back - 1);
        if range.is_some() && Function::by_name(&self.func).is_some_and(|func| func.id.is_extended()) {
            mint = mint.saturating_sub(extended_lookback::LOOKBACK);
        }
        if v.modifier == RangeModifier::Smoothed {
            maxt = maxt.saturating_add(lookback);
        }
        let (grouping, by) = match range {
            // A range selector stands between.
            Some(_) => (Vec::new(), false),
            None => self.grouping.clone().unwrap_or_default(),
        };
        SelectParams {
            matchers: v.matchers.clone(),
            mint: mint.saturating_sub(offset),
            maxt: maxt.saturating_sub(offset),
            step: self.step,
            range: range.unwrap_or(0),
            func: self.func.clone(),
            grouping,
            by,
            remote: None,
        }
    }
}
