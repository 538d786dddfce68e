use std::collections::BTreeMap;

use bytes::Bytes;
use futures::StreamExt;
use model::labels::Labels;
use proptest::prelude::*;

use super::*;
use crate::api::{AggrChunk, Chunk, ChunkEncoding};

impl Source for std::vec::IntoIter<Vec<SeriesEvent>> {
    fn poll_batch(&mut self, _: &mut Context<'_>) -> Poll<Option<Vec<SeriesEvent>>> {
        Poll::Ready(self.next())
    }
}

fn chunk(min_time: i64, max_time: i64, data: &'static [u8]) -> AggrChunk {
    AggrChunk::raw(min_time, max_time, Chunk::new(ChunkEncoding::Xor, Bytes::from_static(data), 0))
}

fn series(value: &str, chunks: Vec<AggrChunk>) -> SeriesEvent {
    SeriesEvent::Series(Series { labels: Labels::from_pairs([("a", value)]), chunks })
}

fn merge(sources: Vec<Vec<Vec<SeriesEvent>>>) -> Vec<SeriesEvent> {
    let merged = MergedSeries::new(sources.into_iter().map(Vec::into_iter).collect());
    futures::executor::block_on(merged.collect())
}

#[test]
fn equal_series_are_joined_and_equal_chunks_dropped() {
    let (one, two, three) = (chunk(0, 9, b"one"), chunk(10, 19, b"two"), chunk(5, 19, b"three"));
    let merged = merge(vec![
        vec![vec![series("1", vec![one.clone(), two.clone()]), series("2", vec![])]],
        vec![vec![series("1", vec![three.clone(), two.clone()])], vec![series("3", vec![])]],
    ]);
    assert_eq!(merged, [series("1", vec![one, three, two]), series("2", vec![]), series("3", vec![])]);
}

#[test]
fn series_split_over_frames_is_joined() {
    let merged = merge(vec![vec![
        vec![series("1", vec![chunk(0, 9, b"a")])],
        vec![series("1", vec![chunk(10, 19, b"b")])],
    ]]);
    assert_eq!(merged, [series("1", vec![chunk(0, 9, b"a"), chunk(10, 19, b"b")])]);
}

#[test]
fn warnings_come_through() {
    let warning = SeriesEvent::Warning("store b is gone".into());
    let merged = merge(vec![vec![vec![series("1", vec![])]], vec![vec![warning.clone()]]]);
    assert!(merged.contains(&warning) && merged.len() == 2);
}

#[test]
fn different_chunks_of_one_time_are_all_kept() {
    let merged = merge(vec![
        vec![vec![series("1", vec![chunk(0, 9, b"a")])]],
        vec![vec![series("1", vec![chunk(0, 9, b"b")])]],
    ]);
    assert_eq!(merged, [series("1", vec![chunk(0, 9, b"b"), chunk(0, 9, b"a")])]);
}

proptest! {
    #[test]
    fn merges_like_a_map(sources in proptest::collection::vec(proptest::collection::btree_set(0u8..30, 0..12), 0..6)) {
        let mut expected: BTreeMap<Labels, usize> = BTreeMap::new();
        let mut inputs = Vec::new();
        for (number, source) in sources.iter().enumerate() {
            let mut events = Vec::new();
            for value in source {
                let labels = Labels::from_pairs([("a", format!("{value:02}"))]);
                *expected.entry(labels.clone()).or_default() += 1;
                events.push(SeriesEvent::Series(Series { labels, chunks: vec![AggrChunk::raw(number as i64, number as i64, Chunk::default())] }));
            }
            inputs.push(events.chunks(3).map(<[_]>::to_vec).collect());
        }
        let merged: Vec<(Labels, usize)> = merge(inputs).into_iter().map(|event| match event {
            SeriesEvent::Series(series) => (series.labels, series.chunks.len()),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(merged, expected.into_iter().collect::<Vec<_>>());
    }
}
