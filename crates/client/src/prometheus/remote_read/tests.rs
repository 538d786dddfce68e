use proptest::prelude::*;

use super::*;

fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut len = message.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(&crc32c::crc32c(message).to_be_bytes());
    out.extend_from_slice(message);
    out
}

/// Feeds `bytes` in parts of the given lengths (then the rest at once) and collects the messages.
fn decode(bytes: &[u8], cuts: &[usize], limit: usize) -> Result<Vec<Bytes>, FrameError> {
    let mut decoder = FrameDecoder::new(limit);
    let mut messages = Vec::new();
    let mut rest = bytes;
    for cut in cuts.iter().copied().chain([usize::MAX]) {
        let (part, tail) = rest.split_at(cut.min(rest.len()));
        decoder.push(part);
        rest = tail;
        while let Some(message) = decoder.next_message()? {
            messages.push(message);
        }
    }
    decoder.finish().map(|()| messages)
}

proptest! {
    #[test]
    fn messages_survive_any_split(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        cuts in prop::collection::vec(0usize..64, 0..64),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|m| frame(m)).collect();
        let got = decode(&bytes, &cuts, 1000).expect("sound frames");
        prop_assert_eq!(got.iter().map(|m| m.to_vec()).collect::<Vec<_>>(), messages);
    }

    #[test]
    fn a_changed_byte_or_a_cut_is_noticed(
        message in prop::collection::vec(any::<u8>(), 1..300),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = frame(&message);
        let mut flipped = bytes.clone();
        flipped[at.index(bytes.len())] ^= flip;
        prop_assert!(decode(&flipped, &[], 1000) != Ok(vec![Bytes::from(message.clone())]));
        let cut = cut.index(bytes.len());
        if cut > 0 {
            prop_assert_eq!(decode(&bytes[..cut], &[], 1000), Err(FrameError::Truncated { frame: 0, have: cut }));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode(&bytes, &[3, 7], 100);
        let _ = decompress(&bytes);
    }
}

#[test]
fn refuses_a_message_over_the_limit_before_reading_it() {
    let mut decoder = FrameDecoder::new(10);
    decoder.push(&[11]);
    assert_eq!(decoder.next_message(), Err(FrameError::TooLarge { frame: 0, size: 11, limit: 10 }));
    let mut decoder = FrameDecoder::new(usize::MAX);
    decoder.push(&[0xff; 10]);
    assert_eq!(decoder.next_message(), Err(FrameError::BadLength { frame: 0 }));
}

#[test]
fn refuses_a_snappy_block_that_announces_too_much() {
    // 4 GiB less one byte, as a varint.
    assert!(decompress(&[0xff, 0xff, 0xff, 0xff, 0x0f]).expect_err("too long").contains("limit"));
}
