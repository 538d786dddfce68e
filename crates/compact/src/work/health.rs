//! Reading a block from end to end: what is odd about its index, and what is in it.

use std::path::Path;

use ::tsdb::Error as TsdbError;
use ::tsdb::chunk::sample_count;
use ::tsdb::chunkfile::ChunkRef;
use ::tsdb::error::Problem;
use ::tsdb::index::{IndexReader, SeriesEntry, Version};
use ::tsdb::merge::MergeInput;
use ::tsdb::meta::BlockMeta;
use ::tsdb::postings::PostingsSource;
use model::labels::{Labels, LabelsWriter};

use super::tsdb::stopped;
use super::{Counts, Health};
use crate::progress::Progress;

/// Cancellation is looked at every so many series.
const CHECK_EVERY: u64 = 1024;
/// Bytes of chunks whose memory is given back at once.
const RELEASE: u32 = 4 << 20;

/// Counts by the headers of the chunks.
pub(super) fn count(dir: &Path, meta: &BlockMeta, progress: &Progress) -> Result<Counts, TsdbError> {
    let input = MergeInput::open(dir)?;
    let mut counts = Counts { tombstones: !input.tombstones.is_empty(), ..Counts::default() };
    let mut entry = SeriesEntry::new();
    let mut released = ChunkRef(0);
    for reference in input.index.all_postings()? {
        input.index.series(reference, i64::MIN, meta.max_time - 1, &mut entry)?;
        for chunk in &entry.chunks {
            let (encoding, data) = input.chunks.chunk(chunk.reference)?;
            let samples = sample_count(encoding, &data)
                .map_err(|source| TsdbError::Chunk { reference: chunk.reference.0, source })?;
            counts.samples += samples as u64;
        }
        if let Some(last) = entry.chunks.last().map(|chunk| chunk.reference)
            && (last.segment() > released.segment()
                || last.segment() == released.segment()
                    && last.offset() - released.offset().min(last.offset()) >= RELEASE)
        {
            input.chunks.release(released, last);
            released = last;
        }
        counts.series += u64::from(!entry.chunks.is_empty());
        if counts.series.is_multiple_of(CHECK_EVERY) && progress.is_cancelled() {
            return Err(stopped());
        }
    }
    Ok(counts)
}

/// How many series have an oddity, and one of them.
#[derive(Default)]
struct Odd {
    count: u64,
    example: Option<Labels>,
}

impl Odd {
    fn note(
        &mut self,
        found: bool,
        labels: impl FnOnce() -> Result<Labels, TsdbError>,
    ) -> Result<(), TsdbError> {
        if found {
            self.count += 1;
            if self.example.is_none() {
                self.example = Some(labels()?);
            }
        }
        Ok(())
    }

    fn told(self, what: &str) -> Option<String> {
        let Self { count, example } = self;
        example.map(|series| format!("{count} series with {what}, for example {series}"))
    }
}

/// Walks over the index. The inner error is one of the data that no repair of ours helps.
///
/// Series are compared by the numbers of their symbols, which are in the order of the symbols; labels are only made for what is
/// said about a series.
pub(super) fn check(
    dir: &Path,
    meta: &BlockMeta,
    progress: &Progress,
) -> Result<Result<Health, String>, TsdbError> {
    let index = IndexReader::open(dir.join(::tsdb::index::FILE_NAME))?;
    // Only to see that nothing is missing there.
    let _chunks =
        ::tsdb::chunkfile::ChunkReader::open(dir.join("chunks")).map_err(|e| e.within(dir.display()))?;
    let symbols = index.symbols();
    if !symbols.iter().map(|(_, symbol)| symbol).is_sorted_by(|a, b| a < b) {
        return Ok(Err("symbols out of order".to_owned()));
    }
    let is_known = |symbol: u32| match index.version() {
        Version::V1 => symbols.lookup(symbol).is_ok(),
        Version::V2 => (symbol as usize) < symbols.len(),
    };
    let mut entry = SeriesEntry::new();
    let mut health = Health::default();
    let [mut out_of_order, mut outside, mut label_order, mut at_end] =
        [const { Odd { count: 0, example: None } }; 4];
    let mut previous: Vec<(u32, u32)> = Vec::new();
    let mut last_reference: Option<u32> = None;
    for reference in index.all_postings()? {
        index.series(reference, i64::MIN, i64::MAX, &mut entry)?;
        let labels = || index.labels(&entry, &mut LabelsWriter::new());
        if let Some(last) = last_reference.replace(reference) {
            let size =
                index.version().series_offset(reference).saturating_sub(index.version().series_offset(last));
            health.index_stats.series_max_size = health.index_stats.series_max_size.max(size as i64);
        }
        if entry.labels.is_empty() {
            return Ok(Err(format!("series {reference} has no labels")));
        }
        if let Some(unknown) =
            entry.labels.iter().flat_map(|(n, v)| [*n, *v]).find(|symbol| !is_known(*symbol))
        {
            let offset = index.version().series_offset(reference);
            return Err(TsdbError::Corrupt {
                section: "series",
                offset,
                problem: Problem::UnknownSymbol(unknown),
            });
        }
        if previous >= entry.labels {
            return Ok(Err(format!("series {} out of order", labels()?)));
        }
        label_order.note(entry.labels.windows(2).any(|pair| pair[0].0 > pair[1].0), labels)?;
        if entry.chunks.is_empty() {
            return Ok(Err(format!("series {} has no chunks", labels()?)));
        }
        let pairs = || entry.chunks.windows(2).map(|pair| (&pair[0], &pair[1]));
        out_of_order.note(pairs().any(|(a, b)| b.mint <= a.maxt), labels)?;
        for (a, b) in pairs() {
            let (a, b) = (a.reference, b.reference);
            if a.segment() == b.segment() {
                let size = i64::from(b.offset()) - i64::from(a.offset());
                health.index_stats.chunk_max_size = health.index_stats.chunk_max_size.max(size);
            }
        }
        outside
            .note(entry.chunks.iter().any(|c| c.mint > meta.max_time || c.maxt < meta.min_time), labels)?;
        at_end.note(entry.chunks.iter().any(|c| c.mint == meta.max_time), labels)?;
        health.series += 1;
        health.chunks += entry.chunks.len() as u64;
        std::mem::swap(&mut previous, &mut entry.labels);
        if health.series.is_multiple_of(CHECK_EVERY) && progress.is_cancelled() {
            return Err(stopped());
        }
    }
    health.out_of_order = out_of_order.told("chunks out of order");
    health.outside = outside.told("chunks outside of the block's time");
    health.issue_347 = at_end.told("chunks at the block's end");
    health.label_order = label_order.told("labels out of order");
    Ok(Ok(health))
}

#[cfg(test)]
mod tests {
    use ::tsdb::chunk::Encoding;
    use ::tsdb::index::ChunkMeta;
    use ::tsdb::write::{DEFAULT_SEGMENT_SIZE, IndexWriter, SegmentWriter};
    use ulid::Ulid;

    use super::*;

    #[test]
    fn labels_out_of_order_are_found_and_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut index = IndexWriter::create(dir.path().join("index")).expect("an index");
        let mut chunks =
            SegmentWriter::create(dir.path().join("chunks"), DEFAULT_SEGMENT_SIZE).expect("segments");
        let [a, b, x, y] = ["a", "b", "x", "y"].map(|symbol| index.add_symbol(symbol).expect("in order"));
        for labels in [[(a, x), (b, x)], [(b, x), (a, y)]] {
            chunks.begin_series();
            let reference = chunks.write(Encoding::Xor, &[0, 0]).expect("a chunk");
            index.add_series(&labels, &[ChunkMeta { mint: 5, maxt: 6, reference }]).expect("a series");
        }
        chunks.finish().expect("segments");
        index.finish().expect("an index");
        let meta = BlockMeta::new(Ulid(1), 0, 10);
        let health =
            check(dir.path(), &meta, &Progress::default()).expect("readable").expect("no other fault");
        assert_eq!((health.series, health.chunks), (2, 2));
        let why = health.label_order.expect("a finding");
        assert!(why.starts_with("1 series with labels out of order, for example {"), "{why}");
        assert_eq!((health.out_of_order, health.outside, health.issue_347), (None, None, None));
    }
}
