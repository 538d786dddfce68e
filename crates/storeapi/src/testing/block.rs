//! Writing a block of a few float series, for tests of stores over blocks.

use std::collections::BTreeMap;
use std::path::Path;

use model::labels::Labels;
use tsdb::chunk::{Encoding, XorAppender};
use tsdb::index::ChunkMeta;
use tsdb::write::{IndexWriter, SegmentWriter};

/// Name of the block that [`write_block`] writes.
pub const BLOCK: &str = "01JZ0000000000000000000000";

/// Writes a block of sorted series with ascending samples into `dir`, which is created.
///
/// # Panics
/// When it cannot be written.
pub fn write_block(dir: &Path, series: &[(Labels, Vec<(i64, f64)>)]) {
    std::fs::create_dir_all(dir).expect("create the block's folder");
    let mut chunks = SegmentWriter::create(dir.join("chunks"), 1 << 20).expect("create chunks");
    let mut index = IndexWriter::create(dir.join("index")).expect("create the index");
    let mut symbols: BTreeMap<&str, u32> = BTreeMap::from([("", 0)]);
    for (name, value) in series.iter().flat_map(|(labels, _)| labels.iter()) {
        symbols.insert(name, 0);
        symbols.insert(value, 0);
    }
    for (symbol, reference) in &mut symbols {
        *reference = index.add_symbol(symbol).expect("add a symbol");
    }
    let (mut mint, mut maxt) = (i64::MAX, i64::MIN);
    for (labels, samples) in series {
        chunks.begin_series();
        let mut metas = Vec::new();
        for part in samples.chunks(120) {
            let mut appender = XorAppender::new();
            for (t, value) in part {
                appender.append(*t, *value).expect("room for 120 samples");
            }
            let reference = chunks.write(Encoding::Xor, appender.bytes()).expect("write a chunk");
            let (first, last) = (part[0].0, part[part.len() - 1].0);
            metas.push(ChunkMeta { mint: first, maxt: last, reference });
            mint = mint.min(first);
            maxt = maxt.max(last);
        }
        let labels: Vec<(u32, u32)> =
            labels.iter().map(|(name, value)| (symbols[name], symbols[value])).collect();
        index.add_series(&labels, &metas).expect("add a series");
    }
    chunks.finish().expect("finish chunks");
    index.finish().expect("finish the index");
    let meta = format!(
        r#"{{"ulid":"{BLOCK}","minTime":{mint},"maxTime":{},"stats":{{}},"compaction":{{"level":1,"sources":["{BLOCK}"]}},"version":1}}"#,
        maxt + 1
    );
    std::fs::write(dir.join("meta.json"), meta).expect("write meta.json");
}
