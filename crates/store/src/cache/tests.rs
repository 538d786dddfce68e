use super::*;

fn cache(max_size: u64, max_item_size: u64) -> (IndexCache, Registry) {
    let registry = Registry::new();
    let config = IndexCacheConfig { max_size, max_item_size, ..IndexCacheConfig::default() };
    (IndexCache::new(config, &registry).unwrap(), registry)
}

#[test]
fn finds_what_was_kept_and_counts() {
    let (cache, _) = cache(1 << 20, 1 << 20);
    let block = Ulid::from_parts(1, 1);
    let key = Key::Postings(block, "a".into(), "b".into());
    assert_eq!(cache.get_many(Item::Postings, std::slice::from_ref(&key), "t"), [None]);
    cache.put_many(Item::Postings, [(key.clone(), b"value".as_slice())], "t");
    let other = Key::Postings(Ulid::from_parts(1, 2), "a".into(), "b".into());
    let found = cache.get_many(Item::Postings, &[key, other], "t");
    assert_eq!(found, [Some(Bytes::from_static(b"value")), None]);
    assert_eq!(cache.metrics.hits.with_label_values(&["Postings", "t"]).get(), 1.0);
    assert_eq!(cache.metrics.requests.with_label_values(&["Postings", "t"]).get(), 3.0);
}

#[test]
fn never_holds_more_than_its_size() {
    let (cache, _) = cache(10_000, 5_000);
    let block = Ulid::from_parts(1, 1);
    for n in 0..1_000 {
        let value = vec![0u8; (n % 50) as usize * 10];
        cache.put_many(Item::Series, [(Key::Series(block, n), value.as_slice())], "t");
        assert!(cache.metrics.total_size.get() <= 10_000.0);
        assert_eq!(cache.lru.lock().size() as f64, cache.metrics.total_size.get());
        assert_eq!(cache.lru.lock().len() as f64, cache.metrics.items[Item::Series as usize].get());
    }
    assert!(cache.metrics.evicted[Item::Series as usize].get() > 0.0);
    cache.put_many(Item::Series, [(Key::Series(block, 0), vec![0; 6_000].as_slice())], "t");
    assert_eq!(cache.metrics.overflowed[Item::Series as usize].get(), 1.0);
}

#[test]
fn what_was_used_last_stays() {
    let (cache, _) = cache(3 * (lru::ENTRY_OVERHEAD as u64 + 10), 1 << 20);
    let block = Ulid::from_parts(1, 1);
    let key = |n| Key::Series(block, n);
    let put = |n| cache.put_many(Item::Series, [(key(n), [0u8; 10].as_slice())], "t");
    (1..=3).for_each(put);
    assert!(cache.get_many(Item::Series, &[key(1)], "t")[0].is_some());
    put(4);
    let found = cache.get_many(Item::Series, &[key(1), key(2), key(3), key(4)], "t");
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, true]);
}
