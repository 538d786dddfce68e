//! The hints of requests and answers: messages within `google.protobuf.Any` (`pkg/store/hintspb` of Thanos).

use prost::Message;
use prost_types::{Any, Duration};
use proto::hintspb::{QueryStats, SeriesRequestHints, SeriesResponseHints};

use crate::Error;

const PREFIX: &str = "type.googleapis.com/";

/// Reads the hints of a request, of the type `name`. `doing` says whose they are.
pub fn unpack<M: Message + Default>(any: &Any, name: &str, doing: &str) -> Result<M, Error> {
    let found = type_name(any);
    if found != name {
        let why =
            format!("unmarshal {doing} request hints: mismatched message type: got {name:?} want {found:?}");
        return Err(Error::invalid_argument(why));
    }
    let unreadable = |error| Error::invalid_argument(format!("unmarshal {doing} request hints: {error}"));
    M::decode(any.value.as_slice()).map_err(unreadable)
}

/// A message as hints.
pub fn pack(name: &str, message: &impl Message) -> Any {
    Any { type_url: format!("{PREFIX}{name}"), value: message.encode_to_vec() }
}

fn type_name(any: &Any) -> &str {
    any.type_url.rsplit('/').next().unwrap_or_default()
}

/// The hints that ask a store for statistics of its work.
pub fn with_stats() -> Any {
    let hints = SeriesRequestHints { enable_query_stats: true, ..SeriesRequestHints::default() };
    pack("hintspb.SeriesRequestHints", &hints)
}

/// Whether the hints of a Series request ask for statistics.
pub(crate) fn wants_stats(any: &Any) -> bool {
    let name = "hintspb.SeriesRequestHints";
    unpack::<SeriesRequestHints>(any, name, "series").is_ok_and(|hints| hints.enable_query_stats)
}

/// The hints of a Series answer, if they are of that kind.
pub(crate) fn series_response(any: &Any) -> Option<SeriesResponseHints> {
    if type_name(any) != "hintspb.SeriesResponseHints" {
        return None;
    }
    SeriesResponseHints::decode(any.value.as_slice()).ok()
}

/// Adds the statistics of another store to those of `sum`.
pub(crate) fn add_stats(sum: &mut QueryStats, other: &QueryStats) {
    macro_rules! add {
        ($($field:ident)*) => { $(sum.$field = sum.$field.saturating_add(other.$field);)* };
    }
    add!(blocks_queried merged_series_count merged_chunks_count);
    add!(postings_touched postings_touched_size_sum postings_to_fetch);
    add!(postings_fetched postings_fetched_size_sum postings_fetch_count);
    add!(series_touched series_touched_size_sum series_fetched series_fetched_size_sum series_fetch_count);
    add!(chunks_touched chunks_touched_size_sum chunks_fetched chunks_fetched_size_sum chunks_fetch_count);
    add!(data_downloaded_size_sum);
    // They work side by side, so that the slowest counts.
    sum.get_all_duration = longer(sum.get_all_duration, other.get_all_duration);
    sum.merge_duration = longer(sum.merge_duration, other.merge_duration);
}

fn longer(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    [a, b].into_iter().flatten().max_by_key(|duration| (duration.seconds, duration.nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_for_statistics_are_known() {
        assert!(wants_stats(&with_stats()));
        assert!(!wants_stats(&pack("hintspb.SeriesRequestHints", &SeriesRequestHints::default())));
        assert!(!wants_stats(&Any { type_url: format!("{PREFIX}other"), value: vec![16, 1] }));
    }

    #[test]
    fn statistics_add_up_and_times_do_not() {
        let stats = |series, seconds| QueryStats {
            series_fetched: series,
            merge_duration: Some(Duration { seconds, nanos: 5 }),
            ..QueryStats::default()
        };
        let mut sum = stats(3, 2);
        add_stats(&mut sum, &stats(4, 1));
        assert_eq!(sum, stats(7, 2));
    }
}
