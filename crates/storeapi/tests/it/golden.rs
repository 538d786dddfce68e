//! Recorded calls between Go programs: read and written again to the same bytes, and answered by our proxy as by Go's.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use model::labels::Labels;
use prost::Message;
use proto::series::{SeriesResponse, SeriesResult};
use proto::thanos;
use storeapi::grpc::Events;
use storeapi::*;

use crate::accepted::proxy;

/// The folder of golden data beside the checkout, if there is one.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn shared() -> Option<PathBuf> {
    let given = std::env::var_os("THANOS_SHARED").map(PathBuf::from);
    let found = given.or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|dir| dir.join("shared"))
            .find(|dir| dir.is_dir())
    });
    if found.is_none() {
        eprintln!("skipped: no folder of golden data beside the checkout");
    }
    found
}

struct Call {
    target: String,
    method: String,
    note: String,
    code: String,
    same_bytes: bool,
    request: Vec<u8>,
    frames: Vec<Bytes>,
}

/// Frames, each preceded by its length as a varint.
fn split(mut stream: Bytes) -> Vec<Bytes> {
    let mut frames = Vec::new();
    while !stream.is_empty() {
        let len = prost::decode_length_delimiter(&mut stream).unwrap();
        frames.push(stream.split_to(len));
    }
    frames
}

fn calls() -> Vec<Call> {
    let Some(shared) = shared() else { return Vec::new() };
    let dir = shared.join("golden/storeapi");
    let scratch = tempfile::tempdir().unwrap();
    let packed = std::fs::File::open(dir.join("wire.tar.zst")).unwrap();
    let mut unpack = std::process::Command::new("tar")
        .arg("-xf")
        .arg("-")
        .arg("-C")
        .arg(scratch.path())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::copy(&mut zstd::Decoder::new(packed).unwrap(), unpack.stdin.as_mut().unwrap()).unwrap();
    assert!(unpack.wait().unwrap().success());
    let wire = ["wire", "."]
        .iter()
        .map(|sub| scratch.path().join(sub))
        .find(|dir| dir.join("001.req.pb").exists())
        .unwrap();
    let mut text = String::new();
    let packed = std::fs::File::open(dir.join("calls.jsonl.gz")).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| {
            let call: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
            let number = text("n");
            Call {
                target: text("target"),
                method: text("method").rsplit('/').next().unwrap().to_owned(),
                note: text("note"),
                code: text("code"),
                same_bytes: call["reencodes_to_same_bytes"].as_bool().unwrap(),
                request: std::fs::read(wire.join(format!("{number}.req.pb"))).unwrap(),
                frames: split(std::fs::read(wire.join(format!("{number}.resp.pbl"))).unwrap().into()),
            }
        })
        .collect()
}

fn written_again<M: Message + Default>(bytes: &[u8]) -> Vec<u8> {
    M::decode(bytes).unwrap().encode_to_vec()
}

#[test]
fn recorded_messages_are_written_again_to_the_same_bytes() {
    let calls = calls();
    for call in calls.iter().filter(|call| call.same_bytes) {
        let request = match call.method.as_str() {
            "Info" => written_again::<thanos::info::InfoRequest>(&call.request),
            "LabelNames" => written_again::<thanos::LabelNamesRequest>(&call.request),
            "LabelValues" => written_again::<thanos::LabelValuesRequest>(&call.request),
            _ => written_again::<thanos::SeriesRequest>(&call.request),
        };
        assert_eq!(request, call.request, "request of {} {}", call.target, call.note);
        for frame in &call.frames {
            let response = match call.method.as_str() {
                "Info" => Info::from_proto(&thanos::info::InfoResponse::decode(&frame[..]).unwrap())
                    .to_proto()
                    .encode_to_vec(),
                "LabelNames" => written_again::<thanos::LabelNamesResponse>(frame),
                "LabelValues" => written_again::<thanos::LabelValuesResponse>(frame),
                _ => SeriesResponse::decode(frame.clone()).unwrap().encode_to_vec(),
            };
            assert_eq!(response, frame[..], "response of {} {}", call.target, call.note);
        }
    }
}

/// Answers with what was recorded of a store for a call.
#[derive(Clone, Default)]
struct Recorded {
    frames: Vec<Bytes>,
}

#[async_trait]
impl StoreApi for Recorded {
    async fn series(&self, _: SeriesRequest) -> Result<SeriesStream, Error> {
        let frames: Vec<_> =
            self.frames.iter().map(|frame| Ok(SeriesResponse::decode(frame.clone()).unwrap())).collect();
        Ok(Events::new(stream::iter(frames)).boxed())
    }

    async fn label_names(&self, _: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        Ok(thanos::LabelNamesResponse::decode(self.frames[0].clone()).unwrap().into())
    }

    async fn label_values(&self, _: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        Ok(thanos::LabelValuesResponse::decode(self.frames[0].clone()).unwrap().into())
    }
}

/// Series by labels, chunks in a fixed order, so that the order of equal series from two stores does not matter.
fn content(frames: &[Bytes]) -> BTreeMap<Labels, Vec<Vec<u8>>> {
    let mut content: BTreeMap<Labels, Vec<Vec<u8>>> = BTreeMap::new();
    for frame in frames {
        let series = match SeriesResponse::decode(frame.clone()).unwrap().result {
            Some(SeriesResult::Series(series)) => vec![series],
            Some(SeriesResult::Batch(batch)) => batch,
            _ => vec![],
        };
        for one in series {
            add(&mut content, one);
        }
    }
    content
}

fn add(content: &mut BTreeMap<Labels, Vec<Vec<u8>>>, series: Series) {
    let chunks = content.entry(series.labels).or_default();
    for chunk in series.chunks {
        let one = Series { labels: Labels::empty(), chunks: vec![chunk] };
        chunks.push(SeriesResponse::new(SeriesResult::Series(one)).encode_to_vec());
    }
    chunks.sort();
    chunks.dedup();
}

#[tokio::test]
async fn proxy_merges_recorded_stores_as_the_go_querier_did() {
    let calls = calls();
    if calls.is_empty() {
        return;
    }
    let find = |target: &str, method: &str, note: &str| {
        calls.iter().find(|call| call.target == target && call.method == method && call.note == note)
    };
    let info = |target: &str| {
        let call = find(target, "Info", "info").unwrap();
        Info::from_proto(&thanos::info::InfoResponse::decode(call.frames[0].clone()).unwrap())
    };
    let mut compared = 0;
    for call in
        calls.iter().filter(|call| call.target == "query" && call.code == "OK" && call.method != "Info")
    {
        let (Some(sidecar), Some(store)) =
            (find("sidecar", &call.method, &call.note), find("store", &call.method, &call.note))
        else {
            continue;
        };
        let stores = [("sidecar", sidecar), ("store", store)].map(|(name, recorded)| {
            let api = Arc::new(Recorded { frames: recorded.frames.clone() });
            Arc::new(StoreRef::from_info(api, Some(name.to_owned()), &info(name)).unwrap())
        });
        let proxy = proxy(stores.to_vec(), Retrieval::Eager, Duration::ZERO);
        match call.method.as_str() {
            "LabelNames" => {
                let request = thanos::LabelNamesRequest::decode(&call.request[..]).unwrap();
                let answer =
                    proxy.label_names(LabelNamesRequest::from_proto(request).unwrap()).await.unwrap();
                assert_eq!(
                    thanos::LabelNamesResponse::from(answer).encode_to_vec(),
                    call.frames[0][..],
                    "{}",
                    call.note
                );
            }
            "LabelValues" => {
                let request = thanos::LabelValuesRequest::decode(&call.request[..]).unwrap();
                let answer =
                    proxy.label_values(LabelValuesRequest::from_proto(request).unwrap()).await.unwrap();
                assert_eq!(
                    thanos::LabelValuesResponse::from(answer).encode_to_vec(),
                    call.frames[0][..],
                    "{}",
                    call.note
                );
            }
            _ => {
                let request = thanos::SeriesRequest::decode(&call.request[..]).unwrap();
                let request = SeriesRequest::from_proto(request).unwrap();
                let events: Vec<SeriesEvent> =
                    proxy.series(request).await.unwrap().try_collect().await.unwrap();
                let mut ours = BTreeMap::new();
                for event in events {
                    if let SeriesEvent::Series(series) = event {
                        add(&mut ours, series);
                    }
                }
                assert_eq!(ours, content(&call.frames), "{}", call.note);
            }
        }
        compared += 1;
    }
    assert!(compared >= 15, "only {compared} calls were compared");
}
