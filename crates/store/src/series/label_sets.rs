//! Announced label sets out of the symbols of series entries.
//!
//! Neighbours in the index mostly have the same names, so that what stands where is found out once for a run of them; and symbols
//! repeat, while looking one up walks over its neighbours in the file.

use model::labels::{Labels, LabelsWriter};
use tsdb::index_header::IndexHeader;

use super::entries::Announced;

/// Bytes of the texts of known symbols at which all are forgotten.
const MAX_TEXTS: usize = 256 << 10;

/// Symbols that were looked up last, each in the one place it may have; with texts of their own, so that they serve all batches of a block.
#[derive(Debug)]
pub(crate) struct KnownSymbols {
    slots: Vec<Option<Known>>,
    texts: String,
}

/// A symbol and where its text is.
#[derive(Debug, Clone, Copy)]
struct Known {
    symbol: u32,
    from: u32,
    len: u32,
}

impl KnownSymbols {
    /// For about `series` series.
    pub(crate) fn new(series: usize) -> Self {
        let slots = series.saturating_mul(8).next_power_of_two().clamp(64, 4096);
        KnownSymbols { slots: vec![None; slots], texts: String::new() }
    }

    fn get<'t, E>(&mut self, symbol: u32, lookup: impl FnOnce(u32) -> Result<&'t str, E>) -> Result<&str, E> {
        let at = symbol as usize % self.slots.len();
        let known = match self.slots[at] {
            Some(known) if known.symbol == symbol => known,
            _ => {
                let text = lookup(symbol)?;
                if self.texts.len() + text.len() > MAX_TEXTS {
                    self.slots.fill(None);
                    self.texts.clear();
                }
                let known = Known { symbol, from: self.texts.len() as u32, len: text.len() as u32 };
                self.texts.push_str(text);
                *self.slots[at].insert(known)
            }
        };
        Ok(&self.texts[known.from as usize..][..known.len as usize])
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
    header: &'a IndexHeader,
    announced: &'a Announced,
    symbols: &'a mut KnownSymbols,
    /// Symbols of the names for which `parts` are; `None` at first.
    names: Option<Vec<u32>>,
    parts: Vec<Part<'a>>,
    writer: LabelsWriter,
}

impl<'a> LabelSets<'a> {
    pub(super) fn new(
        header: &'a IndexHeader,
        announced: &'a Announced,
        symbols: &'a mut KnownSymbols,
    ) -> Self {
        let (names, parts, writer) = (None, Vec::new(), LabelsWriter::new());
        LabelSets { header, announced, symbols, names, parts, writer }
    }

    /// The announced labels of a series with these own ones, names and values by symbol.
    pub(super) fn labels(&mut self, own: &[(u32, u32)]) -> Result<Labels, Broken> {
        let names = own.iter().map(|(name, _)| *name);
        if self.names.as_ref().is_none_or(|known| !names.clone().eq(known.iter().copied())) {
            let texts: Result<Vec<&'a str>, _> =
                names.clone().map(|name| self.header.lookup_symbol(name)).collect();
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
                    let lookup = |symbol| self.header.lookup_symbol(symbol);
                    let value = self.symbols.get(own[at].1, lookup).map_err(Broken::Symbol)?;
                    self.writer.push(name, value);
                }
                Part::External(name, value) => self.writer.push(name, value),
            }
        }
        Ok(self.writer.labels())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_those_of_the_header_whatever_was_known_before() {
        let texts: Vec<String> = (0..200u32).map(|i| format!("{i}-").repeat(1000)).collect();
        let mut known = KnownSymbols::new(1);
        let mut lookups = 0;
        // Each twice, in an order in which places are taken by turns; all of them are more than is kept.
        for symbol in (0..200).chain((0..200).rev()).flat_map(|symbol| [symbol, symbol]) {
            let mut lookup = |symbol: u32| {
                lookups += 1;
                Ok::<_, ()>(texts[symbol as usize].as_str())
            };
            assert_eq!(known.get(symbol, &mut lookup), Ok(texts[symbol as usize].as_str()));
        }
        assert!(lookups < 400, "{lookups}");
        assert!(known.texts.len() <= MAX_TEXTS);
        assert_eq!(known.get(1000, |_| Err("broken")), Err("broken"));
        let long = "x".repeat(2 * MAX_TEXTS);
        assert_eq!(known.get(1000, |_| Ok::<_, ()>(long.as_str())), Ok(long.as_str()));
    }
}
