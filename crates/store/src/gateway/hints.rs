//! The hints of requests and answers: messages within `google.protobuf.Any`.

use model::matcher::Matcher;
use prost::Message;
use prost_types::Any;
use proto::hintspb;
use storeapi::Error;
use ulid::Ulid;

const PREFIX: &str = "type.googleapis.com/";

/// Reads the hints of a request. `doing` says whose they are.
fn unpack<M: Message + Default>(any: &Any, name: &str, doing: &str) -> Result<M, Error> {
    let found = any.type_url.rsplit('/').next().unwrap_or_default();
    if found != name {
        let why =
            format!("unmarshal {doing} request hints: mismatched message type: got {name:?} want {found:?}");
        return Err(Error::invalid_argument(why));
    }
    let unreadable = |error| Error::invalid_argument(format!("unmarshal {doing} request hints: {error}"));
    M::decode(any.value.as_slice()).map_err(unreadable)
}

fn pack(name: &str, message: &impl Message) -> Any {
    Any { type_url: format!("{PREFIX}{name}"), value: message.encode_to_vec() }
}

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
