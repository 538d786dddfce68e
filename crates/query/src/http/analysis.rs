//! What a query took: by operator, with what each store did for it, and the blocks that were read.

use std::time::Duration;

use model::duration::format_go;
use promql::stats::AnalysisNode;
use proto::hintspb::QueryStats;
use storeapi::CallFigures;

use super::json::{push_list, push_string};
use super::object::Object;
use crate::select::Fanouts;

fn go_duration(took: Duration) -> String {
    format_go(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX))
}

/// An operator with what it took, in Thanos's shape: what is zero or empty is left out.
pub(super) fn push_analysis(out: &mut String, node: &AnalysisNode, fanouts: &Fanouts) {
    let mut object = Object::new(out);
    object.some_text("name", &node.name);
    object.text("executionTime", &go_duration(node.execution_time));
    for (name, samples) in [("peakSamples", node.peak_samples), ("totalSamples", node.total_samples)] {
        object.some_number(name, samples);
    }
    let calls: Vec<CallFigures> = node.selects.iter().flat_map(|select| fanouts.of(select)).collect();
    if !calls.is_empty() {
        object.field("fanout", |out| push_list(out, &calls, push_call));
    }
    if !node.children.is_empty() {
        object.field("children", |out| {
            push_list(out, &node.children, |out, child| push_analysis(out, child, fanouts));
        });
    }
    object.end();
}

/// What one store did; `error` is ours.
fn push_call(out: &mut String, call: &CallFigures) {
    let mut object = Object::new(out);
    object.some_text("endpointAddr", &call.address);
    object.text("duration", &go_duration(call.took));
    object.some_number("bytesProcessed", call.bytes);
    object.some_number("numResponses", call.responses);
    object.some_number("series", call.series);
    object.some_number("chunks", call.chunks);
    object.some_number("samples", call.samples);
    object.some_text("error", call.error.as_deref().unwrap_or_default());
    object.end();
}

/// The blocks that each store has read, and what it says of its work. Stores without blocks tell of none.
pub(super) fn push_blocks(out: &mut String, stores: &[CallFigures]) {
    let told = stores.iter().filter(|store| !store.blocks.is_empty() || store.stats.is_some());
    push_list(out, told, |out, store| {
        let mut object = Object::new(out);
        object.text("endpointAddr", &store.address);
        object.field("blocks", |out| push_list(out, &store.blocks, |out, id| push_string(out, id, true)));
        object.some_number("moreBlocks", store.more_blocks);
        if let Some(stats) = &store.stats {
            object.field("stats", |out| push_stats(out, stats));
        }
        object.end();
    });
}

/// The statistics of a store gateway, by the names of their protobuf fields; bytes end in `SizeSum`.
fn push_stats(out: &mut String, stats: &QueryStats) {
    let counts = [
        ("blocksQueried", stats.blocks_queried),
        ("mergedSeriesCount", stats.merged_series_count),
        ("mergedChunksCount", stats.merged_chunks_count),
        ("postingsTouched", stats.postings_touched),
        ("postingsTouchedSizeSum", stats.postings_touched_size_sum),
        ("postingsToFetch", stats.postings_to_fetch),
        ("postingsFetched", stats.postings_fetched),
        ("postingsFetchedSizeSum", stats.postings_fetched_size_sum),
        ("postingsFetchCount", stats.postings_fetch_count),
        ("seriesTouched", stats.series_touched),
        ("seriesTouchedSizeSum", stats.series_touched_size_sum),
        ("seriesFetched", stats.series_fetched),
        ("seriesFetchedSizeSum", stats.series_fetched_size_sum),
        ("seriesFetchCount", stats.series_fetch_count),
        ("chunksTouched", stats.chunks_touched),
        ("chunksTouchedSizeSum", stats.chunks_touched_size_sum),
        ("chunksFetched", stats.chunks_fetched),
        ("chunksFetchedSizeSum", stats.chunks_fetched_size_sum),
        ("chunksFetchCount", stats.chunks_fetch_count),
        ("dataDownloadedSizeSum", stats.data_downloaded_size_sum),
    ];
    let mut object = Object::new(out);
    for (name, count) in counts {
        object.some_number(name, u64::try_from(count).unwrap_or(0));
    }
    for (name, took) in
        [("getAllDuration", &stats.get_all_duration), ("mergeDuration", &stats.merge_duration)]
    {
        if let Some(took) = took.as_ref().and_then(|took| Duration::try_from(*took).ok()) {
            object.text(name, &go_duration(took));
        }
    }
    object.end();
}
