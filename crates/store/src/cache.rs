//! The index cache: postings, expanded postings and series entries that were fetched before, in memory, oldest use out first.
//!
//! MEMCACHED and REDIS of Thanos's configuration are refused by name.

mod config;
mod lru;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::{Counter, CounterVec, Gauge, HistogramVec, Registry};
use ulid::Ulid;

pub use self::config::{IndexCacheConfig, Item};
use self::lru::Lru;
use crate::metrics::Maker;

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// The postings of a label name and value, as they are in the index.
    Postings(Ulid, Box<str>, Box<str>),
    /// The series that matchers select, by the text of the sorted matchers.
    Expanded(Ulid, Arc<str>),
    /// A series entry, by its offset in the index.
    Series(Ulid, u64),
}

impl Key {
    fn item(&self) -> Item {
        match self {
            Key::Postings(..) => Item::Postings,
            Key::Expanded(..) => Item::ExpandedPostings,
            Key::Series(..) => Item::Series,
        }
    }

    /// Bytes that the key takes besides its value's.
    fn size(&self) -> u64 {
        let text = match self {
            Key::Postings(_, name, value) => name.len() + value.len(),
            Key::Expanded(_, matchers) => matchers.len(),
            Key::Series(..) => 0,
        };
        (text + lru::ENTRY_OVERHEAD) as u64
    }
}

#[derive(Debug)]
struct Metrics {
    requests: CounterVec,
    hits: CounterVec,
    added: [Counter; 3],
    evicted: [Counter; 3],
    overflowed: [Counter; 3],
    items: [Gauge; 3],
    items_size: [Gauge; 3],
    total_size: Gauge,
    stored: HistogramVec,
    fetch: HistogramVec,
}

/// The in-memory index cache.
#[derive(Debug)]
pub(crate) struct IndexCache {
    lru: Mutex<Lru<Key, Bytes>>,
    config: IndexCacheConfig,
    metrics: Metrics,
}

impl IndexCache {
    pub(crate) fn new(config: IndexCacheConfig, registry: &Registry) -> prometheus::Result<Self> {
        let make = Maker(registry);
        let name = |name: &str| format!("thanos_store_index_cache_{name}");
        let each = |vec: &CounterVec| Item::ALL.map(|item| vec.with_label_values(&[item.as_str()]));
        let typed = &["item_type"];
        let tenanted = &["item_type", "tenant"];
        let added = make.counters(&name("items_added_total"), "Items put into the index cache.", typed)?;
        let evicted =
            make.counters(&name("items_evicted_total"), "Items thrown out of the index cache.", typed)?;
        let overflowed =
            make.counters(&name("items_overflowed_total"), "Items too large for the index cache.", typed)?;
        let items = make.gauges(&name("items"), "Items in the index cache.", typed)?;
        let sizes = make.gauges(&name("items_size_bytes"), "Bytes of items in the index cache.", typed)?;
        make.gauge(&name("max_size_bytes"), "Most bytes that the index cache holds.")?
            .set(config.max_size as f64);
        make.gauge(&name("max_item_size_bytes"), "Most bytes of one item in the index cache.")?
            .set(config.max_item_size as f64);
        const KIB: f64 = 1024.0;
        const MIB: f64 = KIB * KIB;
        let stored = [
            32.0,
            256.0,
            512.0,
            KIB,
            32.0 * KIB,
            256.0 * KIB,
            512.0 * KIB,
            MIB,
            32.0 * MIB,
            64.0 * MIB,
            128.0 * MIB,
            256.0 * MIB,
            512.0 * MIB,
        ];
        let seconds = [0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0];
        let metrics = Metrics {
            requests: make.counters(
                &name("requests_total"),
                "Items looked up in the index cache.",
                tenanted,
            )?,
            hits: make.counters(&name("hits_total"), "Items found in the index cache.", tenanted)?,
            added: each(&added),
            evicted: each(&evicted),
            overflowed: each(&overflowed),
            items: Item::ALL.map(|item| items.with_label_values(&[item.as_str()])),
            items_size: Item::ALL.map(|item| sizes.with_label_values(&[item.as_str()])),
            total_size: make
                .gauge(&name("total_size_bytes"), "Bytes of items and keys in the index cache.")?,
            stored: make.histograms(
                &name("stored_data_size_bytes"),
                "Bytes of an item put into the index cache.",
                &stored,
                tenanted,
            )?,
            fetch: make.histograms(
                &name("fetch_duration_seconds"),
                "Seconds of a look-up in the index cache.",
                &seconds,
                tenanted,
            )?,
        };
        for item in Item::ALL {
            let labels = &[item.as_str(), crate::metrics::DEFAULT_TENANT];
            metrics.requests.with_label_values(labels);
            metrics.hits.with_label_values(labels);
            metrics.stored.with_label_values(labels);
            metrics.fetch.with_label_values(labels);
        }
        Ok(IndexCache { lru: Mutex::new(Lru::new(config.max_size)), config, metrics })
    }

    /// Whether items of this kind are kept at all.
    pub(crate) fn keeps(&self, item: Item) -> bool {
        self.config.keeps(item)
    }

    /// Looks several keys of one kind up.
    pub(crate) fn get_many(&self, item: Item, keys: &[Key], tenant: &str) -> Vec<Option<Bytes>> {
        if !self.keeps(item) || keys.is_empty() {
            return vec![None; keys.len()];
        }
        let start = Instant::now();
        let found: Vec<Option<Bytes>> = {
            let mut lru = self.lru.lock();
            keys.iter().map(|key| lru.get(key).cloned()).collect()
        };
        let labels = &[item.as_str(), tenant];
        let hits = found.iter().flatten().count();
        self.metrics.requests.with_label_values(labels).inc_by(keys.len() as f64);
        self.metrics.hits.with_label_values(labels).inc_by(hits as f64);
        self.metrics.fetch.with_label_values(labels).observe(start.elapsed().as_secs_f64());
        found
    }

    /// Keeps several items of one kind. Values are copied, so that they do not hold the larger ranges they were fetched with.
    pub(crate) fn put_many<'a>(
        &self,
        item: Item,
        items: impl IntoIterator<Item = (Key, &'a [u8])>,
        tenant: &str,
    ) {
        if !self.keeps(item) {
            return;
        }
        let stored = self.metrics.stored.with_label_values(&[item.as_str(), tenant]);
        let mut evicted = Vec::new();
        for (key, value) in items {
            debug_assert_eq!(key.item(), item);
            let at = item as usize;
            stored.observe(value.len() as f64);
            let size = key.size() + value.len() as u64;
            if size > self.config.max_item_size || size > self.config.max_size {
                self.metrics.overflowed[at].inc();
                continue;
            }
            let value = Bytes::copy_from_slice(value);
            if self.lru.lock().insert(key, value, size, &mut evicted) {
                self.metrics.added[at].inc();
                self.metrics.items[at].inc();
                self.metrics.items_size[at].add(size as f64);
                self.metrics.total_size.add(size as f64);
            }
            for (key, size) in evicted.drain(..) {
                let at = key.item() as usize;
                self.metrics.evicted[at].inc();
                self.metrics.items[at].dec();
                self.metrics.items_size[at].sub(size as f64);
                self.metrics.total_size.sub(size as f64);
            }
        }
    }
}

#[cfg(test)]
mod tests;
