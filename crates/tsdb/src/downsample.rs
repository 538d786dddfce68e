//! Downsampling blocks: raw samples to 5 minutes, and those to an hour.
//!
//! Every series becomes aggregate chunks with count, sum, least, greatest value and counter of each window; histograms
//! have count, sum and counter. Samples and chunks are those that Thanos makes (`pkg/compact/downsample`), bit for bit.
//!
//! Differs from Thanos: where histograms change so that a chunk cannot take the next one (another zero threshold, say),
//! Thanos keeps only the last part of sum and counter; here the chunk ends there and another one begins. Samples before
//! 1970 are not dropped.

mod floats;
mod histograms;
mod windows;

use std::path::Path;

use crate::chunk::{AggregateChunk, AggregateKind, Encoding};
use crate::error::{Error, Problem};
use crate::merge::{self, MergeInput, MergeOptions, Merged, OutChunk, Part, Process};
use crate::write::Durability;

use floats::Scratch;

/// Resolution of the first step in ms.
pub const FIVE_MINUTES: i64 = 5 * 60 * 1000;
/// Resolution of the second step in ms.
pub const ONE_HOUR: i64 = 60 * 60 * 1000;

/// How to downsample.
#[derive(Debug, Clone)]
pub struct DownsampleOptions {
    /// Resolution of the block in ms; 0 for raw samples.
    pub from: i64,
    /// Resolution of the result in ms.
    pub to: i64,
    /// Size at which a chunk segment is full, in bytes.
    pub segment_size: u64,
    /// Threads that work on series, 1 or more.
    pub threads: usize,
    /// Whether the result waits for the disk.
    pub durability: Durability,
}

impl DownsampleOptions {
    /// Defaults for a step.
    pub fn new(from: i64, to: i64) -> Self {
        Self {
            from,
            to,
            segment_size: crate::write::DEFAULT_SEGMENT_SIZE,
            threads: 1,
            durability: Durability::Synced,
        }
    }
}

/// Downsamples a block into `index` and `chunks/` of the directory `out`, which the caller made and removes after an
/// error. `progress` is called now and then with the number of series written; it stops the work with an error.
///
/// Series without a sample that counts (all stale, say) are left out. A chunk is held in memory at a time, and the
/// samples of one series for each thread.
pub fn downsample_block(
    input: &MergeInput,
    out: &Path,
    options: &DownsampleOptions,
    progress: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Merged, Error> {
    if options.from >= options.to {
        let problem = Problem::Other("target resolution not lower than existing one".to_owned());
        return Err(Error::Corrupt { section: "downsampling", offset: 0, problem });
    }
    let mut merge_options = MergeOptions::new(merge::MergeMode::Compact, i64::MIN, i64::MAX);
    merge_options.segment_size = options.segment_size;
    merge_options.threads = options.threads;
    merge_options.durability = options.durability;
    let process = Downsample { from: options.from, to: options.to };
    merge::process_blocks(std::slice::from_ref(input), out, &merge_options, &process, progress)
}

struct Downsample {
    from: i64,
    to: i64,
}

/// What chunks hold; they are downsampled apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float,
    Histogram,
}

impl Process for Downsample {
    type Scratch = Scratch;

    fn series<'a>(
        &self,
        inputs: &'a [MergeInput],
        parts: &[Part],
        scratch: &mut Scratch,
        out: &mut Vec<OutChunk<'a>>,
    ) -> Result<(), Error> {
        let mut chunks = Vec::new();
        for part in parts {
            merge::load_part(inputs, part, &mut chunks)?;
        }
        if let Some(pair) = chunks.windows(2).find(|pair| pair[0].maxt >= pair[1].mint) {
            let problem = format!(
                "found overlapping chunks within series: one ends at {}, the next begins at {}",
                pair[0].maxt, pair[1].mint
            );
            return Err(Error::Corrupt { section: "series", offset: 0, problem: Problem::Other(problem) });
        }
        if self.from == 0 {
            raw(&chunks, self.to, scratch, out)
        } else {
            let sound = aggregated(chunks, scratch)?;
            self.again(&sound, scratch, out)
        }
    }
}

fn kind(encoding: Encoding) -> Kind {
    if encoding.is_histogram() { Kind::Histogram } else { Kind::Float }
}

/// Downsamples raw chunks; where the kind changes another run begins.
fn raw<'a>(
    chunks: &[OutChunk<'_>],
    to: i64,
    scratch: &mut Scratch,
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    for run in chunks.chunk_by(|a, b| kind(a.encoding) == kind(b.encoding)) {
        let Some(first) = run.first() else { continue };
        match kind(first.encoding) {
            Kind::Float => {
                scratch.read.clear();
                let data: Vec<_> = run.iter().map(|chunk| (chunk.encoding, chunk.data())).collect();
                let sound = floats::append_sound(&data, &mut scratch.read)
                    .map_err(|(at, error)| run[at].error(error))?;
                floats::raw(scratch, sound.nans, to, out)?;
            }
            Kind::Histogram => {
                let mut samples = Vec::new();
                for chunk in run {
                    histograms::append_sound(chunk.encoding, chunk.data(), &mut samples)
                        .map_err(|e| chunk.error(e))?;
                }
                for stretch in samples.chunk_by(|a, b| a.1.uses_custom_buckets() == b.1.uses_custom_buckets())
                {
                    histograms::raw(stretch, to, out)?;
                }
            }
        }
    }
    Ok(())
}

/// The aggregate chunks of a downsampled series. Raw chunks among them, which old bugs left there, are made into such;
/// empty ones are left out.
fn aggregated<'a>(chunks: Vec<OutChunk<'a>>, scratch: &mut Scratch) -> Result<Vec<OutChunk<'a>>, Error> {
    let mut sound = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        if chunk.encoding == Encoding::Aggregate {
            sound.push(chunk);
        } else if chunk.samples > 0 {
            raw(std::slice::from_ref(&chunk), FIVE_MINUTES, scratch, &mut sound)?;
        }
    }
    Ok(sound)
}

impl Downsample {
    /// Downsamples aggregate chunks. Only whole ones are put together: their first and last counter values are those of
    /// the raw series, by which resets between them are seen.
    fn again<'a>(
        &self,
        chunks: &[OutChunk<'_>],
        scratch: &mut Scratch,
        out: &mut Vec<OutChunk<'a>>,
    ) -> Result<(), Error> {
        let parsed: Vec<(Kind, AggregateChunk<'_>)> = chunks
            .iter()
            .map(|chunk| {
                let parsed = AggregateChunk::parse(chunk.data()).map_err(|e| chunk.error(e))?;
                // Histograms have a counter of their kind.
                let kind =
                    parsed.get(AggregateKind::Counter).map_or(Kind::Float, |(encoding, _)| kind(encoding));
                Ok((kind, parsed))
            })
            .collect::<Result<_, Error>>()?;
        let mut from = 0;
        for run in parsed.chunk_by(|a, b| a.0 == b.0) {
            let here = &chunks[from..from + run.len()];
            from += run.len();
            let (Some(first), Some(last)) = (here.first(), here.last()) else { continue };
            let samples = here.iter().map(|c| c.samples).sum();
            let count = windows::chunk_count(first.mint, last.maxt, self.from, self.to, samples);
            let size = (run.len() / count).max(1);
            for (group, here) in run.chunks(size).zip(here.chunks(size)) {
                let parts: Vec<&AggregateChunk<'_>> = group.iter().map(|(_, parsed)| parsed).collect();
                let done = match first_kind(group) {
                    Kind::Float => floats::again(&parts, self.to, scratch, out),
                    Kind::Histogram => histograms::again(&parts, self.to, &mut scratch.read, out),
                };
                done.map_err(|e| e.within(format!("chunks from {}", here[0].mint)))?;
            }
        }
        Ok(())
    }
}

fn first_kind(group: &[(Kind, AggregateChunk<'_>)]) -> Kind {
    group.first().map_or(Kind::Float, |(kind, _)| *kind)
}
