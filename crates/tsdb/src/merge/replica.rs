//! The samples of a chunk, decoded as far as they are asked for.

use super::chunks::OutChunk;
use crate::chunk::{ChunkError, XorCursor};
use crate::error::Error;

/// The samples of a chunk, front to back.
pub(super) trait Replica<V> {
    /// Samples that are still to come.
    fn left(&self) -> usize;

    /// Time of the last one in ms.
    fn maxt(&self) -> i64;

    /// Appends the next samples, `most` at most.
    fn read(&mut self, most: usize, ts: &mut Vec<i64>, vs: &mut Vec<V>) -> Result<(), Error>;
}

/// Samples that are decoded already.
pub(super) struct Decoded<V> {
    timestamps: Vec<i64>,
    values: Vec<V>,
}

impl<V> From<Vec<(i64, V)>> for Decoded<V> {
    fn from(samples: Vec<(i64, V)>) -> Self {
        let (timestamps, values) = samples.into_iter().unzip();
        Self { timestamps, values }
    }
}

impl<V> Replica<V> for Decoded<V> {
    fn left(&self) -> usize {
        self.timestamps.len()
    }

    fn maxt(&self) -> i64 {
        self.timestamps.last().copied().unwrap_or(i64::MIN)
    }

    fn read(&mut self, most: usize, ts: &mut Vec<i64>, vs: &mut Vec<V>) -> Result<(), Error> {
        let n = most.min(self.timestamps.len());
        ts.extend(self.timestamps.drain(..n));
        vs.extend(self.values.drain(..n));
        Ok(())
    }
}

/// An XOR chunk.
pub(super) struct Floats<'c, 'a> {
    chunk: &'c OutChunk<'a>,
    cursor: XorCursor<'c>,
}

impl<'c, 'a> Floats<'c, 'a> {
    pub(super) fn new(chunk: &'c OutChunk<'a>) -> Result<Self, Error> {
        let data = chunk.data();
        let cursor = XorCursor::new(data).map_err(|e| chunk.error(e))?;
        // A sample takes a bit or more; so no more memory is taken than a small multiple of the data.
        if cursor.left() > data.len() * 8 {
            return Err(chunk.error(ChunkError::UnexpectedEnd));
        }
        Ok(Self { chunk, cursor })
    }
}

impl Replica<f64> for Floats<'_, '_> {
    fn left(&self) -> usize {
        self.cursor.left()
    }

    fn maxt(&self) -> i64 {
        self.chunk.maxt
    }

    fn read(&mut self, most: usize, ts: &mut Vec<i64>, vs: &mut Vec<f64>) -> Result<(), Error> {
        let (before, n) = (ts.len(), most.min(self.cursor.left()));
        ts.resize(before + n, 0);
        vs.resize(before + n, 0.0);
        self.cursor.fill(&mut ts[before..], &mut vs[before..]).map_err(|e| self.chunk.error(e))
    }
}
