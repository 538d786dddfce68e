//! The hints of the gateway's requests and answers.

use model::matcher::Matcher;
use prost_types::Any;
use proto::hintspb;
use storeapi::Error;
use storeapi::hints::{pack, unpack};
use ulid::Ulid;

fn matchers(wire: &[proto::thanos::LabelMatcher]) -> Result<Vec<Matcher>, Error> {
    proto::matchers_from_proto(wire)
        .map_err(|error| Error::invalid_argument(format!("translate request hints labels matchers: {error}")))
}

/// Block matchers of a Series request, and whether it wants statistics.
pub(super) fn of_series(hints: Option<&Any>) -> Result<(Vec<Matcher>, bool), Error> {
    let Some(any) = hints else { return Ok((Vec::new(), false)) };
    let hints: hintspb::SeriesRequestHints = unpack(any, "hintspb.SeriesRequestHints", "series")?;
    Ok((matchers(&hints.block_matchers)?, hints.enable_query_stats))
}

/// Block matchers of a LabelNames request.
pub(super) fn of_label_names(hints: Option<&Any>) -> Result<Vec<Matcher>, Error> {
    let Some(any) = hints else { return Ok(Vec::new()) };
    let hints: hintspb::LabelNamesRequestHints =
        unpack(any, "hintspb.LabelNamesRequestHints", "label names")?;
    matchers(&hints.block_matchers)
}

/// Block matchers of a LabelValues request.
pub(super) fn of_label_values(hints: Option<&Any>) -> Result<Vec<Matcher>, Error> {
    let Some(any) = hints else { return Ok(Vec::new()) };
    let hints: hintspb::LabelValuesRequestHints =
        unpack(any, "hintspb.LabelValuesRequestHints", "label values")?;
    matchers(&hints.block_matchers)
}

fn blocks(ids: &[Ulid]) -> Vec<hintspb::Block> {
    ids.iter().map(|id| hintspb::Block { id: id.to_string() }).collect()
}

/// Hints of a Series answer.
pub(super) fn series_answer(queried: &[Ulid], stats: Option<hintspb::QueryStats>) -> Any {
    let hints = hintspb::SeriesResponseHints { queried_blocks: blocks(queried), query_stats: stats };
    pack("hintspb.SeriesResponseHints", &hints)
}

/// Hints of a LabelNames answer.
pub(super) fn label_names_answer(queried: &[Ulid]) -> Any {
    pack(
        "hintspb.LabelNamesResponseHints",
        &hintspb::LabelNamesResponseHints { queried_blocks: blocks(queried) },
    )
}

/// Hints of a LabelValues answer.
pub(super) fn label_values_answer(queried: &[Ulid]) -> Any {
    pack(
        "hintspb.LabelValuesResponseHints",
        &hintspb::LabelValuesResponseHints { queried_blocks: blocks(queried) },
    )
}
