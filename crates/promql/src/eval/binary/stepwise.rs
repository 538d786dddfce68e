//! Two vectors, step by step: with histograms, fill values, or matches that hold only at some steps.

use model::labels::Labels;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::{EvalSeries, Evaluator, Scope};
use super::element::element_op;
use super::matching::{Signatures, match_labels, result_labels};
use crate::annotations::Annotation;
use crate::ast::{Cardinality, PosRange, VectorMatching};
use crate::column::{Cell, CellRef, Column};
use crate::error::EvalError;
use crate::plan::Binary;

/// One side's value at a step: a series, or a fill value for the match group of a series of the other side.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Series(usize),
    Fill,
}

struct Stepwise<'a> {
    b: &'a Binary,
    matching: &'a VectorMatching,
    /// The side that may have several, and the other one.
    many: &'a [EvalSeries],
    one: &'a [EvalSeries],
    swapped: bool,
    drop_name: bool,
    pos: PosRange,
    /// Result labels by the two series.
    labels: FxHashMap<(Side, Side), Labels>,
    /// Signatures matched at this step; with several on one side, the results each has.
    matched: Vec<bool>,
    results: FxHashMap<usize, FxHashSet<Labels>>,
    note: Option<Annotation>,
    out: Vec<(Labels, Cell)>,
}

impl Evaluator<'_> {
    #[allow(clippy::too_many_arguments, reason = "both sides with their signatures")]
    pub(super) fn stepwise(
        &self,
        b: &Binary,
        matching: &VectorMatching,
        left: &[EvalSeries],
        right: &[EvalSeries],
        signatures: &Signatures,
        pos: PosRange,
        scope: Scope<'_>,
    ) -> Result<Vec<EvalSeries>, EvalError> {
        let swapped = matching.card == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let (many_signatures, one_signatures) = if swapped {
            (&signatures.right, &signatures.left)
        } else {
            (&signatures.left, &signatures.right)
        };
        let delayed = self.options.delayed_name_removal;
        let mut state = Stepwise {
            b,
            matching,
            many,
            one,
            swapped,
            drop_name: b.return_bool && !delayed,
            pos,
            labels: FxHashMap::default(),
            matched: vec![false; signatures.count],
            results: FxHashMap::default(),
            note: None,
            out: Vec::new(),
        };
        // Series by labels, with the step they were last written at.
        let mut index: FxHashMap<Labels, (usize, usize)> = FxHashMap::default();
        let mut series: Vec<EvalSeries> = Vec::new();
        let may_repeat = delayed && scope.grid.instant;
        for step in 0..scope.grid.count {
            self.limits.check()?;
            state.step(step, many_signatures, one_signatures, signatures.count)?;
            if let Some(note) = state.note.take() {
                self.annotate(note);
            }
            for (labels, cell) in state.out.drain(..) {
                let new = EvalSeries {
                    labels: labels.clone(),
                    drop_name: b.return_bool,
                    column: Column::default(),
                };
                let at = match index.get_mut(&labels) {
                    Some((_, last)) if *last == step && !may_repeat => return Err(EvalError::same_labelset()),
                    Some((at, last)) if *last != step => {
                        *last = step;
                        *at
                    }
                    _ => {
                        series.push(new);
                        index.insert(labels, (series.len() - 1, step));
                        series.len() - 1
                    }
                };
                series[at].column.push(step, cell);
            }
        }
        Ok(series)
    }
}

impl Stepwise<'_> {
    fn step(
        &mut self,
        step: usize,
        many_signatures: &[usize],
        one_signatures: &[usize],
        count: usize,
    ) -> Result<(), EvalError> {
        let there = |series: &[EvalSeries]| -> Vec<usize> {
            (0..series.len()).filter(|i| series[*i].column.is_present(step)).collect()
        };
        let (many, one) = (there(self.many), there(self.one));
        let fill = self.matching.fill;
        if (many.is_empty() && one.is_empty()) || ((many.is_empty() || one.is_empty()) && !fill.is_set()) {
            return Ok(());
        }
        let mut partner: Vec<Option<usize>> = vec![None; count];
        for i in &one {
            if let Some(other) = partner[one_signatures[*i]].replace(*i) {
                return Err(self.duplicates(*i, other));
            }
        }
        self.matched.fill(false);
        self.results.clear();
        // Fill values belong to sides as they are evaluated: the many side counts as the left one.
        for i in &many {
            let signature = many_signatures[*i];
            match (partner[signature], fill.rhs) {
                (Some(other), _) => {
                    self.element(step, signature, Side::Series(*i), Side::Series(other), None)?
                }
                (None, Some(value)) => {
                    self.element(step, signature, Side::Series(*i), Side::Fill, Some(value))?
                }
                (None, None) => {}
            }
        }
        if let Some(value) = fill.lhs {
            for i in &one {
                let signature = one_signatures[*i];
                let done = match self.matching.card {
                    Cardinality::OneToOne => self.matched[signature],
                    _ => self.results.get(&signature).is_some_and(|r| !r.is_empty()),
                };
                if !done {
                    self.element(step, signature, Side::Fill, Side::Series(*i), Some(value))?;
                }
            }
        }
        Ok(())
    }

    fn element(
        &mut self,
        step: usize,
        signature: usize,
        many: Side,
        one: Side,
        fill: Option<f64>,
    ) -> Result<(), EvalError> {
        let op = self.b.op;
        let cell = |side: Side, series: &[EvalSeries]| match side {
            Side::Series(i) => series[i].column.get(step),
            Side::Fill => fill.map(Cell::Float),
        };
        let (Some(m), Some(o)) = (cell(many, self.many), cell(one, self.one)) else {
            return Ok(());
        };
        let (left, right) = if self.swapped { (&o, &m) } else { (&m, &o) };
        let element = match element_op(op, as_ref(left), as_ref(right), self.pos) {
            Ok(element) => element,
            Err(refused) => {
                self.note = refused.into_note(op, self.pos);
                return Ok(());
            }
        };
        if element.note.is_some() {
            self.note = element.note;
        }
        let value =
            if self.b.return_bool { Cell::Float(f64::from(u8::from(element.keep))) } else { element.value };
        let labels = self.result_labels(many, one);
        if self.matching.card == Cardinality::OneToOne {
            if std::mem::replace(&mut self.matched[signature], true) {
                let text = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                return Err(EvalError::execution(text));
            }
        } else if !self.results.entry(signature).or_default().insert(labels.clone()) {
            return Err(EvalError::execution(
                "multiple matches for labels: grouping labels must ensure unique matches",
            ));
        }
        if element.keep || self.b.return_bool {
            self.out.push((labels, value));
        }
        Ok(())
    }

    fn result_labels(&mut self, many: Side, one: Side) -> Labels {
        if let Some(labels) = self.labels.get(&(many, one)) {
            return labels.clone();
        }
        let own = |side: Side, series: &[EvalSeries]| match side {
            Side::Series(i) => Some(series[i].labels.clone()),
            Side::Fill => None,
        };
        let (m, o) = (own(many, self.many), own(one, self.one));
        // A fill value has the labels of the match group of its partner.
        let group = |labels: &Option<Labels>| {
            labels.as_ref().map(|l| match_labels(self.matching, l)).unwrap_or_default()
        };
        let m_labels = m.clone().unwrap_or_else(|| group(&o));
        let o_labels = o.unwrap_or_else(|| group(&m));
        let labels = result_labels(self.b.op, self.matching, &m_labels, &o_labels, self.drop_name);
        self.labels.insert((many, one), labels.clone());
        labels
    }

    fn duplicates(&self, a: usize, b: usize) -> EvalError {
        let side = if self.swapped { "left" } else { "right" };
        let group = match_labels(self.matching, &self.one[a].labels);
        let (mut first, mut second) = (self.one[a].labels.to_string(), self.one[b].labels.to_string());
        if first > second {
            std::mem::swap(&mut first, &mut second);
        }
        EvalError::Execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{first}, {second}]\
             ;many-to-many matching not allowed: matching labels must be unique on one side"
        ))
    }
}

fn as_ref(cell: &Cell) -> CellRef<'_> {
    match cell {
        Cell::Float(v) => CellRef::Float(*v),
        Cell::Histogram(h) => CellRef::Histogram(h),
    }
}
