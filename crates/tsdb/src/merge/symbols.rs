//! Merging the symbol tables of the inputs.

use rustc_hash::FxHashMap;

use super::MergeInput;
use crate::error::Error;
use crate::index::Version;
use crate::write::IndexWriter;

/// From the symbols of one input to the merged ones.
pub(super) enum SymbolTable {
    /// By number.
    Dense(Vec<u32>),
    /// By position, as version 1 refers to them.
    Sparse(FxHashMap<u32, u32>),
}

impl SymbolTable {
    #[inline]
    pub(super) fn get(&self, reference: u32) -> Option<u32> {
        match self {
            Self::Dense(table) => table.get(reference as usize).copied(),
            Self::Sparse(table) => table.get(&reference).copied(),
        }
    }
}

/// Writes the symbols of all inputs, sorted, each once.
pub(super) fn merge(inputs: &[MergeInput], index: &mut IndexWriter) -> Result<Vec<SymbolTable>, Error> {
    let mut tables: Vec<SymbolTable> = inputs
        .iter()
        .map(|input| match input.index.version() {
            Version::V1 => SymbolTable::Sparse(FxHashMap::default()),
            Version::V2 => SymbolTable::Dense(Vec::with_capacity(input.index.symbols().len())),
        })
        .collect();
    let mut heads: Vec<_> = inputs.iter().map(|input| input.index.symbols().iter().peekable()).collect();
    while let Some(least) = heads.iter_mut().filter_map(|head| head.peek().map(|(_, symbol)| *symbol)).min() {
        let number = index.add_symbol(least)?;
        for (head, table) in heads.iter_mut().zip(&mut tables) {
            if let Some((reference, _)) = head.next_if(|(_, symbol)| *symbol == least) {
                match table {
                    SymbolTable::Dense(table) => table.push(number),
                    SymbolTable::Sparse(table) => _ = table.insert(reference, number),
                }
            }
        }
    }
    Ok(tables)
}
