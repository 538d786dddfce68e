//! Configurations cut short and bent: an error or a bucket, never a panic.

use objstore::config::open_without_metrics;

fn iterations() -> u64 {
    std::env::var("FUZZ_ITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

#[test]
fn bent_configurations_do_not_panic() {
    let seeds = [
        "type: FILESYSTEM\nconfig:\n  directory: /tmp/fuzz\nprefix: a/b\n",
        "type: S3\nconfig:\n  bucket: b\n  endpoint: e:9000\n  region: r\n  http_config: {idle_conn_timeout: 1m}\n  \
         sse_config: {type: SSE-S3}\n  part_size: 67108864\n",
    ];
    let mut random = 0x5eed_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for round in 0..iterations() {
        let mut text = seeds[round as usize % seeds.len()].as_bytes().to_vec();
        for _ in 0..=next(4) {
            let at = next(text.len());
            match next(4) {
                0 => text.truncate(at.max(1)),
                1 => text[at] = b" \n:{}[]&*!|>-'\"#%@`,?0a\t\xff"[next(25)],
                2 => text.insert(at, b"\n :{}[]&*!|-\""[next(13)]),
                _ => {
                    let piece = text[at..].to_vec();
                    text.extend_from_slice(&piece);
                }
            }
        }
        if let Ok(text) = std::str::from_utf8(&text) {
            let _ = open_without_metrics(text, "fuzz");
        }
    }
}
