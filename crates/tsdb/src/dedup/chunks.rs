//! Replicas as chunks, which are decoded when the merge comes to need their samples.
//!
//! Of a replica that is not followed a gap of the other one is all that is ever asked for, so that most of its chunks are never
//! decoded. That goes by the time ranges with which chunks are announced.

use std::iter::Peekable;

use model::series::SampleBuffer;

use super::penalty::{Replica, merge};
use crate::aggregation::{Aggregation, Reader, Wanted};
use crate::chunk::{ChunkError, TOGETHER};

/// A chunk of a series with the closed time range (ms) of its samples.
#[derive(Debug, Clone, Copy)]
pub struct TimedChunk<'a> {
    /// Time of the first sample, or earlier.
    pub min_time: i64,
    /// Time of the last sample, or later.
    pub max_time: i64,
    /// What is wanted of it.
    pub data: Wanted<'a>,
}

/// What is read of the chunks of replicas, and how.
#[derive(Debug, Clone, Copy)]
pub struct ReplicaRead {
    /// What is read of downsampled data.
    pub aggregation: Aggregation,
    /// Start of what is read, ms.
    pub mint: i64,
    /// End of what is read, ms, inclusive.
    pub maxt: i64,
    /// Whether values are of a counter: see [`is_counter_function`](super::is_counter_function).
    pub counter: bool,
}

struct Chunks<'s, I: Iterator> {
    chunks: Peekable<I>,
    reader: Reader,
    samples: &'s mut SampleBuffer,
    /// Nothing after it is wanted.
    maxt: i64,
    /// Whether chunks that follow will be asked for: those of the first replica, and of one from which samples were taken before.
    followed: bool,
}

impl<'a, I: Iterator<Item = Result<TimedChunk<'a>, ChunkError>> + Clone> Chunks<'_, I> {
    /// Reads a chunk together with those behind it, if there are enough that begin within what is wanted.
    fn read_ahead(&mut self, first: Wanted<'a>) -> bool {
        let mut group = [first; *TOGETHER.end()];
        let mut ahead = self.chunks.clone();
        // The chunks in the group, and what is left when it has as few as can be read together.
        let (mut len, mut behind_few) = (1, None);
        for place in &mut group[1..] {
            match ahead.next() {
                Some(Ok(chunk)) if chunk.min_time <= self.maxt => *place = chunk.data,
                _ => break,
            }
            len += 1;
            if len == *TOGETHER.start() {
                behind_few = Some(ahead.clone());
            }
        }
        if len == group.len() && self.reader.read_together(&group, self.samples) {
            self.chunks = ahead;
            return true;
        }
        let Some(behind_few) = behind_few else { return false };
        let read = self.reader.read_together(&group[..*TOGETHER.start()], self.samples);
        if read {
            self.chunks = behind_few;
        }
        read
    }
}

impl<'a, I: Iterator<Item = Result<TimedChunk<'a>, ChunkError>> + Clone> Replica for Chunks<'_, I> {
    type Error = ChunkError;

    fn samples(&self) -> &SampleBuffer {
        self.samples
    }

    fn load(&mut self, target: i64) -> Result<bool, ChunkError> {
        // What is asked for is not wanted. Of a replica that was not followed to the end this is mostly so, and nothing of it is read.
        if target > self.maxt {
            return Ok(false);
        }
        let before = self.samples.len();
        while !self.reader.is_at_end() {
            let Some(chunk) = self.chunks.next().transpose()? else { return Ok(false) };
            // The last chunk may be one of a head, which grows after its end was announced.
            let over = chunk.max_time < target && self.chunks.peek().is_some();
            if over && self.reader.may_skip() {
                continue;
            }
            if !(self.followed && self.read_ahead(chunk.data)) {
                self.reader.read(chunk.data, self.samples)?;
            }
            if self.samples.len() > before {
                self.followed = true;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn next_load(&mut self) -> i64 {
        if self.reader.is_at_end() {
            return i64::MAX;
        }
        match self.chunks.peek() {
            Some(Ok(chunk)) => chunk.min_time,
            Some(Err(_)) => i64::MIN,
            None => i64::MAX,
        }
    }
}

/// Appends the samples of two replicas, merged by penalty, to `out`. Chunks of each are sorted and do not overlap. Into `scratch` they are
/// decoded; what was in it is lost.
pub fn penalty_of_chunks<'a, I: Iterator<Item = Result<TimedChunk<'a>, ChunkError>> + Clone>(
    [a, b]: [I; 2],
    read: ReplicaRead,
    scratch: &mut [SampleBuffer; 2],
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    let replica = |chunks: I, samples, followed| {
        let reader = Reader::new(read.aggregation, read.mint, read.maxt);
        Chunks { chunks: chunks.peekable(), reader, samples, maxt: read.maxt, followed }
    };
    let [left, right] = scratch;
    left.clear();
    right.clear();
    merge(replica(a, left, true), replica(b, right, false), read.counter, out)
}
