//! The work on blocks as `tsdb` does it.

use std::path::{Path, PathBuf};

use ::tsdb::Error as TsdbError;
use ::tsdb::downsample::{DownsampleOptions, downsample_block};
use ::tsdb::merge::{MergeInput, MergeMode, MergeOptions, merge_blocks};
use ::tsdb::meta::{BlockDesc, BlockMeta};
use ::tsdb::write::Durability;
use ulid::Ulid;

use super::health::{check, count};
use super::{BlockWork, Counts, Health, Merge};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Works on blocks with `tsdb`.
#[derive(Clone, Copy, Debug)]
pub struct TsdbWork {
    /// Threads that a merge or a downsampling uses, 1 or more.
    pub threads: usize,
}

/// Data at fault are critical; anything else (a full disk) may be better the next time.
fn failed(what: &str, error: TsdbError) -> Error {
    match error.is_corrupt() {
        true => Error::Critical(format!("{what}: {error}")),
        false => Error::Retry { what: what.to_owned(), why: error.to_string() },
    }
}

/// A step of the work said to stop.
pub(super) fn stopped() -> TsdbError {
    TsdbError::io("", std::io::Error::from(std::io::ErrorKind::Interrupted))
}

/// What a failure was, given that the work may have been told to stop.
fn outcome<T>(done: std::result::Result<T, TsdbError>, what: &str, progress: &Progress) -> Result<T> {
    match done {
        Ok(value) => Ok(value),
        Err(_) if progress.is_cancelled() => Err(Error::Cancelled),
        Err(error) => Err(failed(what, error)),
    }
}

impl BlockWork for TsdbWork {
    fn check(&self, dir: &Path, meta: &BlockMeta, progress: &Progress) -> Result<Health> {
        let what = format!("check index of block {}", meta.ulid);
        let done = check(dir, meta, progress);
        match done {
            Ok(Ok(health)) => Ok(health),
            Ok(Err(critical)) => Err(Error::Critical(format!("block {}: {critical}", meta.ulid))),
            Err(error) => outcome(Err(error), &what, progress),
        }
    }

    fn count(&self, dir: &Path, meta: &BlockMeta, progress: &Progress) -> Result<Counts> {
        outcome(count(dir, meta, progress), &format!("count samples of block {}", meta.ulid), progress)
    }

    fn merge(
        &self,
        inputs: &[PathBuf],
        parent: &Path,
        merge: Merge,
        progress: &Progress,
    ) -> Result<Option<BlockMeta>> {
        match self.merge_into(inputs, parent, merge, progress) {
            Err(error) if is_too_large(&error) => Err(index_too_large(inputs, &error)),
            done => outcome(done, "merge blocks", progress),
        }
    }

    fn downsample(
        &self,
        input: &Path,
        parent: &Path,
        to_ms: i64,
        progress: &Progress,
    ) -> Result<Option<BlockMeta>> {
        let what = format!("downsample {}", input.display());
        outcome(self.downsample_into(input, parent, to_ms, progress), &what, progress)
    }
}

impl TsdbWork {
    fn merge_into(
        &self,
        inputs: &[PathBuf],
        parent: &Path,
        merge: Merge,
        progress: &Progress,
    ) -> std::result::Result<Option<BlockMeta>, TsdbError> {
        let metas = inputs.iter().map(BlockMeta::read_dir).collect::<std::result::Result<Vec<_>, _>>()?;
        let opened = inputs.iter().map(MergeInput::open).collect::<std::result::Result<Vec<_>, _>>()?;
        // Series of several inputs may be the same, so that the work ends before the total, never after.
        progress.set_total(metas.iter().map(|m| m.stats.num_series).sum());
        let (mint, maxt) = (
            metas.iter().map(|m| m.min_time).min().unwrap_or(0),
            metas.iter().map(|m| m.max_time).max().unwrap_or(0),
        );
        let mode = match merge {
            Merge::Chain => MergeMode::Compact,
            Merge::Penalty => MergeMode::Penalty,
        };
        let mut options = MergeOptions::new(mode, mint, maxt);
        options.threads = self.threads;
        // The files are synced while the index is checked, before the upload.
        options.durability = Durability::Begun;
        let mut meta = BlockMeta::new(Ulid::generate(), mint, maxt);
        let dir = new_block(parent, meta.ulid)?;
        let merged = merge_blocks(&opened, &dir, &options, &mut |done| step(progress, done))?;
        if merged.stats.num_samples == 0 {
            std::fs::remove_dir_all(&dir).map_err(|e| TsdbError::io(&dir, e))?;
            return Ok(None);
        }
        meta.stats = merged.stats;
        meta.compaction.level = metas.iter().map(|m| m.compaction.level).max().unwrap_or(0) + 1;
        let mut sources: Vec<Ulid> =
            metas.iter().flat_map(|m| m.compaction.sources.iter().copied()).collect();
        sources.sort_unstable();
        sources.dedup();
        meta.compaction.sources = sources;
        meta.compaction.parents = metas
            .iter()
            .map(|m| BlockDesc { ulid: m.ulid, min_time: m.min_time, max_time: m.max_time })
            .collect();
        meta.write_scratch_dir(&dir)?;
        Ok(Some(meta))
    }
}

impl TsdbWork {
    fn downsample_into(
        &self,
        input: &Path,
        parent: &Path,
        to_ms: i64,
        progress: &Progress,
    ) -> std::result::Result<Option<BlockMeta>, TsdbError> {
        let source = BlockMeta::read_dir(input)?;
        progress.set_total(source.stats.num_series);
        let opened = MergeInput::open(input)?;
        let mut options = DownsampleOptions::new(source.thanos.downsample.resolution, to_ms);
        options.threads = self.threads;
        options.durability = Durability::Begun;
        let id = Ulid::generate();
        let dir = new_block(parent, id)?;
        let made = downsample_block(&opened, &dir, &options, &mut |done| step(progress, done))?;
        if made.stats.num_samples == 0 {
            std::fs::remove_dir_all(&dir).map_err(|e| TsdbError::io(&dir, e))?;
            return Ok(None);
        }
        let mut meta = BlockMeta { ulid: id, ..source };
        // As in Thanos, only these are counted anew; the kinds of samples are those of the source.
        meta.stats.num_samples = made.stats.num_samples;
        meta.stats.num_series = made.stats.num_series;
        meta.stats.num_chunks = made.stats.num_chunks;
        meta.stats.num_tombstones = 0;
        meta.write_scratch_dir(&dir)?;
        Ok(Some(meta))
    }
}

/// The directory of a new block.
fn new_block(parent: &Path, id: Ulid) -> std::result::Result<PathBuf, TsdbError> {
    let dir = parent.join(id.to_string());
    std::fs::create_dir_all(&dir).map_err(|e| TsdbError::io(&dir, e))?;
    Ok(dir)
}

/// Notes the progress; an error when the work shall stop.
fn step(progress: &Progress, done: u64) -> std::result::Result<(), TsdbError> {
    progress.set_done(done);
    if progress.is_cancelled() { Err(stopped()) } else { Ok(()) }
}

/// A file of the result would be longer than its format allows. The system says nearly the same of a file over its own limit, but with a number.
fn is_too_large(error: &TsdbError) -> bool {
    match error {
        TsdbError::Io { source, .. } => {
            source.kind() == std::io::ErrorKind::FileTooLarge && source.raw_os_error().is_none()
        }
        TsdbError::In { source, .. } => is_too_large(source),
        _ => false,
    }
}

fn index_too_large(inputs: &[PathBuf], error: &TsdbError) -> Error {
    let sizes = inputs.iter().filter_map(|dir| {
        let size = std::fs::metadata(dir.join(::tsdb::index::FILE_NAME)).ok()?.len();
        Some((size, dir.file_name()?.to_str()?.parse::<Ulid>().ok()?))
    });
    match sizes.max() {
        Some((_, largest)) => Error::IndexTooLarge { largest, why: format!("merge blocks: {error}") },
        None => Error::Critical(format!("merge blocks: {error}")),
    }
}
