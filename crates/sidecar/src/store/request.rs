//! The remote-read request.

use model::matcher::{MatchType, Matcher};
use prost::Message;
use proto::prometheus_copy::{LabelMatcher, Query, ReadRequest, label_matcher, read_request::ResponseType};

/// An encoded remote-read request for streamed chunks, or samples from a server that does not stream.
pub(super) fn read_request(matchers: &[Matcher], mint: i64, maxt: i64) -> Vec<u8> {
    let matchers = matchers.iter().map(|matcher| {
        let kind = match matcher.ty() {
            MatchType::Eq => label_matcher::Type::Eq,
            MatchType::Ne => label_matcher::Type::Neq,
            MatchType::Re => label_matcher::Type::Re,
            MatchType::NotRe => label_matcher::Type::Nre,
        };
        LabelMatcher {
            r#type: kind.into(),
            name: matcher.name().to_string(),
            value: matcher.value().to_string(),
        }
    });
    let query =
        Query { start_timestamp_ms: mint, end_timestamp_ms: maxt, matchers: matchers.collect(), hints: None };
    let accepted = [ResponseType::StreamedXorChunks, ResponseType::Samples];
    ReadRequest { queries: vec![query], accepted_response_types: accepted.map(i32::from).to_vec() }
        .encode_to_vec()
}
