//! The calls that were recorded from a Thanos store, answered over gRPC with the same meaning.

use std::{collections::BTreeSet, path::Path};

use prost::Message;
use proto::{
    hintspb,
    series::{Series, SeriesResponse, SeriesResult},
    thanos,
};

use crate::harness::{Gateway, golden, recorded_blocks, unpack};

/// Messages, each preceded by its length.
fn messages<M: Message + Default>(path: &Path) -> Vec<M> {
    let bytes = std::fs::read(path).unwrap();
    let mut bytes = bytes.as_slice();
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        messages.push(M::decode_length_delimited(&mut bytes).unwrap());
    }
    messages
}

/// The frames of an answer, batches taken apart: series, warnings. Thanos's store sends no hints.
fn content(frames: Vec<SeriesResponse>) -> (Vec<Series>, Vec<String>) {
    let (mut series, mut warnings) = (Vec::new(), Vec::new());
    for frame in frames {
        match frame.result {
            Some(SeriesResult::Series(one)) => series.push(one),
            Some(SeriesResult::Batch(batch)) => series.extend(batch),
            Some(SeriesResult::Warning(warning)) => warnings.push(warning),
            Some(SeriesResult::Hints(any)) => panic!("unexpected hints {}", any.type_url),
            None => panic!("a frame of no kind"),
        }
    }
    (series, warnings)
}

fn check_series(n: &str, ours: Vec<SeriesResponse>, theirs: Vec<SeriesResponse>) {
    let frames = |frames: &[SeriesResponse]| frames.len();
    let (our_frames, their_frames) = (frames(&ours), frames(&theirs));
    let (ours, our_warnings) = content(ours);
    let (theirs, their_warnings) = content(theirs);
    let labels =
        |series: &[Series]| series.iter().map(|series| series.labels.to_string()).collect::<Vec<_>>();
    assert_eq!(labels(&ours), labels(&theirs), "{n}");
    for (our, their) in ours.iter().zip(&theirs) {
        assert_eq!(our.chunks.len(), their.chunks.len(), "{n}: {}", our.labels);
        assert_eq!(our, their, "{n}");
    }
    assert_eq!(our_warnings, their_warnings, "{n}");
    assert_eq!(our_frames, their_frames, "{n}: frames");
}

/// The hints of a request without the wish for statistics, which Thanos's program does not fulfil. What cannot be read stays.
fn without_stats(any: prost_types::Any) -> prost_types::Any {
    if any.type_url != "type.googleapis.com/hintspb.SeriesRequestHints" {
        return any;
    }
    match hintspb::SeriesRequestHints::decode(any.value.as_slice()) {
        Ok(hints) => {
            let hints = hintspb::SeriesRequestHints { enable_query_stats: false, ..hints };
            prost_types::Any { value: hints.encode_to_vec(), ..any }
        }
        Err(_) => any,
    }
}

/// The queried blocks of an answer about labels.
fn queried(hints: Option<prost_types::Any>, name: &str) -> BTreeSet<String> {
    let any = hints.unwrap();
    assert_eq!(any.type_url, format!("type.googleapis.com/{name}"));
    // The messages of names and values have the same shape.
    let hints = hintspb::LabelNamesResponseHints::decode(any.value.as_slice()).unwrap();
    hints.queried_blocks.into_iter().map(|block| block.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_calls_are_answered_with_the_same_meaning() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let wire = tempfile::tempdir().unwrap();
    unpack(&golden.join("storeapi/wire.tar.zst"), wire.path());
    let calls =
        std::process::Command::new("zcat").arg(golden.join("storeapi/calls.jsonl.gz")).output().unwrap();
    let calls = String::from_utf8(calls.stdout).unwrap();

    let gateway = Gateway::start(blocks.path()).await;
    let channel = gateway.channel().await;
    let mut store =
        thanos::store_client::StoreClient::new(channel.clone()).max_decoding_message_size(usize::MAX);
    let mut info = thanos::info::info_client::InfoClient::new(channel);
    let mut count = 0;
    for call in calls.lines() {
        let call: serde_json::Value = serde_json::from_str(call).unwrap();
        if call["target"] != "store" {
            continue;
        }
        count += 1;
        let n = format!("{} {}", call["n"].as_str().unwrap(), call["note"].as_str().unwrap());
        let find = |suffix: &str| {
            let name = format!("{}.{suffix}", call["n"].as_str().unwrap());
            let direct = wire.path().join(&name);
            if direct.exists() { direct } else { wire.path().join("wire").join(name) }
        };
        let request = std::fs::read(find("req.pb")).unwrap();
        match call["method"].as_str().unwrap() {
            "/thanos.info.Info/Info" => {
                let ours = info.info(thanos::info::InfoRequest {}).await.unwrap().into_inner();
                let theirs: thanos::info::InfoResponse = messages(&find("resp.pbl")).remove(0);
                assert_eq!(ours.component_type, theirs.component_type);
                assert_eq!(ours.label_sets, theirs.label_sets);
                let (mut ours, mut theirs) = (ours.store.unwrap(), theirs.store.unwrap());
                let key = |info: &thanos::info::TsdbInfo| (format!("{:?}", info.labels), info.min_time);
                ours.tsdb_infos.sort_by_key(key);
                theirs.tsdb_infos.sort_by_key(key);
                assert_eq!(ours, theirs);
            }
            "/thanos.Store/LabelNames" => {
                let request = thanos::LabelNamesRequest::decode(request.as_slice()).unwrap();
                let ours = store.label_names(request).await.unwrap().into_inner();
                let theirs: thanos::LabelNamesResponse = messages(&find("resp.pbl")).remove(0);
                assert_eq!((ours.names, ours.warnings), (theirs.names, theirs.warnings), "{n}");
                let name = "hintspb.LabelNamesResponseHints";
                assert_eq!(queried(ours.hints, name), queried(theirs.hints, name), "{n}");
            }
            "/thanos.Store/LabelValues" => {
                let request = thanos::LabelValuesRequest::decode(request.as_slice()).unwrap();
                let ours = store.label_values(request).await.unwrap().into_inner();
                let theirs: thanos::LabelValuesResponse = messages(&find("resp.pbl")).remove(0);
                assert_eq!((ours.values, ours.warnings), (theirs.values, theirs.warnings), "{n}");
                let name = "hintspb.LabelValuesResponseHints";
                assert_eq!(queried(ours.hints, name), queried(theirs.hints, name), "{n}");
            }
            "/thanos.Store/Series" => {
                let mut request = thanos::SeriesRequest::decode(request.as_slice()).unwrap();
                // Differs from Thanos: who asks for statistics gets them.
                request.hints = request.hints.map(without_stats);
                let answer = match store.series(request).await {
                    Ok(answer) => answer.into_inner(),
                    Err(status) => {
                        assert_eq!(format!("{:?}", status.code()), call["code"].as_str().unwrap(), "{n}");
                        assert_eq!(status.message(), call["message"].as_str().unwrap(), "{n}");
                        continue;
                    }
                };
                let ours: Vec<SeriesResponse> = futures::TryStreamExt::try_collect(answer).await.unwrap();
                assert_eq!(call["code"], "OK", "{n}");
                check_series(&n, ours, messages(&find("resp.pbl")));
            }
            other => panic!("unknown method {other}"),
        }
    }
    assert!(count > 30, "{count} calls");
    gateway.stop().await;
}
