//! Puts the series of a block, which the index has in the order of their own labels, into that of the announced ones.
//!
//! Adding the same labels to all series keeps their order but where the labels of one are the beginning of another's: the added label
//! then stands against the other's next one. Such series lie next to each other in the index, so that holding back a series and those
//! that begin with its labels is enough. Where announcing replaces or takes off labels of the series themselves, nothing is known of the
//! order, and all are held back until the end (without their chunks).

use tsdb::index_header::IndexHeader;

use super::entries::{Announced, Entry};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The orders are the same.
    Plain,
    /// They differ within runs of a common beginning.
    Runs,
    /// They may differ anyhow.
    All,
}

/// Takes entries in the order of the index, gives them in that of the announced labels.
#[derive(Debug)]
pub(super) struct Order {
    mode: Mode,
    ready: Vec<Entry>,
    /// Held back: a run, or all.
    held: Vec<Entry>,
    /// Own labels of the first of the run.
    head: Vec<(u32, u32)>,
}

impl Order {
    pub(super) fn new(header: &IndexHeader, announced: &Announced) -> Self {
        let mode = if announced.is_plain() {
            Mode::Plain
        } else if header.label_names().iter().any(|name| announced.touches(name)) {
            Mode::All
        } else {
            Mode::Runs
        };
        Order { mode, ready: Vec::new(), held: Vec::new(), head: Vec::new() }
    }

    /// Takes the next entry of the index, whose own labels have these symbols.
    pub(super) fn push(&mut self, entry: Entry, symbols: &[(u32, u32)]) {
        match self.mode {
            Mode::Plain => self.ready.push(entry),
            Mode::All => self.held.push(entry),
            Mode::Runs => {
                if !self.held.is_empty() && !symbols.starts_with(&self.head) {
                    self.release();
                }
                if self.held.is_empty() {
                    self.head.clear();
                    self.head.extend_from_slice(symbols);
                }
                self.held.push(entry);
            }
        }
    }

    fn release(&mut self) {
        if self.held.len() > 1 {
            self.held.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        self.ready.append(&mut self.held);
    }

    /// The entries whose turn it is for sure.
    pub(super) fn take_ready(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.ready)
    }

    /// All entries that are left.
    pub(super) fn finish(mut self) -> Vec<Entry> {
        self.release();
        self.ready
    }
}

#[cfg(test)]
mod tests {
    use super::super::entries::Planned;
    use super::*;
    use model::labels::Labels;
    use proptest::prelude::*;

    proptest! {
        /// Whatever label is added to all, runs of common beginnings are all that has to be sorted.
        #[test]
        fn runs_are_enough_when_labels_are_added(
            series in prop::collection::btree_set(prop::collection::btree_map("[a-g]", "[x-z]", 0..5), 0..40),
            added in prop::collection::btree_map("[A-Gb-h]{2}", "v", 1..3),
        ) {
            let external = Labels::from_pairs(&added);
            let mut own: Vec<Labels> = series.iter().map(Labels::from_pairs).collect();
            own.sort();
            let number = |text: &str| text.bytes().fold(0u32, |all, byte| all * 256 + u32::from(byte));
            let mut order = Order { mode: Mode::Runs, ready: Vec::new(), held: Vec::new(), head: Vec::new() };
            let mut out = Vec::new();
            for labels in &own {
                let symbols: Vec<_> =
                    labels.iter().map(|(name, value)| (number(name), number(value))).collect();
                let entry = Entry { labels: labels.extended(&external), symbols: 0..0, chunks: Planned::default() };
                order.push(entry, &symbols);
                out.append(&mut order.take_ready());
            }
            out.extend(order.finish());
            prop_assert_eq!(out.len(), own.len());
            prop_assert!(out.is_sorted_by(|a, b| a.labels < b.labels));
        }
    }
}
