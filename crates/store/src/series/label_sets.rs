//! Announced label sets out of the symbols of series entries.
//!
//! Neighbours in the index mostly have the same names, so that what stands where is found out once for a run of them; and symbols
//! repeat, while looking one up walks over its neighbours in the file.

use model::labels::{Labels, LabelsWriter};
use tsdb::index_header::IndexHeader;

use super::entries::Announced;

/// Symbols that were looked up last, each in the one place it may have.
struct Symbols<'a> {
    header: &'a IndexHeader,
    slots: Vec<(u32, Option<&'a str>)>,
}

impl<'a> Symbols<'a> {
    fn get(&mut self, symbol: u32) -> Result<&'a str, tsdb::Error> {
        let at = symbol as usize % self.slots.len();
        match self.slots[at] {
            (known, Some(text)) if known == symbol => Ok(text),
            _ => {
                let text = self.header.lookup_symbol(symbol)?;
                self.slots[at] = (symbol, Some(text));
                Ok(text)
            }
        }
    }
}

/// Where an announced label comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A label of the series: the name, and which of them it is.
    Own(&'a str, usize),
    /// An external label.
    External(&'a str, &'a str),
}

/// Why there are no labels of a series.
pub(super) enum Broken {
    Symbol(tsdb::Error),
    Order,
}

/// Writes the labels of one series after the other.
pub(super) struct LabelSets<'a> {
    symbols: Symbols<'a>,
    announced: &'a Announced,
    /// Symbols of the names for which `parts` are; `None` at first.
    names: Option<Vec<u32>>,
    parts: Vec<Part<'a>>,
    writer: LabelsWriter,
}

impl<'a> LabelSets<'a> {
    /// For about `series` of them.
    pub(super) fn new(header: &'a IndexHeader, announced: &'a Announced, series: usize) -> Self {
        let slots = (series.saturating_mul(8)).next_power_of_two().clamp(64, 4096);
        LabelSets {
            symbols: Symbols { header, slots: vec![(0, None); slots] },
            announced,
            names: None,
            parts: Vec::new(),
            writer: LabelsWriter::new(),
        }
    }

    /// The announced labels of a series with these own ones, names and values by symbol.
    pub(super) fn labels(&mut self, own: &[(u32, u32)]) -> Result<Labels, Broken> {
        let names = own.iter().map(|(name, _)| *name);
        if self.names.as_ref().is_none_or(|known| !names.clone().eq(known.iter().copied())) {
            let texts: Result<Vec<&'a str>, _> = names.clone().map(|name| self.symbols.get(name)).collect();
            let texts = texts.map_err(Broken::Symbol)?;
            if !texts.is_sorted_by(|a, b| a < b) {
                return Err(Broken::Order);
            }
            self.parts = self.announced.parts(&texts);
            self.names = Some(names.collect());
        }
        self.writer.clear();
        for part in &self.parts {
            match *part {
                Part::Own(name, at) => {
                    let value = self.symbols.get(own[at].1).map_err(Broken::Symbol)?;
                    self.writer.push(name, value);
                }
                Part::External(name, value) => self.writer.push(name, value),
            }
        }
        Ok(self.writer.labels())
    }
}
