//! gRPC message frames: one flag byte, the length as big-endian u32, the message.

use bytes::{Buf, Bytes, BytesMut};

/// Length of a frame's header in bytes.
pub const HEADER: usize = 5;
/// Largest message taken, that of Thanos's gRPC servers and clients.
pub const MAX_MESSAGE: usize = i32::MAX as usize;

/// Counts the messages in a byte stream without keeping it.
#[derive(Debug, Default)]
pub struct Counter {
    header: [u8; HEADER],
    filled: usize,
    body_left: u64,
}

impl Counter {
    /// Takes the next bytes of the stream and returns how many messages ended in them.
    pub fn feed(&mut self, mut data: &[u8]) -> u64 {
        let mut messages = 0;
        while !data.is_empty() {
            if self.filled < HEADER {
                let take = data.len().min(HEADER - self.filled);
                self.header[self.filled..self.filled + take].copy_from_slice(&data[..take]);
                self.filled += take;
                data = &data[take..];
                if self.filled < HEADER {
                    break;
                }
                let [_, a, b, c, d] = self.header;
                self.body_left = u64::from(u32::from_be_bytes([a, b, c, d]));
            }
            let take = (data.len() as u64).min(self.body_left);
            self.body_left -= take;
            data = &data[take as usize..];
            if self.body_left == 0 {
                self.filled = 0;
                messages += 1;
            }
        }
        messages
    }
}

/// Why a byte stream is not a stream of frames.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A header announces more than [`MAX_MESSAGE`].
    #[error("gRPC message of {0} bytes is over the limit of {MAX_MESSAGE}")]
    TooLarge(usize),
}

/// Collects bytes and hands out whole messages.
#[derive(Debug, Default)]
pub struct Splitter {
    // Grows with what arrives, never with what a header merely announces.
    buffer: BytesMut,
}

impl Splitter {
    /// Adds the next bytes of the stream.
    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next whole message with its compressed flag.
    ///
    /// # Errors
    /// When the header announces a message over the limit.
    pub fn next_message(&mut self) -> Result<Option<(bool, Bytes)>, Error> {
        if self.buffer.len() < HEADER {
            return Ok(None);
        }
        let length =
            u32::from_be_bytes([self.buffer[1], self.buffer[2], self.buffer[3], self.buffer[4]]) as usize;
        if length > MAX_MESSAGE {
            return Err(Error::TooLarge(length));
        }
        if self.buffer.len() - HEADER < length {
            return Ok(None);
        }
        let compressed = self.buffer[0] & 1 == 1;
        self.buffer.advance(HEADER);
        Ok(Some((compressed, self.buffer.split_to(length).freeze())))
    }

    /// Whether no part of a message is left over.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(messages: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for message in messages {
            out.push(0);
            out.extend_from_slice(&(message.len() as u32).to_be_bytes());
            out.extend_from_slice(message);
        }
        out
    }

    #[test]
    fn counts_and_splits_at_every_cut() {
        let bytes = stream(&[b"abc", b"", b"defgh"]);
        for size in 1..=bytes.len() {
            let (mut counter, mut splitter) = (Counter::default(), Splitter::default());
            let (mut counted, mut got) = (0, Vec::new());
            for piece in bytes.chunks(size) {
                counted += counter.feed(piece);
                splitter.push(piece);
                while let Some((_, message)) = splitter.next_message().unwrap() {
                    got.push(message);
                }
            }
            assert_eq!((counted, got.len()), (3, 3), "pieces of {size}");
            assert_eq!(&got[2][..], b"defgh");
            assert!(splitter.is_empty());
        }
    }

    #[test]
    fn refuses_what_is_over_the_limit() {
        let mut splitter = Splitter::default();
        splitter.push(&[0, 0xff, 0xff, 0xff, 0xff, 1]);
        assert!(splitter.next_message().is_err());
    }
}
