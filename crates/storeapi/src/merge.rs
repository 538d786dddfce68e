//! The streaming k-way merge of sorted Series streams, joining equal series and dropping chunks that several stores sent.
//!
//! Holds one buffer per source and one series being joined; memory does not depend on the length of the answer.

mod chunks;
mod loser_tree;

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;

use crate::api::{Series, SeriesEvent};

pub use chunks::join_chunks;
pub use loser_tree::LoserTree;

/// One input of a merge: a stream of batches of events, series among them sorted by labels.
pub trait Source: Send + Unpin {
    /// The next batch; `None` at the end. Batches may be empty.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<SeriesEvent>>>;
}

impl Source for tokio::sync::mpsc::Receiver<Vec<SeriesEvent>> {
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<SeriesEvent>>> {
        self.poll_recv(cx)
    }
}

struct Input<S> {
    source: S,
    buffer: std::vec::IntoIter<SeriesEvent>,
    head: Option<Series>,
}

impl<S: Source> Input<S> {
    /// Moves on until a series is at the head or the source ends; other events go to `out`.
    fn poll_head(&mut self, out: &mut VecDeque<SeriesEvent>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            for event in self.buffer.by_ref() {
                match event {
                    SeriesEvent::Series(series) => {
                        self.head = Some(series);
                        return Poll::Ready(());
                    }
                    other => out.push_back(other),
                }
            }
            match ready!(self.source.poll_batch(cx)) {
                Some(batch) => self.buffer = batch.into_iter(),
                None => return Poll::Ready(()),
            }
        }
    }
}

/// The merged stream. Warnings and hints come as they arrive; series in order, each once.
pub struct MergedSeries<S> {
    inputs: Vec<Input<S>>,
    /// Inputs whose head was taken and not yet replaced.
    waiting: Vec<usize>,
    tree: Option<LoserTree>,
    /// Equal series seen so far.
    current: Vec<Series>,
    out: VecDeque<SeriesEvent>,
    done: bool,
}

impl<S: Source> MergedSeries<S> {
    /// Merges the sources.
    pub fn new(sources: Vec<S>) -> Self {
        let inputs: Vec<_> = sources
            .into_iter()
            .map(|source| Input { source, buffer: Vec::new().into_iter(), head: None })
            .collect();
        MergedSeries {
            waiting: (0..inputs.len()).rev().collect(),
            done: inputs.is_empty(),
            inputs,
            tree: None,
            current: Vec::new(),
            out: VecDeque::new(),
        }
    }

    fn finish_current(&mut self) {
        if !self.current.is_empty() {
            self.out.push_back(SeriesEvent::Series(join_chunks(&mut self.current)));
        }
    }
}

impl<S: Source> Stream for MergedSeries<S> {
    type Item = SeriesEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SeriesEvent>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.out.pop_front() {
                return Poll::Ready(Some(event));
            }
            if this.done {
                return Poll::Ready(None);
            }
            while let Some(&index) = this.waiting.last() {
                if this.inputs[index].poll_head(&mut this.out, cx).is_pending() {
                    // Waker is registered with this input; warnings of others need not wait for it.
                    return match this.out.pop_front() {
                        Some(event) => Poll::Ready(Some(event)),
                        None => Poll::Pending,
                    };
                }
                this.waiting.pop();
                if let Some(tree) = &mut this.tree {
                    tree.replay(index, |a, b| before(&this.inputs, a, b));
                }
            }
            let tree = this
                .tree
                .get_or_insert_with(|| LoserTree::new(this.inputs.len(), |a, b| before(&this.inputs, a, b)));
            let winner = tree.winner();
            let Some(series) = this.inputs[winner].head.take() else {
                this.done = true;
                this.finish_current();
                continue;
            };
            this.waiting.push(winner);
            if this.current.first().is_some_and(|current| current.labels != series.labels) {
                this.finish_current();
            }
            this.current.push(series);
        }
    }
}

/// Whether input `a` comes before `b`: by labels, ended ones last, ties by position so that the order is stable.
fn before<S>(inputs: &[Input<S>], a: usize, b: usize) -> bool {
    match (&inputs[a].head, &inputs[b].head) {
        (Some(left), Some(right)) => left.labels.cmp(&right.labels).then(a.cmp(&b)).is_lt(),
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => a < b,
    }
}

#[cfg(test)]
mod tests;
