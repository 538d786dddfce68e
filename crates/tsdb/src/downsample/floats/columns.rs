//! Columns that keep what was in their memory.

/// Times (ms) and values of float samples. The memory is that of the longest series so far and is cleared for none: what is decoded
/// into it lies behind the end until it is taken in.
#[derive(Debug, Default)]
pub(in crate::downsample) struct FloatColumns {
    timestamps: Vec<i64>,
    values: Vec<f64>,
    len: usize,
}

impl FloatColumns {
    /// Begins anew.
    pub(in crate::downsample) fn clear(&mut self) {
        self.len = 0;
    }

    pub(in crate::downsample) fn len(&self) -> usize {
        self.len
    }

    pub(in crate::downsample) fn timestamps(&self) -> &[i64] {
        &self.timestamps[..self.len]
    }

    pub(in crate::downsample) fn values(&self) -> &[f64] {
        &self.values[..self.len]
    }

    /// Room for `n` samples behind the end, with whatever is in it.
    pub(super) fn room(&mut self, n: usize) -> (&mut [i64], &mut [f64]) {
        let end = self.len + n;
        if self.timestamps.len() < end {
            self.timestamps.resize(end, 0);
            self.values.resize(end, 0.0);
        }
        (&mut self.timestamps[self.len..end], &mut self.values[self.len..end])
    }

    /// Takes the first `n` samples of the room in.
    pub(super) fn advance(&mut self, n: usize) {
        self.len += n;
        debug_assert!(self.len <= self.timestamps.len());
    }

    /// Appends a sample.
    pub(super) fn push(&mut self, t: i64, v: f64) {
        let (ts, vs) = self.room(1);
        (ts[0], vs[0]) = (t, v);
        self.len += 1;
    }
}
