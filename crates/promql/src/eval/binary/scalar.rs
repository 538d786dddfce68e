//! A vector and a scalar.

use super::super::{EvalSeries, Evaluator, Scope, Sink, merge};
use super::element::{arithmetic, changes_metric, comparison, element_op};
use crate::annotations::Annotation;
use crate::ast::{BinaryOp, PosRange};
use crate::column::{ABSENT, Cell, CellRef, Column, present};
use crate::error::EvalError;
use crate::plan::{Binary, Node};

impl Evaluator<'_> {
    /// `swapped`: the scalar is on the left.
    #[allow(clippy::too_many_arguments, reason = "the two operands with their roles")]
    pub(super) fn scalar_binary(
        &self,
        b: &Binary,
        vector: &Node,
        scalar: &Node,
        swapped: bool,
        pos: PosRange,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        // Sides are evaluated from left to right, as annotations of the same text keep the last position.
        if !swapped {
            let mut all = self.collect(vector, scope)?;
            let values = self.scalar(scalar, scope)?;
            return self.apply_scalar(
                b,
                std::mem::take(&mut all.series),
                &values,
                swapped,
                pos,
                scope,
                sink,
                &mut merge::SameSteps::default(),
            );
        }
        let values = self.scalar(scalar, scope)?;
        let mut same = merge::SameSteps::default();
        self.stream(vector, scope, &mut |batch| {
            self.apply_scalar(b, batch, &values, swapped, pos, scope, sink, &mut same)
        })
    }

    #[allow(clippy::too_many_arguments, reason = "the two operands with their roles")]
    fn apply_scalar(
        &self,
        b: &Binary,
        mut batch: Vec<EvalSeries>,
        values: &[f64],
        swapped: bool,
        pos: PosRange,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
        same: &mut merge::SameSteps,
    ) -> Result<(), EvalError> {
        let drops = changes_metric(b.op) || b.return_bool;
        let delayed = self.options.delayed_name_removal;
        // Of each step Prometheus notes only what came up last.
        let mut notes: Vec<Option<Annotation>> = Vec::new();
        for s in &mut batch {
            if s.column.has_histograms() || b.op.is_trim() {
                notes.resize(scope.grid.count, None);
                s.column = with_histograms(b.op, b.return_bool, &s.column, values, swapped, pos, &mut notes);
            } else {
                floats(b.op, b.return_bool, &mut s.column, values, swapped);
            }
            if drops {
                s.drop_name = true;
                if !delayed {
                    s.labels = merge::without_metadata(&s.labels);
                }
            }
        }
        self.annotate_all(notes.into_iter().flatten());
        batch.retain(|s| !s.column.is_empty());
        if drops && !delayed {
            batch.iter().try_for_each(|s| same.check(s))?;
        }
        if batch.is_empty() { Ok(()) } else { sink(batch) }
    }
}

fn floats(op: BinaryOp, return_bool: bool, column: &mut Column, values: &[f64], swapped: bool) {
    let first = column.first;
    let comparing = op.is_comparison();
    for (v, scalar) in column.floats.iter_mut().zip(&values[first..]) {
        if !present(*v) {
            continue;
        }
        let (left, right) = if swapped { (*scalar, *v) } else { (*v, *scalar) };
        *v = if !comparing {
            arithmetic(op, left, right)
        } else {
            match (comparison(op, left, right) == Some(true), return_bool) {
                (holds, true) => f64::from(u8::from(holds)),
                // What is kept is the vector's value, on whichever side.
                (true, false) => *v,
                (false, false) => ABSENT,
            }
        };
    }
}

fn with_histograms(
    op: BinaryOp,
    return_bool: bool,
    column: &Column,
    values: &[f64],
    swapped: bool,
    pos: PosRange,
    notes: &mut [Option<Annotation>],
) -> Column {
    let mut out = Column::default();
    for (step, cell) in column.iter() {
        let scalar = CellRef::Float(values[step]);
        let (left, right) = if swapped { (scalar, cell) } else { (cell, scalar) };
        match element_op(op, left, right, pos) {
            Err(refused) => notes[step] = refused.into_note(op, pos),
            Ok(element) if return_bool => out.push_float(step, f64::from(u8::from(element.keep))),
            Ok(element) if !element.keep => {}
            Ok(element) => {
                let value = match (op.is_comparison() && swapped, cell) {
                    (true, CellRef::Float(v)) => Cell::Float(v),
                    (true, CellRef::Histogram(h)) => Cell::Histogram(h.clone()),
                    (false, _) => element.value,
                };
                out.push(step, value);
            }
        }
    }
    out
}
