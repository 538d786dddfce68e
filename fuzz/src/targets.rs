//! The targets, by name.

use model::series::SampleBuffer;
use tsdb::chunk::{Encoding, decode_into, sample_count};

/// A fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Inputs that are well-formed, from which mutations start.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const ALL: &[Target] = &[Target { name: "chunk", run: chunk, seeds: chunk_seeds }];

/// The target of that name.
pub fn by_name(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|t| t.name == name)
}

/// The first byte is the encoding, the rest the chunk.
fn chunk(data: &[u8]) {
    let Some((encoding, data)) = data.split_first() else { return };
    let Ok(encoding) = Encoding::from_byte(*encoding) else { return };
    let mut out = SampleBuffer::new();
    let decoded = decode_into(encoding, data, &mut out);
    if decoded.is_ok() && encoding.is_histogram() {
        assert_eq!(out.histograms.len(), out.timestamps.len());
    }
    let _ = sample_count(encoding, data);
}

fn chunk_seeds() -> Vec<Vec<u8>> {
    let mut appender = tsdb::chunk::XorAppender::new();
    for i in 0..120i64 {
        let _ = appender.append(1_700_000_000_000 + i * 15_000 + i % 7, (i * i) as f64 / 3.0);
    }
    let mut seed = vec![Encoding::Xor.byte()];
    seed.extend_from_slice(&appender.into_bytes());
    vec![seed]
}
