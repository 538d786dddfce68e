//! Fetching the postings of a plan and combining them.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use model::matcher::Matcher;
use tsdb::postings;

use super::plan::{Group, Key, Plan, plan, sorted};
use crate::{
    block::Block,
    cache::{self, Item},
    error::{blocking, of_bucket, of_data},
    gateway::Request,
    ranges,
};

/// The most bytes of postings that are fetched in one range. A block of a hundred million series has lists of 400 MB.
const MAX_RANGE: u64 = 1 << 30;

/// Lists of one matcher beyond which each is not kept in the cache by itself: their merged result is, and so many small items cost more
/// than they save.
const MAX_CACHED_KEYS: usize = 1024;

/// References of the series of a block that all matchers accept, ascending. Without matchers there are none.
pub(crate) async fn select(
    block: &Arc<Block>,
    matchers: &[Matcher],
    request: &Request,
) -> Result<Vec<u32>, storeapi::Error> {
    if matchers.is_empty() {
        return Ok(Vec::new());
    }
    let start = Instant::now();
    let matchers = sorted(matchers.to_vec());
    let cache_key = expanded_key(block, &matchers);
    let cached =
        request.cache.get_many(Item::ExpandedPostings, std::slice::from_ref(&cache_key), &request.tenant);
    if let Some(bytes) = cached.into_iter().flatten().next() {
        request.reserve_bytes(bytes.len() as u64, "loading expanded postings from index cache")?;
        request.stats.postings.touched.add(1, bytes.len() as u64);
        return postings::decode(&bytes)
            .map_err(|problem| of_data(format!("cached expanded postings: {problem}")));
    }
    let header = block.header.get().await?;
    let planned = blocking(move || plan(&header, &matchers).map_err(of_data)).await?;
    let selected = match planned {
        None => Vec::new(),
        Some(plan) => fetch(block, plan, request).await?,
    };
    let mut encoded = Vec::new();
    postings::encode(&mut encoded, &selected);
    request.cache.put_many(Item::ExpandedPostings, [(cache_key, encoded.as_slice())], &request.tenant);
    request
        .metrics
        .postings_fetch_duration
        .with_label_values(&[&request.tenant])
        .observe(start.elapsed().as_secs_f64());
    Ok(selected)
}

fn expanded_key(block: &Block, matchers: &[Matcher]) -> cache::Key {
    let text: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    cache::Key::Expanded(block.id, text.join(";").into())
}

/// The bytes of each list of a plan, in the order of its groups and keys.
async fn fetch(block: &Arc<Block>, plan: Plan, request: &Request) -> Result<Vec<u32>, storeapi::Error> {
    let groups: Vec<&Group> = plan.intersect.iter().chain(&plan.without).collect();
    let keys: Vec<&Key> = groups.iter().flat_map(|group| &group.keys).collect();
    let mut found: Vec<Option<Bytes>> = Vec::with_capacity(keys.len());
    for group in &groups {
        found.extend(from_cache(block, group, request)?);
    }
    let mut missing: Vec<usize> = (0..keys.len()).filter(|at| found[*at].is_none()).collect();
    missing.sort_by_key(|at| keys[*at].range.start);
    request.stats.postings_to_fetch.fetch_add(missing.len() as u64, std::sync::atomic::Ordering::Relaxed);
    let parts = ranges::merge(missing.iter().map(|at| keys[*at].range.clone()), request.max_gap, MAX_RANGE);
    if let Some(part) = parts.iter().find(|part| part.bytes.end - part.bytes.start > MAX_RANGE) {
        let len = part.bytes.end - part.bytes.start;
        return Err(of_data(format!(
            "{}: postings at offset {} have {len} bytes",
            block.index, part.bytes.start
        )));
    }
    let wanted: Vec<_> = parts.iter().map(|part| part.bytes.clone()).collect();
    let size: u64 = wanted.iter().map(|range| range.end - range.start).sum();
    request.reserve_bytes(size, "fetching postings")?;
    if !wanted.is_empty() {
        let start = Instant::now();
        let contents = request.bucket.get_ranges(&block.index, &wanted).await;
        let contents = contents.map_err(|error| of_bucket(&error).context("read postings range"))?;
        request.stats.postings.fetch(wanted.len() as u64, missing.len() as u64, size, start.elapsed());
        for (part, content) in parts.iter().zip(contents) {
            for at in &missing[part.items.clone()] {
                let range = &keys[*at].range;
                let from = (range.start - part.bytes.start) as usize;
                // The range of the last list of all may be too long; the count in front says where it ends.
                let to = content.len().min((range.end - part.bytes.start) as usize);
                let Some(list) = content.get(from..to) else {
                    return Err(of_data(format!(
                        "{}: postings at offset {} are missing",
                        block.index, range.start
                    )));
                };
                request.stats.postings.touched.add(1, list.len() as u64);
                found[*at] = Some(content.slice_ref(list));
            }
        }
        let mut at = 0;
        for group in &groups {
            let lists = found[at..at + group.keys.len()].iter();
            at += group.keys.len();
            if group.keys.len() <= MAX_CACHED_KEYS {
                let items = group.keys.iter().zip(lists);
                let items = items.filter_map(|(key, list)| Some((cache_key(block, key), list.as_deref()?)));
                request.cache.put_many(Item::Postings, items, &request.tenant);
            }
        }
    }
    let index = block.index.clone();
    blocking(move || combine(&plan, &found, &index)).await
}

fn cache_key(block: &Block, key: &Key) -> cache::Key {
    cache::Key::Postings(block.id, key.name.clone(), key.value.clone())
}

fn from_cache(
    block: &Block,
    group: &Group,
    request: &Request,
) -> Result<Vec<Option<Bytes>>, storeapi::Error> {
    if group.keys.len() > MAX_CACHED_KEYS || !request.cache.keeps(Item::Postings) {
        return Ok(vec![None; group.keys.len()]);
    }
    let keys: Vec<cache::Key> = group.keys.iter().map(|key| cache_key(block, key)).collect();
    let found = request.cache.get_many(Item::Postings, &keys, &request.tenant);
    let size: usize = found.iter().flatten().map(Bytes::len).sum();
    request.reserve_bytes(size as u64, "loading postings from index cache")?;
    request.stats.postings.touched.add(found.iter().flatten().count() as u64, size as u64);
    Ok(found)
}

/// Combines the fetched lists.
fn combine(plan: &Plan, found: &[Option<Bytes>], index: &str) -> Result<Vec<u32>, storeapi::Error> {
    let mut rest = found;
    let mut merged = |group: &Group| -> Result<Vec<u32>, storeapi::Error> {
        let (lists, others) = rest.split_at(group.keys.len());
        rest = others;
        let mut decoded = Vec::with_capacity(lists.len());
        for (key, list) in group.keys.iter().zip(lists) {
            let list = list.as_deref().unwrap_or_default();
            let list = postings::decode(list).map_err(|problem| {
                of_data(format!("{index}: postings at offset {}: {problem}", key.range.start))
            })?;
            // Set operations need ascending lists, and a broken file may have others.
            if !list.is_sorted() {
                return Err(of_data(format!(
                    "{index}: postings at offset {} are out of order",
                    key.range.start
                )));
            }
            decoded.push(list);
        }
        Ok(match decoded.len() {
            1 => decoded.pop().unwrap_or_default(),
            _ => postings::merge_all(&decoded),
        })
    };
    let mut selected: Option<Vec<u32>> = None;
    for group in &plan.intersect {
        let group = merged(group)?;
        selected = Some(match selected {
            Some(before) => postings::intersect(&before, &group),
            None => group,
        });
    }
    let mut selected = selected.unwrap_or_default();
    for group in &plan.without {
        let group = merged(group)?;
        selected = postings::without(&selected, &group);
    }
    Ok(selected)
}
