//! Series of all inputs in one order, and those with the same labels brought together.

use super::chunks::{OutChunk, Part};
use super::input::SeriesCursor;
use super::symbols::SymbolTable;
use super::{MergeInput, MergeOptions, Process};
use crate::error::Error;
use crate::go_heap::GoHeap;

/// Receives each merged series: labels by merged symbols, and chunks.
pub(super) type Write<'w> = dyn FnMut(&[(u32, u32)], &[OutChunk<'_>]) -> Result<(), Error> + 'w;

/// Receives each series before it is merged: labels by merged symbols, and its parts.
type Visit<'v> = dyn FnMut(&[(u32, u32)], &[Part]) -> Result<(), Error> + 'v;

/// Merges all series and hands them over in order.
pub(super) fn run<P: Process>(
    inputs: &[MergeInput],
    tables: &[SymbolTable],
    options: &MergeOptions,
    process: &P,
    write: &mut Write<'_>,
) -> Result<(), Error> {
    if options.threads > 1 {
        return super::parallel::run(inputs, tables, options, process, write);
    }
    let mut scratch = P::Scratch::default();
    // Reused, but never longer than one series; its chunks borrow from the inputs.
    let mut out = Vec::new();
    for_each_series(inputs, tables, options, &mut |labels, parts| {
        out.clear();
        process.series(inputs, parts, &mut scratch, &mut out)?;
        write(labels, &out)
    })
}

/// Walks over all series; those of several inputs with the same labels come as the parts of one, in the order in which
/// Prometheus's merge has them.
pub(super) fn for_each_series(
    inputs: &[MergeInput],
    tables: &[SymbolTable],
    options: &MergeOptions,
    visit: &mut Visit<'_>,
) -> Result<(), Error> {
    let mut cursors = Vec::new();
    let mut heap = GoHeap::new();
    for (number, (input, table)) in inputs.iter().zip(tables).enumerate() {
        let mut cursor = SeriesCursor::new(input, table)?;
        let more = cursor.next(options)?;
        cursors.push(cursor);
        if more {
            heap.push(number, |a: &usize, b: &usize| cursors[*a].labels < cursors[*b].labels);
        }
    }
    let mut current: Vec<usize> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    loop {
        for number in current.drain(..) {
            if cursors[number].next(options)? {
                heap.push(number, |a, b| cursors[*a].labels < cursors[*b].labels);
            }
        }
        let less = |a: &usize, b: &usize| cursors[*a].labels < cursors[*b].labels;
        let Some(first) = heap.pop(less) else { return Ok(()) };
        current.push(first);
        while let Some(next) = heap.first()
            && cursors[*next].labels == cursors[first].labels
        {
            current.extend(heap.pop(less));
        }
        parts.resize_with(current.len(), Part::default);
        for (part, number) in parts.iter_mut().zip(&current) {
            let cursor = &mut cursors[*number];
            part.input = *number;
            std::mem::swap(&mut part.chunks, &mut cursor.chunks);
            std::mem::swap(&mut part.deleted, &mut cursor.deleted);
        }
        visit(&cursors[first].labels, &parts)?;
    }
}
